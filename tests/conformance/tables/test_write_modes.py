"""Append, upsert and replace, on loads of every size."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import BadRowsError, CheckpointError
from airflow_checkpoint_provider.engine.model.events.transfer import BatchCommitted
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

ARGUMENTS = {"sql": "SELECT * FROM t ORDER BY n", "checkpoint_column": "n", "batch_size": 4}


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (n integer, a integer, b text)")
    destination.execute("CREATE TABLE target (n integer, a integer, b text, PRIMARY KEY (n))")
    return Load(source, destination, dict(ARGUMENTS))


def add(load: Load, *rows: tuple) -> None:
    load.source.insert("t", rows)


def rows_of(load: Load, columns: str = "n, a, b") -> list[tuple]:
    return load.destination.rows(f"SELECT {columns} FROM target ORDER BY 1")


def upsert(load: Load) -> dict[str, Any]:
    """Return the arguments of an upsert by the primary key."""
    return {"write_mode": "upsert", **load.destination.by_key("n")}


@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace"])
@pytest.mark.parametrize("strategy", ["key", "python", "none"])
def test_every_number_of_rows(load: Load, write_mode: str, strategy: str) -> None:
    key = {} if strategy == "key" else {"checkpoint_column": None}
    mode = upsert(load) if write_mode == "upsert" else {"write_mode": write_mode}
    at_once = strategy == "none" and write_mode == "append"
    for rows, size in [(0, 4), (1, 4), (8, 4), (9, 4), (3, 1), (3, 3), (3, 1000)]:
        load.next_run()
        load.events.clear()
        load.source.execute("DELETE FROM t")
        load.destination.execute("DELETE FROM target")
        add(load, *[(n, n, "x") for n in range(rows)])
        result = load.attempt(strategy=strategy, batch_size=size, **mode, **key)
        assert (result.rows, result.rows_total, result.status) == (rows, rows, "completed")
        assert rows_of(load) == [(n, n, "x") for n in range(rows)]
        batches = min(rows, 1) if at_once else -(-rows // size)
        assert (result.batches, len(load.told(BatchCommitted))) == (batches, batches)


def test_upsert_keeps_other_rows_and_the_last_of_one_key(load: Load) -> None:
    load.destination.insert("target", [(1, 0, "old"), (9, 0, "old")])
    add(load, (1, 1, "first"), (2, 1, "only"), (1, 2, "second"), (1, 3, "last"), (3, 1, "x"))
    load.attempt(sql="SELECT * FROM t ORDER BY rowid", checkpoint_column=None, **upsert(load))
    assert rows_of(load) == [(1, 3, "last"), (2, 1, "only"), (3, 1, "x"), (9, 0, "old")]


def test_upsert_by_other_columns(load: Load) -> None:
    load.destination.execute(
        "CREATE UNIQUE INDEX u ON target (a, b)", "INSERT INTO target VALUES (7, 1, 'x')"
    )
    add(load, (1, 1, "x"), (2, 1, "y"))
    load.attempt(write_mode="upsert", conflict_columns=["B", "a"])
    assert rows_of(load) == [(1, 1, "x"), (2, 1, "y")]


@pytest.mark.parametrize("row", [(2, None, "x"), (3, 1, None), (4, None, None)])
def test_upsert_refuses_a_row_without_a_key(load: Load, row: tuple) -> None:
    load.destination.execute("CREATE UNIQUE INDEX u ON target (a, b)")
    add(load, (1, 1, "x"), row)
    column = "a" if row[1] is None else "b"
    with pytest.raises(
        BadRowsError, match=f"(?i){column} of target is NULL, and it is among conflict_columns"
    ):
        load.attempt(write_mode="upsert", conflict_columns=["a", "b"])
    assert rows_of(load, "n") == []


def test_upsert_with_nothing_but_the_key(load: Load) -> None:
    load.destination.execute("DROP TABLE target", "CREATE TABLE target (n integer PRIMARY KEY)")
    load.destination.insert("target", [(2,)])
    add(load, (1, 0, ""), (2, 0, ""), (2, 0, ""))
    load.attempt(destination_columns={"n": "n"}, **upsert(load))
    assert rows_of(load, "n") == [(1,), (2,)]


def test_upsert_over_many_pieces_of_one_batch(load: Load) -> None:
    add(load, *[(n, 1, "x") for n in range(20)], *[(n, 1, "y") for n in range(20)])
    load.attempt(checkpoint_column="a", sql="SELECT * FROM t", **upsert(load))
    assert rows_of(load) == [(n, 1, "y") for n in range(20)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"conflict_columns": ["nope"]},
            "(?i)conflict_columns: target in 'dst' has no column 'nope'. It has: n, a, b",
        ),
        (
            {"conflict_columns": ["n"], "destination_columns": {"a": "a"}},
            "(?i)conflict_columns: n is not among",
        ),
    ],
)
def test_upsert_by_what_cannot_be(load: Load, changes: dict[str, Any], message: str) -> None:
    add(load, (1, 1, "x"))
    with pytest.raises(CheckpointError, match=message):
        load.attempt(**{**upsert(load), **changes})
    assert rows_of(load) == []
    assert load.attempt(on_source_change="reload", **upsert(load)).rows == 1


@pytest.mark.able(knows_unique_keys=True)
def test_upsert_by_what_is_not_unique(load: Load) -> None:
    add(load, (1, 1, "x"))
    message = "target (refused the batch|has no unique index on a)"
    with pytest.raises(CheckpointError, match=message):
        load.attempt(write_mode="upsert", conflict_columns=["a"])
    assert rows_of(load) == []


@pytest.mark.able(knows_unique_keys=True)
def test_upsert_by_columns_without_a_unique_index(destination: Db, make_db: MakeDb) -> None:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (n integer, a integer)")
    source.insert("t", [(1, 1)])
    destination.execute("CREATE TABLE target (n integer, a integer)")
    load = Load(source, destination, {**ARGUMENTS, "conflict_columns": ["a"], "write_mode": "upsert"})
    message = "target (refused the batch|has no unique index on a)"
    with pytest.raises(CheckpointError, match=message):
        load.attempt()
    destination.execute("CREATE UNIQUE INDEX u ON target (a)")
    assert load.attempt().rows == 1


def test_upsert_without_any_key(load: Load) -> None:
    load.destination.execute("DROP TABLE target", "CREATE TABLE target (n integer, a integer, b text)")
    with pytest.raises(CheckpointError, match=r"conflict_columns: target has no primary key.*unique index"):
        load.attempt(write_mode="upsert")


def test_replace_empties_the_table_once_for_each_load(load: Load) -> None:
    load.destination.execute("INSERT INTO target VALUES (100, 0, 'old')")
    add(load, *[(n, n, "x") for n in range(10)])
    assert load.attempt_batches(1, write_mode="replace")
    assert [n for (n,) in rows_of(load, "n")] == [0, 1, 2, 3]
    assert load.attempt(write_mode="replace").rows == 6
    load.clear()
    add(load, (10, 10, "x"))
    assert load.attempt(write_mode="replace").rows == 11
    assert rows_of(load) == [(n, n, "x") for n in range(10)] + [(10, 10, "x")]


@pytest.mark.server
def test_columns_that_postgres_fills_by_itself(make_db: MakeDb) -> None:
    source, destination = make_db("sqlite", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE t (id integer, n integer)")
    source.insert("t", [(n, n) for n in range(10)])
    destination.execute(
        "CREATE TABLE target (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n integer,"
        " twice integer GENERATED ALWAYS AS (n * 2) STORED, at timestamptz DEFAULT now())"
    )
    for write_mode in ("append", "upsert", "replace"):
        load = Load(
            source, destination, {"source_table": "t", "checkpoint_column": "n", "write_mode": write_mode}
        )
        load.run = 1 + ["append", "upsert", "replace"].index(write_mode)
        assert load.attempt_batches(1, batch_size=4)
        load.attempt()
        rows = destination.rows("SELECT id, n, twice, at IS NULL FROM target ORDER BY id")
        assert rows == [(n, n, n * 2, False) for n in range(10)]
