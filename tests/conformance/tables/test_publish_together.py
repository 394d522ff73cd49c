"""Several tables are published in one transaction: all of them have their old rows, or all their new ones."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import CheckpointError, DestinationError, StageError
from airflow_checkpoint_provider.engine.store.checkpoint_store import SqlStore
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.operators.publish import CheckpointPublishOperator
from tests.support.airflow.operating import context, execute, operator
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.staging import stages

TABLES = ("child", "parent", "other")  # the order in which they are listed
OLD = {"parent": [(1,), (2,)], "child": [(10, 1), (20, 2)], "other": [(7,)]}
NEW = {"parent": [(2,), (3,), (4,)], "child": [(20, 3), (30, 4)], "other": [(8,), (9,)]}


@pytest.fixture
def target(destination: Db, make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> Db:
    """Tables with old rows, of which one refers to another; and their new rows, staged."""
    source = make_db("sqlite", "source")
    monkeypatch.setenv("AIRFLOW_CONN_SRC", source.uri)
    monkeypatch.setenv("AIRFLOW_CONN_DST", destination.uri)
    for db, rows in ((source, NEW), (destination, OLD)):
        db.execute(
            "CREATE TABLE parent (n integer NOT NULL PRIMARY KEY)",
            "CREATE TABLE child (c integer NOT NULL PRIMARY KEY, n integer, FOREIGN KEY (n) REFERENCES parent (n))",
            "CREATE TABLE other (n integer NOT NULL PRIMARY KEY)",
        )
        for name in ("parent", "child", "other"):
            db.insert(name, rows[name])
    return destination


def stage(*names: str, **changes: Any) -> None:
    for name in names or TABLES:
        arguments = {"task_id": name, "source_table": name, "destination_table": name}
        key = "c" if name == "child" else "n"
        load = operator(**arguments, checkpoint_column=key, write_mode="replace_atomic", publish=False)
        execute(load, task_id=name, **changes)


def publish(*names: str) -> dict[str, Any]:
    tables = [{"transfer_task_id": name, "destination_table": name, "parts": 1} for name in names or TABLES]
    task = CheckpointPublishOperator(task_id="publish", destination_conn_id="dst", tables=tables)
    return task.execute(context(task_id="publish"))  # type: ignore[arg-type]


def rows(db: Db) -> dict[str, list[tuple[Any, ...]]]:
    return {name: db.rows(f"SELECT * FROM {name} ORDER BY 1") for name in ("parent", "child", "other")}


def test_all_of_them_change_at_once(target: Db) -> None:
    stage()
    assert rows(target) == OLD
    assert publish() == {"status": "published", "parts": 3, "rows": 7, "rows_before": 5}
    assert rows(target) == NEW
    assert stages(target) == []
    assert CheckpointHook("dst").history("a_dag", "child", "run_1")[0].kind == "published"
    assert publish() == {"status": "nothing", "parts": 3, "rows": 7, "rows_before": None}


def test_a_crash_in_their_midst_leaves_all_old_rows(target: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    stage()
    noted: list[str] = []

    def crash(store: SqlStore, *_: Any) -> None:
        noted.append(store.identity.task_id)
        if len(noted) == len(TABLES):
            raise RuntimeError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(SqlStore, "note_published", crash)
        with pytest.raises(RuntimeError, match="the power is gone"):
            publish()
    assert rows(target) == OLD
    assert publish()["status"] == "published"
    assert rows(target) == NEW


def test_one_that_is_not_complete_holds_up_all(target: Db) -> None:
    stage("parent", "other")
    with pytest.raises(
        StageError, match="child has its old rows, because not all 1 partitions of a_dag.child"
    ):
        publish()
    assert rows(target) == OLD


def test_a_stage_that_somebody_has_changed_changes_none(target: Db) -> None:
    stage()
    (name,) = [name for name in stages(target) if name.lower().startswith("child")]
    target.execute(f'DELETE FROM "{name}"')
    with pytest.raises(StageError, match="holds 0 rows, and 2 were written to it"):
        publish()
    assert rows(target) == OLD


def test_rows_that_break_a_key_change_none(target: Db) -> None:
    stage()
    (name,) = [name for name in stages(target) if name.lower().startswith("parent")]
    target.execute(f'UPDATE "{name}" SET {target.spelt("n")} = 99 WHERE {target.spelt("n")} = 4')
    if not target.able.enforces_references:
        assert publish()["status"] == "published"
        return
    with pytest.raises(DestinationError, match="refused the rows that are staged for it"):
        publish()
    assert rows(target) == OLD


def test_one_that_is_published_already_is_not_published_with_others(target: Db) -> None:
    stage()
    publish("other")
    with pytest.raises(StageError, match="because other was published before, and not all of the 3 tables"):
        publish()
    assert rows(target) == {**OLD, "other": NEW["other"]}
    stage(try_number=2, max_tries=4)  # cleared
    assert publish()["status"] == "published"
    assert rows(target) == NEW


@pytest.mark.parametrize("destination", ["postgres"], indirect=True)
def test_tables_that_refer_to_each_other_by_keys_that_can_wait(target: Db) -> None:
    """No order of the tables is right for both keys."""
    target.execute(
        "ALTER TABLE parent ADD first_child integer REFERENCES child (c) DEFERRABLE",
        "ALTER TABLE child ALTER CONSTRAINT child_n_fkey DEFERRABLE",
    )
    stage()
    for name in stages(target):
        if name.startswith("parent"):
            target.execute(
                f'ALTER TABLE "{name}" ADD first_child integer', f'UPDATE "{name}" SET first_child = 20'
            )
    assert publish()["status"] == "published"
    assert target.rows("SELECT DISTINCT first_child FROM parent") == [(20,)]


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ([], r"tables: \[\] is not a list of tables"),
        ("parent", "tables: 'parent' is not a list of tables"),
        (
            [{"destination_table": "a"}],
            "tables: .* is not a mapping with transfer_task_id, destination_table",
        ),
        (
            [{"transfer_task_id": "a", "destination_table": "a", "part": 1}],
            "tables: .* is not a mapping with",
        ),
    ],
)
def test_tables_that_cannot_be(tables: Any, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        CheckpointPublishOperator(task_id="publish", destination_conn_id="dst", tables=tables)
    with pytest.raises(CheckpointError, match="tables: each has its own transfer_task_id"):
        CheckpointPublishOperator(
            task_id="publish", destination_conn_id="dst", transfer_task_id="a", tables=[{"a": 1}]
        )
    with pytest.raises(CheckpointError, match="transfer_task_id: give it and destination_table, or several"):
        CheckpointPublishOperator(task_id="publish", destination_conn_id="dst")


def test_a_table_that_is_named_twice(target: Db) -> None:
    stage("parent")
    with pytest.raises(CheckpointError, match="tables: parent is there twice"):
        publish("parent", "parent")
    assert rows(target) == OLD


def test_a_table_that_is_spelt_in_two_ways(target: Db) -> None:
    """The stages of two tasks would both be put into it."""
    with target.database("dst").open() as connection:
        schema = connection.dialect.default_schema_name or "main"
    for task_id, name in (("one", "other"), ("two", f"{schema}.other")):
        load = operator(
            task_id=task_id,
            source_table="other",
            destination_table=name,
            checkpoint_column="n",
            write_mode="replace_atomic",
            publish=False,
        )
        execute(load, task_id=task_id)
    tables = [
        {"transfer_task_id": task_id, "destination_table": name, "parts": 1}
        for task_id, name in (("one", "other"), ("two", f"{schema}.other"))
    ]
    task = CheckpointPublishOperator(task_id="publish", destination_conn_id="dst", tables=tables)
    with pytest.raises(
        CheckpointError, match=r"tables: other and .*\.other (is there twice|may be one table)"
    ):
        task.execute(context(task_id="publish"))  # type: ignore[arg-type]
    assert rows(target) == OLD
