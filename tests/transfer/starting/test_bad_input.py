"""Mistakes are refused before the first row, and named; once they are corrected, the load goes on."""

from __future__ import annotations

import re
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import CheckpointError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded

GOOD = {"sql": "SELECT id, name, at FROM t", "checkpoint_column": "id", "batch_size": 4}

MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"strategy": "fast"}, "strategy: 'fast' is not one of 'auto', 'key', 'python', 'none'"),
    ({"write_mode": "merge"}, "write_mode: 'merge' is not one of 'append', 'upsert', 'replace'"),
    ({"on_clear": "x"}, "on_clear: 'x' is not one of 'reload', 'resume'"),
    ({"on_source_change": "x"}, "on_source_change: 'x' is not one of 'fail', 'reload'"),
    ({"on_null_key": "skip"}, "on_null_key: 'skip' is not one of 'fail', 'load'"),
    ({"scope": "dag"}, "scope: 'dag' is not one of 'run', 'task'"),
    ({"resume_proof": "x"}, "resume_proof: 'x' is not one of 'last_row', 'prefix'"),
    ({"strategy": "key", "checkpoint_column": None}, "checkpoint_column: strategy='key' needs the column"),
    ({"strategy": "python"}, "checkpoint_column: strategy='python' does not use a column"),
    (
        {"checkpoint_column": "nope"},
        "checkpoint_column: the query does not return a column 'nope'. It returns: id, name, at",
    ),
    ({"checkpoint_column": ["id", "x"]}, "does not return a column 'x'"),
    ({"checkpoint_column": [1]}, r"checkpoint_column: \[1\] is not a column name"),
    ({"sql": "SELECT id, id FROM t"}, "sql: the query returns more than one column called id"),
    ({"sql": "SELECT 1 AS id; SELECT 2 AS id"}, "sql: there is more than one statement"),
    ({"sql": " -- nothing"}, "sql: the query is empty"),
    ({"sql": None}, "sql: give a query, or a table as source_table"),
    ({"source_table": "t"}, "sql and source_table: give one of them"),
    ({"sql": ["SELECT 1"]}, "sql: one query is read, not a list"),
    ({"sql": None, "source_table": "t", "parameters": [1]}, "parameters: they belong to sql"),
    ({"sql": None, "source_table": "nope"}, "source_table: there is no table nope"),
    ({"destination_table": "nope"}, "destination_table: there is no table nope in 'dst'. Create it first"),
    (
        {"destination_columns": ["id", "name", "nope"]},
        "destination_columns: target in 'dst' has no column 'nope'. It has: id, name, at",
    ),
    ({"batch_size": 0}, "batch_size: 0 is not a number of at least 1"),
    ({"batch_size": -5}, "batch_size: -5"),
    ({"batch_size": "abc"}, "batch_size: 'abc'"),
    ({"batch_size": 1.5}, "batch_size: 1.5 is not a whole number"),
    ({"batch_size": True}, "batch_size: True"),
    ({"max_reconnects": -1}, "max_reconnects: -1"),
    ({"lock_timeout": None}, "lock_timeout: None"),
    ({"lookback": 1}, "lookback: it goes back from the mark that scope='task' keeps"),
    ({"lookback": 1, "scope": "task"}, "lookback: rows are read again, so it needs write_mode='upsert'"),
    (
        {"lookback": "1", "scope": "task", "write_mode": "upsert"},
        "lookback: '1' is not a number or a timedelta",
    ),
    ({"scope": "task", "write_mode": "replace"}, "write_mode: 'replace' empties the table"),
    ({"scope": "task", "on_null_key": "load"}, "on_null_key: with scope='task'"),
    ({"conflict_columns": "id"}, "conflict_columns: give a list"),
    ({"write_mode": "upsert", "conflict_columns": None}, "conflict_columns: target has no primary key"),
    ({"separate_checkpoint": True}, "checkpoint_conn_id: a checkpoint in another database"),
]


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (id integer, name text, at text)")
    source.insert("t", [(n, f"name {n}", "2026-01-01 12:00:00") for n in range(10)])
    destination.execute("CREATE TABLE target (id integer, name varchar(40), at timestamp)")
    return Load(source, destination, dict(GOOD))


