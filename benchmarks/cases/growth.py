"""
Measure how the metadata tables bear their growth: the same calls among 1,000 checkpoints and among a million.

Each checkpoint has three events. The calls are those of the operator, the hook and the view, each with the connection
that it opens; they are made in turn among few and among many, and medians are compared.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from airflow_checkpoint_provider.engine.admin.repository import CheckpointRepository
from airflow_checkpoint_provider.engine.admin.search import Search
from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.checkpoint import (
    ALL_RUNS,
    DEFAULT_TABLE,
    Attempt,
    Identity,
    Load,
)
from airflow_checkpoint_provider.engine.model.decision import Action, Decision
from airflow_checkpoint_provider.engine.model.events.batch_times import Stopwatch
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.store.checkpoint_store import SqlStore
from benchmarks.harness.filling import POSTGRES, SQLITE
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.server import running_server

FEW, MANY, ROUNDS = 1_000, 1_000_000, 30
GOAL = 2.0
_LOAD = Load("key", ("id",), {"query": "SELECT 1"}, "erp", "target", "dwh.sales")


class Calls:
    """
    The measured calls, on one database.

    :param connect: opens a connection to it
    :param rows: the number of its checkpoints
    """

    def __init__(self, connect: Callable[[], Any], rows: int) -> None:
        self._database = Database("metadata", connect)
        self._repository = CheckpointRepository(self._database, DEFAULT_TABLE)
        self._one = rows // 2
        self._new = 0

    def all(self) -> dict[str, Callable[[], object]]:
        """Return the calls by their names in the table."""
        dag = f"dag_{self._one % 100}"
        return {
            "claim of a new checkpoint": lambda: self._claim(self._fresh()),
            "claim of one that is there": lambda: self._claim(self._there()),
            "100 advances": self._advance,
            "list, first page": lambda: self._list(),
            "list, status": lambda: self._list(status="failed"),
            "list, dag_id": lambda: self._list(dag_id=dag),
            "list, status and dag_id": lambda: self._list(dag_id=dag, status="failed"),
            "view, first page and counts": lambda: self._find(),
            "view, state": lambda: self._find(state="failed"),
            "view, stalled": lambda: self._find(state="stalled"),
            "view, dag_id": lambda: self._find(dag_id=dag),
            "view, state and dag_id": lambda: self._find(dag_id=dag, state="failed"),
            "view, half of the DAGs": lambda: self._find(readable=_even),
            "view, by rows": lambda: self._find(order_by="-rows_written"),
            "view, by table": lambda: self._find(order_by="destination_table"),
            "view, by rows and dag_id": lambda: self._find(dag_id=dag, order_by="rows_written"),
            "view, by state, half of the DAGs": lambda: self._find(readable=_even, order_by="status"),
            "view, by rows and state": lambda: self._find(state="failed", order_by="-rows_written"),
            "view, instances": lambda: self._find(by_load=False),
            "view, a group": self._group,
            "tables": lambda: self._repository.newest(_even, 50),
            "view, text": lambda: self._find(text="run_7"),
            "view, text and dag_id": lambda: self._find(text="run_7", dag_id=dag),
            "history of one": lambda: self._repository.history(self._there(), limit=100, offset=0),
            "look at one": lambda: self._repository.look(self._there(), 300),
            "purge of ten": self._purge,
        }

    def _there(self) -> Identity:
        return Identity(f"dag_{self._one % 100}", f"task_{self._one % 5}", f"run_{self._one}", -1)

    def _fresh(self) -> Identity:
        self._new += 1
        return Identity(f"dag_{self._new % 100}", "new", f"run_{self._new}", -1)

    def _list(self, **filters: Any) -> None:
        self._repository.list(filters, limit=50, offset=0, order_by="-committed_at")

    def _find(self, order_by: str = "-committed_at", **search: Any) -> None:
        wanted = Search(**{"by_load": True, **search})
        self._repository.find(wanted, limit=50, offset=0, order_by=order_by)

    def _group(self) -> None:
        dag_id, _, run_id, *_ = astuple(self._there())
        tasks = tuple(f"task_{n}" for n in range(500))
        wanted = Search(dag_id=dag_id, task_ids=tasks, run_ids=(run_id, ALL_RUNS))
        found = self._repository.find(wanted, limit=5_000, offset=0, order_by="-committed_at")
        assert [one.checkpoint.identity.run_id for one in found.rows] == [run_id]

    def _store(self, connection: Any, identity: Identity) -> SqlStore:
        now = datetime.now(UTC)
        attempt = Attempt(identity.run_id, now, 1, 3, 3, 0, "benchmark")
        return SqlStore(connection, self._repository.tables, identity, attempt)

    def _claim(self, identity: Identity) -> None:
        with closing(self._database.open(for_writing=True)) as connection:
            self._store(connection, identity).claim(lambda *_: Decision(Action.START, "measured"), _LOAD)

    def _advance(self) -> None:
        with closing(self._database.open(for_writing=True)) as connection:
            store = self._store(connection, self._there())
            now, _ = store.claim(lambda *_: Decision(Action.START, "measured"), _LOAD)
            watch = Stopwatch()
            for number in range(100):
                now = now.after_batch(10, Position((number,)), (0,))
                with store.transaction():
                    store.advance(now, watch)

    def _purge(self) -> None:
        """Delete ten checkpoints, which are created first."""
        with closing(self._database.open(for_writing=True)) as connection:
            for number in range(10):
                identity = Identity("to_purge", "x", f"run_{number}", -1)
                store = self._store(connection, identity)
                store.claim(lambda *_: Decision(Action.START, "measured"), _LOAD)
            connection.exec_driver_sql(
                f"UPDATE {DEFAULT_TABLE} SET updated_at = '2001-01-01 00:00:00', committed_at = '2001-01-01 00:00:00',"
                " status = 'failed' WHERE dag_id = 'to_purge'"
            )
            connection.commit()
        began = time.perf_counter()
        assert self._repository.purge(timedelta(days=7_000), ["failed"], False) == 10
        self.took = time.perf_counter() - began


def _even(dag_ids: Any) -> set[str]:
    return {dag_id for dag_id in dag_ids if dag_id[-1] in "02468"}


def measure(few: Calls, many: Calls, rounds: int) -> dict[str, tuple[float, float]]:
    """Return the medians of each call, in milliseconds."""
    figures = {}
    for name in few.all():
        times: tuple[list[float], list[float]] = ([], [])
        for turn in range(rounds + 3):
            for calls, taken in zip((few, many), times, strict=True):
                call = calls.all()[name]
                began = time.perf_counter()
                call()
                took = calls.took if name.startswith("purge") else time.perf_counter() - began
                if turn >= 3:  # the first ones read from the disk
                    taken.append(took * 1000)
        figures[name] = (statistics.median(times[0]), statistics.median(times[1]))
    return figures


def table(figures: dict[str, tuple[float, float]], rows: int) -> str:
    """Return the table, in Markdown."""
    lines = [f"| | {FEW:,}, ms | {rows:,}, ms | ratio |", "|---|---:|---:|---:|"]
    lines += [f"| {name} | {a:.2f} | {b:.2f} | {b / a:.2f} |" for name, (a, b) in figures.items()]
    return "\n".join(lines)


def on_postgres(folder: Path, rows: int, rounds: int) -> dict[str, tuple[float, float]]:
    """Measure on a server of its own."""
    with running_server(folder) as server:
        calls = []
        for name, number in (("few", FEW), ("many", rows)):
            server.create(name)
            dsn = server.dsn(name)
            CheckpointRepository(Database("x", lambda dsn=dsn: psycopg.connect(dsn)), DEFAULT_TABLE).create()  # type: ignore[misc]
            server.execute(name, *(text.format(rows=number) for text in POSTGRES))
            calls.append(Calls(lambda dsn=dsn: psycopg.connect(dsn), number))  # type: ignore[misc]
        return measure(calls[0], calls[1], rounds)


def on_sqlite(folder: Path, rows: int, rounds: int) -> dict[str, tuple[float, float]]:
    """Measure on files."""
    calls = []
    for name, number in (("few", FEW), ("many", rows)):
        path = folder / f"{name}.db"
        CheckpointRepository(Database("x", lambda path=path: sqlite3.connect(path)), DEFAULT_TABLE).create()  # type: ignore[misc]
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript("".join(f"{text.format(rows=number)};\n" for text in SQLITE))
        calls.append(Calls(lambda path=path: sqlite3.connect(path), number))  # type: ignore[misc]
    return measure(calls[0], calls[1], rounds)


PLACES = {"postgres": on_postgres, "sqlite": on_sqlite}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a table for each database; return 1 if a ratio misses the goal."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cases.growth", description=__doc__)
    parser.add_argument("--rows", type=int, default=MANY, help=f"checkpoints in the large table ({MANY:,})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"calls of each kind ({ROUNDS})")
    parser.add_argument("--only", choices=PLACES, help="one of the databases")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    options = parser.parse_args(arguments)
    about = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": describe_machine(), "rounds": options.rounds}
    figures = {}
    for name in [options.only] if options.only else PLACES:
        with tempfile.TemporaryDirectory(prefix="airflow_checkpoint_growth_") as folder:
            figures[name] = PLACES[name](Path(folder), options.rows, options.rounds)
        print(f"\n{name}\n\n{table(figures[name], options.rows)}\n", flush=True)
    print(about)
    if options.json:
        options.json.write_text(json.dumps({**about, "rows": options.rows, "medians_ms": figures}, indent=2))
    return int(any(b > GOAL * a for places in figures.values() for a, b in places.values()))


if __name__ == "__main__":
    sys.exit(main())
