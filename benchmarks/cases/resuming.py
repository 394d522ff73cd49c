"""Contests about where a task begins: in the middle of a table, or with nothing to do."""

from __future__ import annotations

from typing import Any

from benchmarks.cases.copying import SetUp
from benchmarks.harness.bench import Bench, Outcome
from benchmarks.harness.contest import Contest
from benchmarks.harness.data import NARROW

_SAVED, _RESUMED, _RUN = "half_way", "resumed", "half_way"


class HalfWay:
    """
    A load that has stopped in the middle, and can be resumed again and again.

    :param arguments: the operator's
    :param rows: the number of rows to commit before it stops
    """

    def __init__(self, bench: Bench, arguments: dict[str, Any], rows: int) -> None:
        self._bench = bench
        self._arguments = arguments
        bench.server.create(_SAVED)
        bench.target(NARROW.create("target"), database=_SAVED)
        saved = bench.server.airflow(_SAVED)
        bench.work(arguments, destination=saved, run_id=_RUN, watch=True, rows_wanted=rows)
        self.rows = int(str(bench.server.row(_SAVED, "SELECT count(*) FROM target")[0]))
        bench.target(NARROW.create("target"))
        self.fresh()  # creates the metadata tables

    def fresh(self) -> float:
        """Return the seconds to the first committed batch of a load that begins."""
        return _first(self._bench.work(self._arguments, watch=True, rows_wanted=1))

    def resumed(self) -> float:
        """Return the seconds to the first committed batch of a load that resumes."""
        self._bench.server.create(_RESUMED, template=_SAVED)
        self._bench.server.execute(_RESUMED, "CHECKPOINT")
        resumed = self._bench.server.airflow(_RESUMED)
        outcome = self._bench.work(
            self._arguments, destination=resumed, run_id=_RUN, try_number=2, watch=True, rows_wanted=1
        )
        query = "SELECT count(*), count(DISTINCT id), max(id) FROM target"
        counts = self._bench.server.row(_RESUMED, query)
        if len(set(counts)) > 1 or int(str(counts[0])) <= self.rows:
            raise RuntimeError(f"not resumed after {self.rows} rows: {counts}")
        return _first(outcome)


def by_key(bench: Bench) -> Contest:
    """Against a fresh start."""
    name = bench.source(NARROW)
    arguments = {**_batches(bench), "sql": f"SELECT * FROM {name}", "checkpoint_column": NARROW.key}
    load = HalfWay(bench, arguments, bench.rows // 2)
    return Contest(ours=load.resumed, peer=load.fresh, prepare=lambda: bench.target(NARROW.create("target")))


def by_counting(bench: Bench) -> Contest:
    """Against fetching and dropping: the extra time of resuming over a fresh start, which has nothing to skip."""
    name = bench.source(NARROW, bench.rows * 3 // 2)
    query = f"SELECT * FROM {name} ORDER BY {NARROW.key}"
    load = HalfWay(bench, {**_batches(bench), "sql": query, "strategy": "python"}, bench.rows)

    def skip() -> float:
        fresh = load.fresh()
        return max(load.resumed() - fresh, 0.001)

    return Contest(
        ours=skip,
        peer=lambda: bench.plain("fetch_and_drop", bench.server.dsn("source"), query, str(load.rows)),
        prepare=lambda: bench.target(NARROW.create("target")),
    )


def whole_process(rows: int) -> SetUp:
    """Against GenericTransfer, as whole processes: imports, connections, and a table of few rows, or of none."""

    def set_up(bench: Bench) -> Contest:
        name = bench.source(NARROW, rows)
        query = f"SELECT * FROM {name}"
        ours = {"sql": query, "checkpoint_column": NARROW.key}
        theirs = {"sql": query, "insert_args": {"executemany": True, "commit_every": 10_000}}
        return Contest(
            ours=lambda: bench.work(ours, warm=False).process_s,
            peer=lambda: bench.work(theirs, task="generic", warm=False).process_s,
            prepare=lambda: bench.target(NARROW.create("target")),
        )

    return set_up


def _batches(bench: Bench) -> dict[str, Any]:
    """Return a batch size that gives about a hundred batches: 10,000 rows of a million."""
    return {"batch_size": max(bench.rows // 100, 1)}


def _first(outcome: Outcome) -> float:
    if outcome.first_batch_s is None:
        raise RuntimeError("no batch was committed")
    return outcome.first_batch_s
