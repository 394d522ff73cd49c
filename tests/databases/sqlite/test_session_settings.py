"""Pragmas of the connection that would leave rows out, cut or change them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, SourceMismatchError
from tests.support.databases.db import Db
from tests.support.loads import Load


@pytest.mark.parametrize(
    "pragma",
    [
        "reverse_unordered_selects = ON",
        "full_column_names = ON",
        "short_column_names = OFF",
        "count_changes = ON",
        "read_uncommitted = ON",
        "journal_mode = OFF",
    ],
)
def test_a_pragma_changes_no_row(tmp_path: Path, pragma: str) -> None:
    source, destination = Db("sqlite", str(tmp_path / "s")), Db("sqlite", str(tmp_path / "d"))
    for db, table in ((source, "t"), (destination, "target")):
        db.execute(f"CREATE TABLE {table} (n integer, a text)")
    rows = [(n, f"a{n}") for n in range(10)]
    source.insert("t", rows)

    def connect(db: Db) -> Any:
        connection = db.connect()
        connection.row_factory, connection.text_factory = sqlite3.Row, bytes
        for each in {pragma, "full_column_names = ON"} if "short" in pragma else {pragma}:
            connection.execute(f"PRAGMA {each}")
        return connection

    load = Load(source, destination, {"sql": "SELECT t.n, t.a FROM t", "strategy": "python", "batch_size": 4})
    assert load.attempt_batches(1)
    transfer = load.transfer(
        Database("src", lambda: connect(source)), Database("dst", lambda: connect(destination))
    )
    assert transfer.run().rows == 6
    assert sorted(destination.rows("SELECT n, a FROM target")) == rows


def test_a_file_is_not_written_without_a_journal(tmp_path: Path) -> None:
    db = Db("sqlite", str(tmp_path / "d"))

    def connect() -> Any:
        connection = db.connect()
        connection.execute("PRAGMA journal_mode = MEMORY")
        return connection

    with Database("dst", connect).open(for_writing=True) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"


def test_text_that_is_none_is_named_with_the_cast(tmp_path: Path) -> None:
    source, destination = Db("sqlite", str(tmp_path / "s")), Db("sqlite", str(tmp_path / "d"))
    source.execute("CREATE TABLE t (n integer, a text)", "INSERT INTO t VALUES (1, CAST(x'ff41' AS TEXT))")
    destination.execute("CREATE TABLE target (n integer, a text)")
    with pytest.raises(SourceMismatchError, match=r"decode to UTF-8 column 'a'.*CAST\(... AS BLOB\)"):
        Load(source, destination, {"source_table": "t", "checkpoint_column": "n"}).attempt()


@pytest.mark.parametrize("write_mode", ["append", "replace", "replace_atomic"])
def test_a_table_that_rounds_what_it_is_given_is_refused(tmp_path: Path, write_mode: str) -> None:
    source, destination = Db("sqlite", str(tmp_path / "s")), Db("sqlite", str(tmp_path / "d"))
    source.execute("CREATE TABLE t (n integer, a real, b real)", "INSERT INTO t VALUES (1, 0.1, 0.2)")
    destination.execute("CREATE VIRTUAL TABLE target USING rtree(n, a, b)")
    load = Load(
        source, destination, {"source_table": "t", "checkpoint_column": "n", "write_mode": write_mode}
    )
    with pytest.raises(ArgumentError, match="target is a virtual table of rtree, which rounds numbers"):
        load.attempt()


@pytest.mark.parametrize("write_mode", ["append", "replace"])
@pytest.mark.parametrize(
    "module", ["fts5(n, a, content='')", "fts5(n, a, Content = other)", "fts4(content='',n,a)"]
)
def test_an_index_of_rows_that_are_elsewhere_is_refused(tmp_path: Path, write_mode: str, module: str) -> None:
    source, destination = Db("sqlite", str(tmp_path / "s")), Db("sqlite", str(tmp_path / "d"))
    source.execute("CREATE TABLE t (n integer, a text)", "INSERT INTO t VALUES (1, 'x')")
    destination.execute("CREATE TABLE other (n, a)", f"CREATE VIRTUAL TABLE target USING {module}")
    load = Load(
        source, destination, {"source_table": "t", "checkpoint_column": "n", "write_mode": write_mode}
    )
    with pytest.raises(ArgumentError, match="keeps an index of rows, and not the rows"):
        load.attempt()
    destination.execute("DROP TABLE target", "CREATE VIRTUAL TABLE target USING fts5(n, a, tokenize='ascii')")
    load.attempt()
    assert destination.rows("SELECT n, a FROM target") == [(1, "x")]
