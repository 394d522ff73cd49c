"""Any value as any argument: the task runs, or an error of the package names the argument."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_checkpoint_provider.engine.model.errors import CheckpointError
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from airflow_checkpoint_provider.sensors.checkpoint import CheckpointSensor
from tests.support.airflow.operating import context, execute
from tests.support.databases.db import Db
from tests.support.troubles.hostile import ANYTHING

pytestmark = pytest.mark.slow

TRANSFER = sorted(set(inspect.signature(CheckpointedTransferOperator).parameters) - {"kwargs"})
SENSOR = sorted(set(inspect.signature(CheckpointSensor).parameters) - {"kwargs"})
METHODS = {
    "get": ("dag_id", "task_id", "run_id", "map_index"),
    "list": (
        "limit",
        "offset",
        "order_by",
        "dag_id",
        "group",
        "run_id",
        "map_index",
        "status",
        "updated_before",
        "other",
    ),
    "history": ("dag_id", "task_id", "run_id", "map_index", "limit", "offset"),
    "look": ("dag_id", "task_id", "run_id", "map_index", "samples"),
    "request_reload": ("dag_id", "task_id", "run_id", "map_index", "who", "reason"),
    "request_resume": ("dag_id", "task_id", "run_id", "map_index", "who", "reason"),
    "cancel_request": ("dag_id", "task_id", "run_id", "map_index", "who", "reason"),
    "delete": ("dag_id", "task_id", "run_id", "map_index", "who"),
    "purge": ("older_than", "status", "dry_run"),
    "ddl": ("dialect",),
}
GOOD: dict[str, dict[str, Any]] = {
    "get": {"dag_id": "a_dag", "task_id": "copy"},
    "purge": {"older_than": timedelta(days=1)},
    "ddl": {"dialect": "sqlite"},
    "list": {},
}
RUNS = count()
SLOW = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Db]:
    made = Db("sqlite", str(tmp_path_factory.mktemp("arguments") / "both.db"))
    made.execute(
        "CREATE TABLE orders (id integer PRIMARY KEY, name text)",
        "CREATE TABLE target (id integer, name text)",
    )
    made.insert("orders", [(1, "a"), (2, "b")])
    made.execute("CREATE UNIQUE INDEX i ON target (id)")
    with pytest.MonkeyPatch.context() as patch:
        for conn_id in ("src", "dst"):
            patch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", made.uri)
        patch.setattr("airflow_checkpoint_provider.engine.databases.connection._SOON_S", 0.1)
        CheckpointHook("dst").create_tables()
        yield made


def transfer(given: dict[str, Any], late: bool) -> None:
    """Create the operator and run it; with ``late``, rendering templates brings the values."""
    base: dict[str, Any] = {"task_id": "copy", "source_conn_id": "src", "destination_conn_id": "dst"}
    base |= {"destination_table": "target", "write_mode": "upsert", "conflict_columns": ["id"]}
    base |= {} if "sql" in given else {"source_table": "orders"}
    early = {name: "{{ x }}" if late else value for name, value in given.items()}
    templated = [*CheckpointedTransferOperator.template_fields]
    task = CheckpointedTransferOperator(
        **base | {n: v for n, v in early.items() if not late or n in templated}
    )
    for name, value in given.items():
        setattr(task, name, value)
    execute(task, run_id=f"run_{next(RUNS)}")


def test_what_is_varied_works(db: Db) -> None:
    transfer({"parameters": None}, late=True)
    assert db.one("SELECT count(*) FROM target") == 2
    hook = CheckpointHook("dst")
    for method in METHODS:
        getattr(hook, method)(**GOOD.get(method, GOOD["get"]))


@pytest.mark.parametrize("name", TRANSFER)
@settings(SLOW, max_examples=100)
@given(data=st.data())
def test_of_the_operator(db: Db, name: str, data: st.DataObject) -> None:
    others = data.draw(st.sampled_from([*TRANSFER, None, None]))
    given = {each: data.draw(ANYTHING, label=each) for each in {name, others} - {None}}
    try:
        transfer(given, late=data.draw(st.booleans()))
    except CheckpointError as error:
        names_one_of(error, given)
    except TypeError:  # a function of the user may raise any error
        assert callable(given.get("rows_processor"))


def names_one_of(error: CheckpointError, given: dict[str, Any]) -> None:
    message = str(error)
    message.encode()
    # For a statement that the database refuses, the error names the connection.
    also = {
        "sql": "Source 'src'",
        "where": "Source 'src'",
        "preoperator": "Destination 'dst'",
        "external_dag_id": "external_run_id",
    }
    also["checkpoint_table"] = "The metadata table"
    wanted = [*given, *(also[name] for name in given if name in also)]
    if "sql" in given:  # which may return columns missing in the destination
        wanted.append("destination_columns")
    assert any(part in message for part in wanted), message


@pytest.mark.parametrize("name", SENSOR)
@settings(SLOW, max_examples=40)
@given(data=st.data())
def test_of_the_sensor(db: Db, name: str, data: st.DataObject) -> None:
    value = data.draw(ANYTHING)
    base: dict[str, Any] = {"task_id": "wait", "checkpoint_conn_id": "dst", "external_task_id": "copy"}
    early = data.draw(st.booleans()) or name not in CheckpointSensor.template_fields
    try:
        task = (
            CheckpointSensor(**base | ({name: value} if early else {}), max_reconnects=0)
            if (name != "max_reconnects")
            else CheckpointSensor(**base | {name: value})
        )
        setattr(task, name, value)
        task.poke(context())  # type: ignore[arg-type]
    except CheckpointError as error:
        names_one_of(error, {name: value})


@pytest.mark.parametrize(("method", "name"), [(m, name) for m, names in METHODS.items() for name in names])
@settings(SLOW, max_examples=20)
@given(data=st.data())
def test_of_the_hook(db: Db, method: str, name: str, data: st.DataObject) -> None:
    value = data.draw(ANYTHING)
    hook = CheckpointHook("dst")
    arguments = {**GOOD.get(method, GOOD["get"]), name: value}
    try:
        getattr(hook, method)(**arguments)
    except CheckpointError as error:
        names_one_of(error, {name: value})


@pytest.mark.parametrize("name", ["checkpoint_conn_id", "checkpoint_table"])
@settings(SLOW, max_examples=40)
@given(value=ANYTHING)
def test_of_the_hook_itself(db: Db, name: str, value: Any) -> None:
    try:
        CheckpointHook(**{"checkpoint_conn_id": "dst", name: value}).list()
    except CheckpointError as error:
        names_one_of(error, {name: value, "metadata table": None})