def test_mistakes_in_the_arguments(load: Load) -> None:
    load.attempt_batches(1)
    checkpoint = "SELECT position, rows_written, batches FROM airflow_checkpoint"
    before = load.destination.rows(checkpoint)
    for mistake, message in MISTAKES:
        with pytest.raises(CheckpointError, match=message):
            load.attempt(**mistake)
        assert loaded(load, "id") == [0, 1, 2, 3], mistake
        assert load.destination.rows(checkpoint) == before, mistake
    assert load.attempt().rows == 6
    assert loaded(load, "id") == list(range(10))


def test_mistakes_in_the_first_attempt(load: Load) -> None:
    for mistake, message in MISTAKES:
        with pytest.raises(CheckpointError, match=message):
            load.attempt(**mistake)
    assert loaded(load, "id") == []
    assert load.attempt().rows == 10


BAD_VALUES = [
    ("integer", "'x7'", "seven", "id"),
    ("timestamp", "'not a time'", "2026-13-45", "at"),
    ("varchar(5)", "'much too long'", "value too long", "name"),
    ("integer NOT NULL", "NULL", "null", "at"),
    ("integer CHECK (name < 100)", "1000", "check", "name"),
]


@pytest.mark.server
@pytest.mark.parametrize(("declared", "value", "_", "column"), BAD_VALUES)
@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace"])
def test_a_value_that_does_not_fit(
    make_db: MakeDb, declared: str, value: str, _: str, column: str, write_mode: str
) -> None:
    source, destination = make_db("sqlite", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE t (k integer, name)")
    source.insert("t", [(n, None) for n in range(10)])
    source.execute(
        "UPDATE t SET name = CASE WHEN '" + declared + "' LIKE 'timestamp%' THEN '2026-01-01' ELSE '1' END"
    )
    source.execute(f"UPDATE t SET name = {value} WHERE k = 6")
    destination.execute(f"CREATE TABLE target (k integer PRIMARY KEY, name {declared})")
    load = Load(
        source,
        destination,
        {"source_table": "t", "checkpoint_column": "k", "batch_size": 4, "write_mode": write_mode},
    )
    refused = (
        r"Destination 'dst': (target refused the batch, and nothing of it.*name"
        r"|name of target .* Nothing of the batch is committed)"
    )
    with pytest.raises(CheckpointError, match=refused):
        load.attempt()
    assert destination.rows("SELECT k FROM target ORDER BY k") == [(0,), (1,), (2,), (3,)]
    assert destination.rows("SELECT status, rows_written FROM airflow_checkpoint") == [("failed", 4)]
    assert re.match(rf"BadRowsError: {refused}", destination.one("SELECT last_error FROM airflow_checkpoint"))
    source.execute("UPDATE t SET name = (SELECT name FROM t WHERE k = 0) WHERE k = 6")
    assert load.attempt().rows == 6
    assert destination.one("SELECT last_error FROM airflow_checkpoint") is None


def cannot_connect() -> Any:
    raise OSError("no route to host")


@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_database_that_does_not_answer(load: Load, side: str) -> None:
    load.attempt_batches(1)
    with pytest.raises(CheckpointError, match="Connection 'far' cannot be opened: no route to host"):
        load.transfer(**{side: Database("far", cannot_connect)}).run()
    assert load.attempt().rows == 6


def test_what_is_no_driver(load: Load) -> None:
    class Connection:
        def close(self) -> None: ...

    with pytest.raises(
        CheckpointError,
        match=r"Connection 'odd' uses 'tests', which is not a driver of Python's DB-API \(PEP 249\)",
    ):
        load.transfer(source=Database("odd", Connection)).run()
