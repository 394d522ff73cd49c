"""
Tasks without Airflow, each in a process of its own: ``python -m benchmarks.peers.plain TASK ARGUMENT...``.

Prints the seconds of the task.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import closing

import psycopg


def sqlite_executemany(source: str, table: str, destination: str) -> float:
    """Insert rows that are already in memory into an SQLite table, in one transaction."""
    with closing(sqlite3.connect(source)) as connection:
        rows = connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()
    marks = ", ".join("?" * len(rows[0]))
    started = time.perf_counter()
    with closing(sqlite3.connect(destination)) as connection, connection:
        connection.executemany(f"INSERT INTO target VALUES ({marks})", rows)
    return time.perf_counter() - started


def fetch_and_drop(dsn: str, query: str, rows: str) -> float:
    """Fetch the first rows of a query through a server-side cursor, and forget them."""
    left = int(rows)
    started = time.perf_counter()
    with psycopg.connect(dsn) as connection, connection.cursor("rows") as cursor:
        cursor.execute(query.encode())
        while left > 0:
            left -= len(cursor.fetchmany(min(left, 10_000)))
    return time.perf_counter() - started


if __name__ == "__main__":
    tasks = {task.__name__: task for task in (sqlite_executemany, fetch_and_drop)}
    print(tasks[sys.argv[1]](*sys.argv[2:]))
