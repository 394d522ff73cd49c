"""A table whose source gets a column between the attempts of a load, and what has become of the destination."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.databases.db import Db
from tests.support.loads import Load
from tests.support.types.cells import NAMES

destinations = pytest.mark.parametrize("destination", NAMES)
EXPECTED = [(n, None) for n in range(1, 5)] + [(n, "new") for n in range(5, 11)]
"""The rows in the end, where the column came after the first batch of four."""


def make_load(source: Db, destination: Db, **arguments: Any) -> Load:
    """Make a load of ten rows of ``id`` and ``a`` into a table with these columns."""
    for db, table in ((source, "t"), (destination, "target")):
        db.execute(f"CREATE TABLE {table} (id integer NOT NULL, a integer, PRIMARY KEY (id))")
    source.insert("t", [(n, n) for n in range(1, 11)])
    return Load(source, destination, {"source_table": "t", "batch_size": 4} | arguments)


def grow(db: Db, declared: str = "varchar(9)", *, table: str = "t", name: str = "c") -> None:
    """Add a column to a table; at the source it has a value in every row."""
    column = f"({name} {declared})" if db.kind == "oracle" else f"COLUMN {name} {declared}"
    db.execute(f"ALTER TABLE {table} ADD {column}")
    if table == "t":
        value = "'new'" if declared.startswith("varchar") else "7"
        db.execute(f"UPDATE t SET {name} = {value}")


def rows(load: Load, columns: str = "id, c") -> list[tuple[Any, ...]]:
    """Return the rows of the destination in the order of their key."""
    return [tuple(row) for row in load.destination.rows(f"SELECT {columns} FROM target ORDER BY id")]


def columns(db: Db, table: str = "target") -> list[str]:
    """Return those of the tests' columns that a table has."""
    names = []
    for name in ("id", "a", "c", "d"):
        try:
            db.rows(f"SELECT {name} FROM {table}")
        except Exception as error:
            assert name in str(error).lower()
        else:
            names.append(name)
    return names


def history(db: Db) -> list[tuple[str, str]]:
    """Return the recorded changes of the table: the kind of the entry, and its words."""
    found = db.rows("SELECT kind, detail FROM airflow_checkpoint_event ORDER BY id")
    return [(kind, detail) for kind, detail in found if kind == "schema_changed"]
