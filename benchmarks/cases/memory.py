"""Contests about the largest resident size of the task's process, in MB."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

from benchmarks.harness.bench import Bench, sqlite_connection
from benchmarks.harness.contest import Contest
from benchmarks.harness.data import DOCUMENTS, NARROW

_MOST_DOCUMENTS = 1_200


def more_than_nothing(from_sqlite: bool = False) -> Callable[[Bench], Contest]:
    """Against the same process that has imported everything and moved nothing."""

    def set_up(bench: Bench) -> Contest:
        empty = bench.source(NARROW, 0)
        path, full = bench.sqlite_source(NARROW) if from_sqlite else (None, bench.source(NARROW))
        connection = sqlite_connection(path) if path else None
        nothing = f"SELECT * FROM {full} WHERE 1 = 0" if from_sqlite else f"SELECT * FROM {empty}"
        return Contest(
            ours=lambda: _peak(bench, f"SELECT * FROM {full}", connection),
            peer=lambda: _peak(bench, nothing, connection),
            prepare=lambda: bench.target(NARROW.create("target")),
        )

    return set_up


def ten_times_the_rows(bench: Bench) -> Contest:
    """Against the same transfer of a tenth of the rows."""
    small, large = bench.source(NARROW), bench.source(NARROW, bench.rows * 10)
    return Contest(
        ours=lambda: _peak(bench, f"SELECT * FROM {large}"),
        peer=lambda: _peak(bench, f"SELECT * FROM {small}"),
        prepare=lambda: bench.target(NARROW.create("target")),
    )


def of_large_values(
    into: Callable[[Bench], tuple[str | None, Callable[[], None]]], **arguments: Any
) -> Callable[[Bench], Contest]:
    """
    Against the same process that has moved nothing, with values of 1 MB.

    :param into: returns the connection of the destination, and what prepares its table
    :param arguments: more of the operator's
    """

    def set_up(bench: Bench) -> Contest:
        full = bench.source(DOCUMENTS, min(_MOST_DOCUMENTS, bench.rows // 250))
        empty = bench.source(DOCUMENTS, 0)
        connection, prepare = into(bench)

        def peak(table: str) -> float:
            work = {"sql": f"SELECT * FROM {table}", "checkpoint_column": DOCUMENTS.key, **arguments}
            return bench.work(work, destination=connection).peak_mb

        return Contest(ours=lambda: peak(full), peer=lambda: peak(empty), prepare=prepare)

    return set_up


def postgres(bench: Bench) -> tuple[None, Callable[[], None]]:
    """Return a destination in Postgres."""
    return None, lambda: bench.target(DOCUMENTS.create("target"))


def mariadb(bench: Bench) -> tuple[str, Callable[[], None]]:
    """Return a destination in MariaDB."""
    ddl = DOCUMENTS.create("target", {"body": "longtext"})
    return bench.connections(0, 1)["destination"], lambda: bench.shared_target(ddl, 1, "target")


def sqlite(bench: Bench) -> tuple[str, Callable[[], None]]:
    """Return a destination in SQLite."""
    path = bench.folder / "documents.db"

    def prepare() -> None:
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(DOCUMENTS.create("target"))

    return sqlite_connection(path), prepare


def _peak(bench: Bench, query: str, source: str | None = None) -> float:
    return bench.work({"sql": query, "checkpoint_column": NARROW.key}, source=source).peak_mb
