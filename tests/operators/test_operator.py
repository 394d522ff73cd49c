"""The operator's execute on real databases, through Airflow connections."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk import DAG, Param
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime
from structlog.testing import capture_logs

from airflow_checkpoint_provider.engine.model.errors import CheckpointError
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.airflow.operating import context, execute, operator
from tests.support.databases.db import Db

WITHOUT = ("unknown",)  # no known primary key

MARKS = {"sqlite": "?", "postgres": "%s", "mysql": "%s", "oracle": ":1"}


def test_loads_and_returns_what_xcom_can_hold(databases: tuple[Db, Db]) -> None:
    name = databases[0].spelt("id")
    with capture_logs() as log:
        result = execute(operator())
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert {**result, "duration_s": 0, "rows_per_s": 0} == {
        "status": "completed",
        "strategy": "key",
        "guarantee": "exactly-once",
        "started_from": None,
        "checkpoint": {name: 999},
        "rows": 1000,
        "rows_total": 1000,
        "rejected": 0,
        "rejected_total": 0,
        "batches": 4,
        "reconnects": 0,
        "duration_s": 0,
        "verified": None,
        "warnings": [],
        "as_of": None,
        "rows_per_s": 0,
    }
    for line in (
        f"Strategy key: by {name}, the primary key of the source table",
        "Delivery is exactly-once: each batch and its checkpoint commit in one transaction",
        "No checkpoint found: starting from the beginning",
        f"Batch 2 committed: 300 rows, {name} = 599,",
        "Checkpoint completed: 1,000 rows in 4 batches",
    ):
        assert any(entry["event"].startswith(line) for entry in log), line


def test_a_retry_resumes_and_says_where(databases: tuple[Db, Db]) -> None:
    class StopError(Exception): ...

    name = databases[0].spelt("id")

    def fail_in_the_third(rows: list, **context: Any) -> list:
        if rows[0][0] >= 600:
            raise StopError
        return rows

    with pytest.raises(StopError):
        execute(operator(rows_processor=fail_in_the_third))
    with capture_logs() as log:
        result = execute(operator(), try_number=2)
    assert (result["rows"], result["rows_total"], result["started_from"]) == (400, 1000, {name: 599})
    lines = [entry["event"] for entry in log]
    assert f"Resuming {name} > 599 (attempt 2, 600 of about 1,000 rows committed)" in lines
    (batch,) = [line for line in lines if line.startswith(f"Batch 3 committed: 300 rows, {name} = 899,")]
    assert ", 90%, about " in batch
    assert databases[1].one("SELECT count(*) FROM target") == 1000


def test_the_identity_is_the_task_instance(databases: tuple[Db, Db]) -> None:
    execute(operator())
    for number in (0, 1):
        execute(operator(destination_columns=["id", "region"]), map_index=number)
    execute(
        operator(scope="task", checkpoint_column="id", write_mode="append", task_id="other"), task_id="other"
    )
    found = {
        (c.identity.task_id, c.identity.run_id, c.identity.map_index) for c in CheckpointHook("dst").list()
    }
    assert found == {("copy", "run_1", -1), ("copy", "run_1", 0), ("copy", "run_1", 1), ("other", "*", -1)}


def test_rows_processor_is_given_the_context(databases: tuple[Db, Db]) -> None:
    def tag(rows: list, ti: Any, **context: Any) -> list:
        return [(number, ti.run_id) for number, _ in rows]

    execute(operator(rows_processor=tag))
    assert databases[1].rows("SELECT DISTINCT region FROM target") == [("run_1",)]


@pytest.mark.parametrize("pair", [f"{kind}->sqlite" for kind in MARKS], indirect=True)
def test_templates_are_rendered(databases: tuple[Db, Db]) -> None:
    mark = MARKS[databases[0].kind]
    with DAG("a_dag", schedule=None, params={"n": Param(100), "on": False, "table": "target"}):
        task = operator(
            source_table=None,
            sql=f"SELECT * FROM orders WHERE id < {{{{ params.n }}}} AND region = {mark}",
            parameters=["{{ params.region }}"],
            batch_size="{{ params.n // 3 }}",
            destination_table="{{ params.table }}",
            checkpoint_column="{{ 'id' }}",
            checkpoint_enabled="{{ params.on }}",
            preoperator=["DELETE FROM {{ params.table }}"],
        )
    task.render_template_fields(
        {**context(), "params": {"n": 100, "on": False, "table": "target", "region": "north"}}
    )  # type: ignore[arg-type]
    result = execute(task)
    assert (result["rows"], result["batches"], result["strategy"]) == (50, 2, "none")


def test_a_checkpoint_elsewhere(
    databases: tuple[Db, Db], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KEEPER", f"sqlite://{tmp_path}/keeper.db")
    result = execute(operator(checkpoint_conn_id="keeper", allow_duplicates=True))
    assert (result["rows"], result["guarantee"]) == (1000, "at-least-once")
    assert [c.rows for c in CheckpointHook("keeper").list()] == [1000]


@pytest.mark.parametrize("pair", ["sqlite->sqlite"], indirect=True)
@pytest.mark.parametrize("argument", ["source_conn_id", "destination_conn_id", "checkpoint_conn_id"])
@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (None, "there is no Airflow connection 'odd'"),
        (
            "fs:///",
            "connection 'odd' is of type 'fs'.*not a DbApiHook|connection 'odd' is of type 'fs', which has no",
        ),
        ("nonsense://host", "connection 'odd' is of type 'nonsense', which has no hook here"),
        ("redshift://host", "type 'redshift', .* install apache-airflow-providers-amazon where Airflow runs"),
    ],
)
def test_connections_that_cannot_be_used(
    databases: tuple[Db, Db], monkeypatch: pytest.MonkeyPatch, argument: str, uri: str | None, message: str
) -> None:
    if uri:
        monkeypatch.setenv("AIRFLOW_CONN_ODD", uri)
    with pytest.raises(CheckpointError, match=rf"{argument}: .*({message})"):
        execute(operator(**{argument: "odd", "allow_duplicates": True}))
    assert databases[1].one("SELECT count(*) FROM target") == 0


@pytest.mark.parametrize("conn_type", ["mysql", "oracle", "postgres", "sqlite"])
def test_a_provider_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, conn_type: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ODD", f"{conn_type}://host")
    monkeypatch.setattr(ProvidersManagerTaskRuntime, "hooks", {})
    packages = rf"install apache-airflow-providers-{conn_type} .*'airflow-checkpoint-provider\[{conn_type}\]'"
    with pytest.raises(CheckpointError, match=f"source_conn_id: connection 'odd' is .*{packages}"):
        execute(operator(source_conn_id="odd"))


@pytest.mark.parametrize("pair", ["sqlite->sqlite"], indirect=True)
def test_a_server_that_is_not_there(databases: tuple[Db, Db], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_GONE", "postgres://nobody@localhost:1/nothing")
    with pytest.raises(CheckpointError, match=r"Connection 'gone' cannot be opened: .*refused"):
        execute(operator(source_conn_id="gone"))


def test_auto_create_is_a_setting(databases: tuple[Db, Db], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CHECKPOINT__AUTO_CREATE", "False")
    with pytest.raises(CheckpointError, match="auto_create is off"):
        execute(operator())
    CheckpointHook("dst").create_tables()
    assert execute(operator())["rows"] == 1000
