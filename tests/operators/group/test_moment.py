"""The task that takes one moment for many loads, and what its retries and clears keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup
from airflow_checkpoint_provider.operators.moment import CheckpointMomentOperator
from airflow_checkpoint_provider.operators.partition import CheckpointPartitionOperator
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from tests.support.airflow.operating import DagRun, TaskInstance, execute, operator
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb

OF_ORACLE = pytest.mark.parametrize("pair", ["oracle->sqlite"], indirect=True)


@dataclass
class Running(TaskInstance):
    """A task instance with what others of its run have returned, and their states."""

    returned: dict[str, Any] = field(default_factory=dict)
    states: dict[str, str | None] = field(default_factory=dict)

    def xcom_pull(self, task_ids: str) -> Any:
        return self.returned.get(task_ids)

    def get_task_states(self, dag_id: str, *, task_ids: Sequence[str], run_ids: Sequence[str]) -> Any:
        assert (dag_id, run_ids) == (self.dag_id, [self.run_id])
        names = {name: name.rpartition("_")[0] if name[-1].isdigit() else name for name in self.states}
        return {self.run_id: {name: self.states[name] for name in self.states if names[name] in task_ids}}


def run(task: Any, **given: Any) -> Any:
    return task.execute({"ti": Running(**given), "dag_run": DagRun()})


@pytest.fixture
def moment() -> Any:
    with DAG("a_dag", schedule=None):
        group = CheckpointedTransferGroup(
            "erp",
            source_conn_id="src",
            destination_conn_id="dst",
            as_of="now",
            defaults={"destination_table": "{table}", "write_mode": "replace"},
            tables={"orders": {}, "lines": {"partitions": 2}, "other": {"as_of": None}},
        )
    return group.dag.get_task("erp.moment")


@OF_ORACLE
def test_loads_and_plans_read_as_of_it(databases: tuple[Db, Db]) -> None:
    source, destination = databases
    taken = run(CheckpointMomentOperator(task_id="moment", source_conn_id="src"))
    source.execute("DELETE FROM orders")
    shared = {"as_of": "now", "as_of_task_id": "moment"}
    returned = {"moment": taken}
    plan = CheckpointPartitionOperator(
        task_id="plan", source_conn_id="src", source_table="orders", partitions=2, **shared
    )
    parts = run(plan, returned=returned)
    assert [part["moment"] for part in parts] == [taken, taken]
    result = run(operator(write_mode="replace", **shared), returned=returned)
    assert (result["as_of"], result["rows"]) == (taken, 1000)
    assert destination.one("SELECT count(*) FROM target") == 1000


@OF_ORACLE
def test_a_moment_that_is_missing_is_not_the_present(databases: tuple[Db, Db]) -> None:
    task = operator(as_of="now", as_of_task_id="moment")
    for returned in ({}, {"moment": ""}, {"moment": {"rows": 1}}):
        with pytest.raises(ArgumentError, match="as_of_task_id: 'moment' has returned no moment in this run"):
            run(task, returned=returned)
    assert databases[1].one("SELECT count(*) FROM target") == 0
    task.as_of = None  # as a template may return it
    with pytest.raises(ArgumentError, match="as_of_task_id: it names the task whose moment"):
        run(task)


def test_it_is_named_with_as_of() -> None:
    with pytest.raises(ArgumentError, match="as_of_task_id: it names the task whose moment"):
        operator(as_of_task_id="moment")
    with pytest.raises(ArgumentError, match="as_of_task_id: 7 is not text"):
        operator(as_of="now", as_of_task_id=7)


@OF_ORACLE
@pytest.mark.parametrize(
    ("states", "returned", "kept"),
    [
        ({}, {}, None),
        ({"erp.orders": None, "erp.lines.plan": "upstream_failed"}, {}, None),
        ({"erp.orders": "success", "erp.lines.plan": None}, {"erp.orders": {"as_of": "SCN 1"}}, "SCN 1"),
        ({"erp.lines.plan": "success", "erp.orders": "failed"}, {"erp.lines.plan": [{"moment": "SCN 2"}] * 2}, "SCN 2"),
        ({"erp.other": "success"}, {"erp.other": {"as_of": "SCN 3"}}, None),
    ],
    ids=["first", "cleared together", "cleared with one", "plan", "left out"],
)  # fmt: skip
def test_what_a_clear_keeps(
    databases: tuple[Db, Db], moment: Any, states: Any, returned: Any, kept: str | None
) -> None:
    found = run(moment, states=states, returned=returned)
    assert found == kept if kept else found.startswith("SCN 4711")


@OF_ORACLE
@pytest.mark.parametrize(
    ("states", "returned", "words"),
    [
        (
            {"erp.orders": "success", "erp.lines.plan": "success"},
            {"erp.orders": {"as_of": "SCN 1"}, "erp.lines.plan": [{"moment": "SCN 2"}]},
            "erp.lines.plan, erp.orders were read as of SCN 1 and SCN 2",
        ),
        ({"erp.orders": "running"}, {}, "erp.orders have begun to read"),
    ],
)
def test_moments_of_one_run_that_differ_are_told(
    databases: tuple[Db, Db], moment: Any, states: Any, returned: Any, words: str
) -> None:
    with pytest.raises(ArgumentError, match=f"as_of: {words}, and all tables .* Clear these tasks together"):
        run(moment, states=states, returned=returned)


@OF_ORACLE
def test_mapped_loads_of_a_list_of_tables(databases: tuple[Db, Db]) -> None:
    with DAG("a_dag", schedule=None) as dag:
        task = CheckpointMomentOperator(task_id="moment", source_conn_id="src")
        load = CheckpointedTransferOperator.partial(
            task_id="copy_1", source_conn_id="src", destination_conn_id="dst",
            as_of="now", as_of_task_id="moment",
        )  # fmt: skip
        task >> load.expand_kwargs([{"source_table": name, "destination_table": name} for name in "ab"])
    assert set(dag.task_ids) == {"moment", "copy_1"}
    returned = {"copy_1": [{"as_of": "SCN 5"}, None]}
    states = {"copy_1_0": "success", "copy_1_1": None}
    assert run(task, states=states, returned=returned) == "SCN 5"


@pytest.mark.server
def test_a_load_is_planned_that_will_read_a_held_moment(
    make_db: MakeDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    for conn_id, kind in (("SRC", "postgres"), ("DST", "sqlite")):
        db = make_db(kind, {"SRC": "source", "DST": "destination"}[conn_id])
        db.execute("CREATE TABLE target (id integer PRIMARY KEY)")
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id}", db.uri)
    task = operator(source_table="target", as_of="now", as_of_task_id="moment", write_mode="replace")
    assert [one.text for one in task.plan().problems if one.ends] == []
    task.as_of_task_id = None
    (problem,) = [one.text for one in task.plan().problems if one.ends]
    assert "give it to a CheckpointedTransferGroup" in problem


@OF_ORACLE
def test_a_load_is_planned_without_the_moment(databases: tuple[Db, Db]) -> None:
    task = operator(as_of="now", as_of_task_id="moment", write_mode="replace")
    assert task.plan().problems == ()
    with pytest.raises(AttributeError):
        execute(task)  # in a task, it asks for the moment
    taken = run(CheckpointMomentOperator(task_id="moment", source_conn_id="src"))
    run(task, returned={"moment": taken})
    again: Any = {"ti": TaskInstance(try_number=2), "dag_run": DagRun()}
    assert [one.text for one in task.plan(again).problems if one.ends] == []
