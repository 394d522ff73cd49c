"""A table that was made narrower while its rows were staged: no server rounds them without a word."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import BadRowsError, StageError
from airflow_checkpoint_provider.engine.transfer.staging import publish
from airflow_checkpoint_provider.operators.publish import CheckpointPublishOperator
from tests.support.airflow.operating import context, execute, operator
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.staging import stages

pytestmark = pytest.mark.server

BOTH, MOMENT = ("postgres", "mysql"), "2026-01-02 03:04:05.678901"
NARROWER = {
    "scale": (BOTH, "numeric(10,2)", "numeric(10,1)", "12.34"),
    "whole": (BOTH, "numeric(10,2)", "integer", "12.34"),
    "time": (BOTH, "timestamp(6)", "date", MOMENT),
    "fraction": (BOTH, "timestamp(6)", "timestamp(0)", MOMENT),
    "money": (["postgres"], "numeric(10,4)", "money USING a::money", "12.3456"),
    "interval": (["postgres"], "interval", "interval(0)", "1.5 seconds"),
    "array": (["postgres"], "numeric[]", "integer[]", "{1.5}"),
    "digits": (["mysql"], "double", "double(10,2)", "12.3456"),
}
on_each = pytest.mark.parametrize(
    ("kind", "before", "after", "value"),
    [
        pytest.param(kind, *case, id=f"{kind}-{name}")
        for name, (kinds, *case) in NARROWER.items()
        for kind in kinds
    ],
)


def spelt(kind: str, type_: str) -> str:
    return type_.replace("timestamp", "datetime") if kind == "mysql" else type_


def narrow(db: Db, type_: str) -> None:
    change = "MODIFY a" if db.kind == "mysql" else "ALTER COLUMN a TYPE"
    db.execute(f"ALTER TABLE target {change} {spelt(db.kind, type_)}")


@pytest.fixture
def load(make_db: MakeDb, kind: str, before: str, value: str) -> Load:
    source, destination = make_db("postgres", "source"), make_db(kind, "destination")
    of_source = before.replace("double", "double precision")
    source.execute(
        f"CREATE TABLE t (n integer PRIMARY KEY, a {of_source})", f"INSERT INTO t VALUES (1, '{value}')"
    )
    destination.execute(f"CREATE TABLE target (n integer PRIMARY KEY, a {spelt(kind, before)})")
    return Load(source, destination, {"source_table": "t", "write_mode": "replace_atomic"})


@on_each
def test_rows_that_a_task_of_its_own_publishes(
    load: Load, kind: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SRC", load.source.uri)
    monkeypatch.setenv("AIRFLOW_CONN_DST", load.destination.uri)
    arguments: dict[str, Any] = {"source_table": "t", "destination_table": "target"}
    task = operator(**arguments, write_mode="replace_atomic", publish=False)
    execute(task)
    narrow(load.destination, after)
    table = {"transfer_task_id": task.task_id, "destination_table": "target", "parts": 1}
    publishing = CheckpointPublishOperator(task_id="publish", destination_conn_id="dst", tables=[table])
    with pytest.raises(StageError, match="Column a of target is .* by now, and was .* Nothing is published"):
        publishing.execute(context(task_id="publish"))  # type: ignore[arg-type]
    assert load.destination.rows("SELECT * FROM target") == []
    assert stages(load.destination)


@on_each
def test_rows_that_the_load_publishes(
    load: Load, kind: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap = publish.swap

    def late(*args: Any) -> Any:
        monkeypatch.setattr(publish, "swap", swap)
        raise RuntimeError("the power is gone")

    monkeypatch.setattr(publish, "swap", late)
    with pytest.raises(RuntimeError, match="the power is gone"):
        load.attempt()
    narrow(load.destination, after)
    # A stage that does not keep the table's values is filled again at once, another one when it is published.
    with pytest.raises((StageError, BadRowsError)):
        load.attempt()
    with pytest.raises(BadRowsError):  # from the start, and each value is looked at
        load.attempt()
    assert load.destination.rows("SELECT * FROM target") == []
