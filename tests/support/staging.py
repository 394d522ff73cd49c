"""A table to replace in one step, on every kind of destination, and its stages."""

from __future__ import annotations

from airflow_checkpoint_provider.engine.transfer.staging.stage import MARK
from tests.support.databases.db import Db
from tests.support.loads import Load

OLD = [(100, "old"), (101, "old")]
NEW = [(n, f"new {n}") for n in range(10)]


def create(source: Db, table: str, destination: Db) -> None:
    """Fill a table of the source, and ``target`` with the rows to be replaced."""
    source.execute(f"CREATE TABLE {table} (n integer, v varchar(20))")
    source.insert(table, NEW)
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY, v varchar(20))")
    destination.insert("target", OLD)


def staged_load(source: Db, destination: Db, batch_size: int) -> Load:
    create(source, "t", destination)
    arguments = {"source_table": "t", "checkpoint_column": "n", "write_mode": "replace_atomic"}
    return Load(source, destination, {**arguments, "batch_size": batch_size})


def in_target(db: Db) -> list[tuple]:
    return db.rows("SELECT n, v FROM target ORDER BY n")


def stages(db: Db) -> list[str]:
    """Return the names of the stages."""
    return sorted(name for name in db.tables() if MARK in name.lower())
