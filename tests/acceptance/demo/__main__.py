"""``python -m tests.acceptance.demo``: kill a load on a real Airflow, and count the rows afterwards."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from tests.acceptance.demo import flights
from tests.acceptance.demo.report import Report
from tests.acceptance.demo.story import Story
from tests.support.airflow.airflow import LiveAirflow
from tests.support.airflow.config import REPOSITORY


def main() -> int:
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, _exit)
    home: Path = arguments.home
    started = time.monotonic()
    report = Report()
    version = importlib.metadata.version("apache-airflow")
    report.line(f"A load that is killed, retried and cleared on a real Airflow {version}\n")
    home.mkdir(parents=True, exist_ok=True)
    source, destination = home / "flights_source.db", home / "warehouse.db"
    total = flights.create_databases(source, destination)
    report.item("source", f"{source}, {total:,} flights")
    report.item("destination", f"{destination}, an empty table without a key")
    airflow = LiveAirflow(
        home / "airflow",
        REPOSITORY / "example_dags",
        {
            "AIRFLOW_CONN_FLIGHTS_SOURCE": sqlite_connection(source),
            "AIRFLOW_CONN_WAREHOUSE": sqlite_connection(destination),
        },
    )
    with airflow:
        report.item("Airflow", f"{airflow.url}, ready after {time.monotonic() - started:.0f} s")
        try:
            Story(airflow, source, destination, total, report).tell()
        except Exception as error:  # any error means that the demo failed
            report.claim(False, f"{type(error).__name__}: {error}")
        code = report.verdict(time.monotonic() - started)
        if arguments.ui:
            stay(airflow, report)
    return code


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.demo", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".demo"), help="directory of everything it writes")
    parser.add_argument("--ui", action="store_true", help="leave Airflow running until Ctrl+C")
    return parser.parse_args()


def sqlite_connection(database: Path) -> str:
    return json.dumps({"conn_type": "sqlite", "host": str(database.resolve())})


def stay(airflow: LiveAirflow, report: Report) -> None:
    report.chapter("Airflow goes on running; Ctrl+C stops it")
    report.item("address", airflow.url)
    report.item("login", f"{airflow.user} / {airflow.password}")
    try:
        while True:
            time.sleep(1)
            airflow.processes.raise_if_dead()
    except KeyboardInterrupt:
        report.line("\nStopping Airflow.")


def _exit(number: int, frame: FrameType | None) -> None:
    """Turn SIGTERM into an exception, so that all processes are stopped at the exit."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nInterrupted; everything was stopped.", file=sys.stderr)
        sys.exit(130)
