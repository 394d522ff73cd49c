"""
Measure how fast the provider is, as ratios against other ways to do the same work.

Everything runs on this machine: a Postgres server of its own with default durability, generated data, our
operator and its peers in turn, each run in a fresh process, and medians of the rounds. Tables are compared at
the end of each case. Leave the machine alone meanwhile.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.cases.table import CASES
from benchmarks.harness import report
from benchmarks.harness.bench import Bench
from benchmarks.harness.contest import Case, Figures, measure, progress
from benchmarks.harness.machine import describe_machine, describe_versions
from benchmarks.harness.processes import ForkedProcesses, FreshProcesses
from benchmarks.harness.server import running_server

ROWS, QUICK_ROWS, ROUNDS = 1_000_000, 5_000, 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen cases and print the table; return 1 if a case fails, not if one misses its goal."""
    options = parse(arguments)
    if options.list:
        print("\n".join(f"{case.name:<16} {case.title}, against {case.against}" for case in CASES))
        return 0
    signal.signal(signal.SIGTERM, _exit)
    rows = options.rows or (QUICK_ROWS if options.quick else ROWS)
    rounds = options.rounds or (1 if options.quick else ROUNDS)
    with (
        tempfile.TemporaryDirectory(prefix="airflow_checkpoint_bench_", dir=options.folder) as folder,
        running_server(Path(folder)) as server,
    ):
        processes = (ForkedProcesses if options.quick else FreshProcesses)(Path(folder))
        bench = Bench(server, processes, Path(folder), rows)
        about: dict[str, Mapping[str, Any]] = {
            "machine": describe_machine(),
            "versions": describe_versions(server),
            "server": server.describe(),
            "measured": {"date": f"{datetime.now(UTC):%Y-%m-%d}", "rows": rows, "rounds": rounds},
        }
        for name in ("source", "destination"):
            server.create(name)
        with bench.at_end:
            results = [_measure(case, bench, rounds) for case in options.only or CASES]
            if "mariadb" in vars(bench):  # a case has started it
                about["mariadb"] = bench.mariadb.describe()
    print(f"\n{report.table(results)}\n\n{report.describe(about)}")
    if options.quick:
        print("These runs were quick: they show that everything works, and nothing about speed.")
    if options.json:
        cases = [figures.as_dict() for figures in results]
        options.json.write_text(json.dumps({**about, "cases": cases}, indent=2) + "\n")
    return 1 if any(figures.failed for figures in results) else 0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one round on small data: does everything run?")
    parser.add_argument(
        "--only",
        action="extend",
        nargs="+",
        type=_cases,
        metavar="NAME",
        help="these cases; patterns like 'upsert*' are allowed",
    )
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument(
        "--rows",
        type=_positive,
        help=f"of the narrow table, {ROWS:,} unless given; the wide one has 30%% of it",
    )
    parser.add_argument("--rounds", type=_positive, help=f"runs of each side, {ROUNDS} unless given")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures of all runs to a file")
    parser.add_argument(
        "--folder",
        type=Path,
        help="where the databases live while it runs (the system's folder for temporary files)",
    )
    options = parser.parse_args(arguments)
    options.only = [case for case in CASES if any(case in chosen for chosen in options.only or ())]
    return options


def _cases(pattern: str) -> list[Case]:
    found = [case for case in CASES if fnmatchcase(case.name, pattern)]
    if not found:
        names = ", ".join(case.name for case in CASES)
        raise argparse.ArgumentTypeError(f"no case is called {pattern!r}; there are {names}")
    return found


def _positive(text: str) -> int:
    number = int(text.replace("_", "").replace(",", ""))
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def _measure(case: Case, bench: Bench, rounds: int) -> Figures:
    started = time.monotonic()
    figures = measure(case, bench, rounds)
    progress(f"{case.name:<16} {report.summary(figures)} ({time.monotonic() - started:.0f} s)")
    return figures


def _exit(number: int, frame: FrameType | None) -> None:
    """Turn SIGTERM into an exception, so that the server is stopped on the way out."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
