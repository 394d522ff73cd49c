"""Pragmas of the connection that would leave rows out, cut or change them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
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
