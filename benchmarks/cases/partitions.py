"""
Measure what it brings to load one table in parts, by processes that run at the same time on this machine.

``python -m benchmarks.cases.partitions``: the narrow table from one database of a Postgres server to another, whole
and in 1, 2 and 4 parts, and what it costs to plan them. All share the cores, the disk and the log of one server: what
machines of their own would bring is not what is measured here.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.transfer.partitioning.planner import LARGE, Plan, SplitSpec, split
from benchmarks.harness.bench import Bench
from benchmarks.harness.data import NARROW, digest
from benchmarks.harness.processes import FreshProcesses
from benchmarks.harness.server import running_server

ROWS, QUICK_ROWS, ROUNDS = 2_000_000, 4_000, 3
PARTS, QUICK_PARTS = (1, 2, 4), (2,)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the medians."""
    options = _parse(arguments)
    rows = options.rows or (QUICK_ROWS if options.quick else ROWS)
    rounds = 1 if options.quick else options.rounds
    with (
        tempfile.TemporaryDirectory(prefix="airflow_checkpoint_bench_", dir=options.folder) as folder,
        running_server(Path(folder)) as server,
    ):
        for name in ("source", "destination"):
            server.create(name)
        bench = Bench(server, FreshProcesses(Path(folder)), Path(folder), rows)
        figures = _measure(bench, QUICK_PARTS if options.quick else PARTS, rounds)
    print(_table(figures))
    if options.quick:
        print("These runs were quick: they show that everything works, and nothing about speed.")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def _measure(bench: Bench, numbers: Sequence[int], rounds: int) -> dict[str, Any]:
    name = bench.source(NARROW)
    # Inserted rows are counted when their connection ends; after ANALYZE, they would make the statistics look old.
    inserted = f"SELECT pg_stat_get_tuples_inserted('{name}'::regclass) >= {bench.size(NARROW)}"
    end = time.monotonic() + 10
    while bench.server.row("source", inserted) != (True,) and time.monotonic() < end:
        time.sleep(0.05)
    bench.server.execute("source", f"ANALYZE {name}")
    planning = {
        how: _plan(bench, name, max(numbers), large) for how, large in (("read", LARGE * 1000), ("known", 0))
    }
    seconds: dict[str, list[float]] = {str(number): [] for number in (0, *numbers)}
    for _ in range(rounds):
        for number in (0, *numbers):
            parts = _plan(bench, name, number, 0)[1].parts if number else [None]
            bench.target(NARROW.create("target"))
            seconds[str(number)].append(_load(bench, name, [part and part.as_dict() for part in parts]))
            if digest(bench.server, "destination", NARROW, "target") != digest(
                bench.server, "source", NARROW, name
            ):
                raise RuntimeError(f"{number} parts are not the table.")
    return {
        "rows": bench.size(NARROW),
        "planning_s": {how: spent for how, (spent, _) in planning.items()},
        "planned_by": {how: plan.how for how, (_, plan) in planning.items()},
        "seconds": seconds,
    }


def _plan(bench: Bench, name: str, number: int, large: int) -> tuple[float, Plan]:
    """Return the seconds of planning, and the plan; from ``large`` rows on by the server's statistics."""
    spec = SplitSpec(partitions=number, source_table=name, large=large)
    started = time.perf_counter()
    plan = split(spec, Database("source", lambda: psycopg.connect(bench.server.dsn("source"))))
    return time.perf_counter() - started, plan


def _load(bench: Bench, name: str, parts: Sequence[dict[str, Any] | None]) -> float:
    """Load the partitions in processes that begin together, and return the seconds until the last is done."""
    run = bench.new_run()
    gate = bench.folder / f"gate_{run}"
    connections = {
        "AIRFLOW_CONN_BENCH_SOURCE": bench.server.airflow("source"),
        "AIRFLOW_CONN_BENCH_DESTINATION": bench.server.airflow("destination"),
    }

    def job(index: int, part: dict[str, Any] | None) -> dict[str, Any]:
        given = {
            "source_table": name,
            "source_conn_id": "bench_source",
            "destination_conn_id": "bench_destination",
            "destination_table": "target",
            "checkpoint_column": NARROW.key,
            "partition": part,
        }
        return {
            "task": "checkpointed",
            "arguments": given,
            "run_id": run,
            "map_index": index if part else -1,
            "try_number": 1,
            "warm": True,
            "watch": False,
            "rows_wanted": None,
            "gate": str(gate),
        }

    with ThreadPoolExecutor(len(parts)) as pool:
        running = [
            pool.submit(bench.processes.work, job(index, part), connections)
            for index, part in enumerate(parts)
        ]
        while len(list(bench.folder.glob(f"{gate.name}.*"))) < len(parts):
            if any(future.done() for future in running):
                break  # with an error, which is shown below
            time.sleep(0.01)
        gate.touch()
        done = [future.result() for future in running]
    return max(outcome["ended_at"] for outcome in done) - min(outcome["began_at"] for outcome in done)


def _table(figures: dict[str, Any]) -> str:
    whole = statistics.median(figures["seconds"]["0"])
    lines = [f"| {figures['rows']:,} rows | s | times the whole table's rows/s |", "|---|---|---|"]
    for number, seconds in figures["seconds"].items():
        median = statistics.median(seconds)
        title = "whole" if number == "0" else f"{number} parts" if number != "1" else "1 part"
        lines.append(f"| {title} | {median:.2f} | {whole / median:.2f} |")
    lines.append("")
    for how, spent in figures["planning_s"].items():
        lines.append(f"Planning took {spent:.3f} s by {figures['planned_by'][how]}.")
    return "\n".join(lines)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cases.partitions",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="once, on small data: does everything run?")
    parser.add_argument("--rows", type=int, help=f"of the table, {ROWS:,} unless given")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"runs of each, {ROUNDS} unless given")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures of all runs to a file")
    parser.add_argument("--folder", type=Path, help="where the databases live while it runs")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
