"""The data of the acceptance tests, and its exact comparison."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

COLUMNS = "order_id INTEGER, customer TEXT, amount REAL, region TEXT, ordered_at TEXT"
REGIONS = ("east", "north", "south", "west")
ROWS = 3_000


def order(number: int) -> tuple[Any, ...]:
    """Ids with gaps, some NULLs, and text that is not ASCII."""
    return (
        number * 7,
        f"Kunde Nr. {number} äöü \N{SNOWMAN}",
        None if number % 11 == 0 else number / 8,
        REGIONS[number % len(REGIONS)],
        f"2026-01-{number % 28 + 1:02}T{number % 24:02}:00:00",
    )


def create_source(database: Path) -> None:
    create_table(database, "orders")
    with closing(sqlite3.connect(database)) as connection, connection:
        rows = (order(number) for number in range(1, ROWS + 1))
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", rows)


def create_table(database: Path, table: str) -> None:
    """Without a key: nothing but the checkpoint keeps duplicates out."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(f"CREATE TABLE {table} ({COLUMNS})")


def rows_of(database: Path, table: str, where: str = "1 = 1") -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        return connection.execute(f"SELECT * FROM {table} WHERE {where} ORDER BY order_id").fetchall()
