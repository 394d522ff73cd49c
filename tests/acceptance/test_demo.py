"""The demo, run on the tests' own Airflow."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.demo import flights
from tests.acceptance.demo.report import Report
from tests.acceptance.demo.story import Story
from tests.support.airflow.airflow import LiveAirflow


def test_the_demo_is_true(airflow: LiveAirflow, home: Path) -> None:
    source, destination = home / "flights_source.db", home / "warehouse.db"
    total = flights.create_databases(source, destination)
    report = Report()
    Story(airflow, source, destination, total, report).tell()
    assert report.untrue == []
