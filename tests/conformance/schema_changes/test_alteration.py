"""The destination's table is changed once, whatever ends an attempt, and whoever changes it as well."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, get_ident
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import BadRowsError, DestinationMismatchError
from airflow_checkpoint_provider.engine.model.events.steps import SchemaChanged
from airflow_checkpoint_provider.engine.store.checkpoint_store import SqlStore
from airflow_checkpoint_provider.engine.transfer.schema_changes import alteration
from airflow_checkpoint_provider.engine.transfer.starting import startup
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.new_columns import (
    EXPECTED,
    columns,
    destinations,
    grow,
    history,
    make_load,
    rows,
)
from tests.support.types.cells import NAMES


@destinations
@pytest.mark.parametrize("write_mode", ["append", "replace_atomic"])
def test_a_death_before_the_record(
    make_db: MakeDb, monkeypatch: pytest.MonkeyPatch, destination: str, write_mode: str
) -> None:
    load = make_load(
        make_db("sqlite", "source"),
        make_db(destination, "destination"),
        on_new_column="add",
        write_mode=write_mode,
    )
    load.attempt_batches(1)
    grow(load.source)

    def die(*_: Any, **__: Any) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(SqlStore, "note_schema", die)
    with pytest.raises(RuntimeError, match="killed"):
        load.attempt()
    monkeypatch.undo()
    there = columns(load.destination)
    assert there == (["id", "a"] if destination in ("sqlite", "postgres") else ["id", "a", "c"])
    assert load.attempt().rows == 6
    assert rows(load) == EXPECTED
    assert len(history(load.destination)) == 1


@destinations
def test_a_death_after_the_record(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch, destination: str) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"), on_new_column="add")
    load.attempt_batches(1)
    grow(load.source)
    change = startup.change_table

    def die(*args: Any, **named: Any) -> None:
        change(*args, **named)
        raise RuntimeError("killed")

    monkeypatch.setattr(startup, "change_table", die)
    with pytest.raises(RuntimeError, match="killed"):
        load.attempt()
    monkeypatch.undo()
    assert load.attempt(on_new_column="fail").rows == 6
    assert rows(load) == EXPECTED
    assert len(history(load.destination)) == 1


@destinations
def test_mapped_tasks_add_it_at_once(
    make_db: MakeDb, monkeypatch: pytest.MonkeyPatch, destination: str
) -> None:
    first = make_load(make_db("sqlite", "source"), make_db(destination, "destination"), on_new_column="add")
    loads = [
        Load(
            first.source,
            first.destination,
            {**first.arguments, "batch_size": 2, "where": where},
            map_index=index,
        )
        for index, where in enumerate(["id <= 5", "id > 5"])
    ]
    for load in loads:
        load.attempt_batches(1)
    grow(first.source)
    both, waited, change = Barrier(2, timeout=60), set(), alteration._change

    def at_once(*args: Any) -> None:
        if get_ident() not in waited:
            waited.add(get_ident())
            both.wait()
        change(*args)

    monkeypatch.setattr(alteration, "_change", at_once)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda load: load.attempt(), loads))
    assert [value for _, value in rows(first)] == [None, None, *["new"] * 3, None, None, *["new"] * 3]
    assert [len(load.told(SchemaChanged)) for load in loads] == [1, 1]


@destinations
def test_another_session_adds_one_of_another_type(
    make_db: MakeDb, monkeypatch: pytest.MonkeyPatch, destination: str
) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"), on_new_column="add")
    load.attempt_batches(1)
    grow(load.source, "real")
    change = startup.change_table

    def after_another(*args: Any, **named: Any) -> Any:
        grow(load.destination, "varchar(3)", table="target")
        return change(*args, **named)

    monkeypatch.setattr(startup, "change_table", after_another)
    with pytest.raises(
        DestinationMismatchError, match="another session has changed column c of target meanwhile"
    ):
        load.attempt()
    assert len(rows(load)) == 4


WIDER = {
    "postgres": "ALTER TABLE t ALTER COLUMN a TYPE bigint, ALTER COLUMN s TYPE varchar(9)",
    "mysql": "ALTER TABLE t MODIFY a bigint, MODIFY s varchar(9)",
}
WIDTHS = [(source, destination) for source in WIDER for destination in NAMES]


@pytest.mark.server
@pytest.mark.parametrize(("source", "destination"), WIDTHS, ids=["->".join(pair) for pair in WIDTHS])
@pytest.mark.parametrize("write_mode", ["append", "replace_atomic"])
def test_a_type_that_becomes_wider(make_db: MakeDb, source: str, destination: str, write_mode: str) -> None:
    one, other = make_db(source, "source"), make_db(destination, "destination")
    for db, table in ((one, "t"), (other, "target")):
        db.execute(
            f"CREATE TABLE {table} (id integer NOT NULL, a integer DEFAULT 5 NOT NULL, s varchar(3), PRIMARY KEY (id))"
        )
    one.insert("t", [(n, n, "abc") for n in range(1, 11)])
    arguments = {"source_table": "t", "batch_size": 4, "on_new_column": "add", "write_mode": write_mode}
    load = Load(one, other, arguments)
    load.attempt_batches(1)
    one.execute(WIDER[source], "UPDATE t SET a = 3000000000, s = 'abcdefghi' WHERE id = 10")
    if other.able.enforces_types:
        with pytest.raises(BadRowsError):
            load.attempt(on_new_column="fail")
    load.attempt()
    assert other.rows("SELECT a, s FROM target WHERE id = 10") == [(3_000_000_000, "abcdefghi")]
    other.execute("INSERT INTO target (id) VALUES (11)")  # what else was declared is as it was
    assert other.one("SELECT a FROM target WHERE id = 11") == 5
    if other.able.enforces_types:
        [(_, detail)] = history(other)
        assert re.search(r"(?i)\bs was [\w ]+\(3.*\), is [\w ]+\(9", detail)


@pytest.mark.server
def test_a_type_is_never_made_narrower(make_db: MakeDb) -> None:
    one, other = make_db("postgres", "source"), make_db("postgres", "destination")
    for db, table in ((one, "t"), (other, "target")):
        db.execute(f"CREATE TABLE {table} (id integer PRIMARY KEY, a bigint, s varchar(9), x real)")
    one.insert("t", [(n, n, "abc", n) for n in range(1, 11)])
    load = Load(one, other, {"source_table": "t", "batch_size": 4, "on_new_column": "add"})
    load.attempt_batches(1)
    one.execute(
        "ALTER TABLE t ALTER COLUMN a TYPE integer, ALTER COLUMN s TYPE varchar(3), ALTER COLUMN x TYPE float8"
    )
    load.attempt()
    assert load.told(SchemaChanged) == []
