"""Contests about the largest resident size of the task's process, in MB."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.harness.bench import Bench, sqlite_connection
from benchmarks.harness.contest import Contest
from benchmarks.harness.data import NARROW


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


def _peak(bench: Bench, query: str, source: str | None = None) -> float:
    return bench.work({"sql": query, "checkpoint_column": NARROW.key}, source=source).peak_mb
