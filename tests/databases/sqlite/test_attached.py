"""Tables in a file that the connection has attached, beside others of the same name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, BadRowsError
from tests.support.databases.db import Db
from tests.support.loads import Load

TEXTS = [(1, "00123"), (2, "1.50")]


@pytest.fixture
def dbs(tmp_path: Path) -> tuple[Db, Db]:
    main, other = Db("sqlite", str(tmp_path / "main")), Db("sqlite", str(tmp_path / "other"))
    source = Db("sqlite", str(tmp_path / "source"))
    source.execute("CREATE TABLE t (n integer, a text)")
    source.insert("t", TEXTS)
    return main, other


def attempt(dbs: tuple[Db, Db], tmp_path: Path, *, opened: str = "", **arguments: Any) -> Any:
    """
    Run an attempt.

    :param opened: a script that each connection to the destination runs first
    """
    main, other = dbs

    def connect() -> Any:
        connection = main.connect()
        connection.execute("ATTACH ? AS other", (other.place,))
        connection.executescript(opened)
        return connection

    load = Load(Db("sqlite", str(tmp_path / "source")), main, {"source_table": "t", "checkpoint_column": "n"})
    return load.transfer(destination=Database("dst", connect), **arguments).run()


@pytest.mark.parametrize("main_has_one", [False, True])
def test_values_are_checked_for_the_table_that_is_written(
    dbs: tuple[Db, Db], tmp_path: Path, main_has_one: bool
) -> None:
    main, other = dbs
    other.execute("CREATE TABLE target (n integer PRIMARY KEY, a STRING)")  # which is a number to SQLite
    if main_has_one:
        main.execute("CREATE TABLE target (n integer, a text)")
    with pytest.raises(BadRowsError, match="would make another text or number of '00123'"):
        attempt(dbs, tmp_path, destination_table="other.target")
    assert other.one("SELECT COUNT(*) FROM target") == 0


@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace", "replace_atomic"])
def test_rows_arrive(dbs: tuple[Db, Db], tmp_path: Path, write_mode: str) -> None:
    main, other = dbs
    main.execute("CREATE TABLE target (n integer, a STRING)")
    other.execute("CREATE TABLE target (n integer PRIMARY KEY, a text UNIQUE ON CONFLICT REPLACE)")
    result = attempt(dbs, tmp_path, destination_table="other.target", write_mode=write_mode)
    assert (result.rows_total, result.guarantee) == (2, "exactly-once")
    assert other.rows("SELECT n, a FROM target ORDER BY n") == TEXTS
    assert main.one("SELECT COUNT(*) FROM target") == 0


@pytest.mark.parametrize("which", [0, 1])
def test_files_that_are_not_committed_together_are_refused(
    dbs: tuple[Db, Db], tmp_path: Path, which: int
) -> None:
    dbs[1].execute("CREATE TABLE target (n integer, a text)")
    dbs[which].execute("PRAGMA journal_mode = WAL", "CREATE TABLE of_wal (n integer)")
    with pytest.raises(ArgumentError, match="in the attached file other, which is not committed together"):
        attempt(dbs, tmp_path, destination_table="other.target")


@pytest.mark.parametrize(
    "opened",
    [
        "CREATE TEMP TRIGGER target AFTER DELETE ON main.beside BEGIN SELECT 1; END",
        "CREATE TEMP TABLE aside (n); CREATE INDEX temp.target ON aside (n)",
    ],
    ids=["a trigger", "an index"],
)
def test_something_else_of_that_name_is_not_taken_for_the_table(
    dbs: tuple[Db, Db], tmp_path: Path, opened: str
) -> None:
    main, _ = dbs
    main.execute("CREATE TABLE beside (n integer)", "CREATE TABLE target (n integer PRIMARY KEY, a STRING)")
    with pytest.raises(BadRowsError, match="would make another text or number of '00123'"):
        attempt(dbs, tmp_path, opened=opened)
    main.execute("DROP TABLE target", "CREATE TABLE target (n integer PRIMARY KEY, a text)")
    attempt(dbs, tmp_path, opened=opened, write_mode="upsert", conflict_columns=["n"])
    assert main.rows("SELECT n, a FROM target ORDER BY n") == TEXTS
