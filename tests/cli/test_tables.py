"""``airflow checkpoint tables``: the facts of the view's page, in a shell."""

from __future__ import annotations

import argparse
import re

import pytest

from airflow_checkpoint_provider.hooks.airflow_internals.schedule import NextRun
from airflow_checkpoint_provider.hooks.discovery import Places
from airflow_checkpoint_provider.hooks.tables import lines
from airflow_checkpoint_provider.hooks.transfers import Place
from tests.cli.conftest import Airflow, know
from tests.cli.test_cli import load, two
from tests.support.loads import Load

__all__ = ["load", "two"]


@pytest.fixture(autouse=True)
def alone(airflow: Airflow, parser: argparse.ArgumentParser, monkeypatch: pytest.MonkeyPatch) -> None:
    """No metadata database of Airflow's."""
    monkeypatch.setattr(lines, "interrupted", lambda checkpoints: lambda one: None)
    monkeypatch.setattr(lines, "next_runs", lambda dag_ids: {})


def test_one_line_for_a_table(airflow: Airflow, two: Load) -> None:
    (listed,) = airflow("tables", "-o", "json").json()
    assert isinstance(listed.pop("age_seconds"), int)
    assert listed.pop("last_complete").endswith("+00:00")
    assert listed == {
        "table": "target",
        "conn_id": "dst",
        "is_unsure": False,
        "rows": 10,
        "running": 0,
        "stalled": 0,
        "failed": 1,
        "next_run": None,
        "paused": None,
        "writers": ["a_dag.a_task"],
    }
    assert re.search(r"\| \d+ s ago +\| 10 +\| +\| +\| 1 +\|", airflow("tables").out)


def test_a_table_without_a_load_and_its_next_run(
    airflow: Airflow, two: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Places(transfers={("b", "load")}, targets={("b", "load"): ("target", "dwh.new")})
    know(monkeypatch, known)
    monkeypatch.setattr(lines, "next_runs", lambda dag_ids: {"b": NextRun(None, paused=True)})
    new = airflow("tables", "-o", "json").json()[0]
    assert (new["table"], new["last_complete"], new["paused"], new["writers"]) == (
        "dwh.new",
        None,
        True,
        ["b.load"],
    )
    assert "paused" in airflow("tables").out


def test_without_an_answer_nothing_is_called_never_loaded(
    airflow: Airflow, two: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_GONE", "postgres://nobody@127.0.0.1:1/x")
    known = Places(transfers={("b", "load")}, targets={("b", "load"): ("gone", "dwh.new")})
    known.tasks[Place("gone")] = {("b", "load")}
    know(monkeypatch, known)
    ended = airflow("tables", "-c", "gone", "-c", "target")
    assert ended.code == 1
    assert "unknown" in ended.out
    assert "gone" in ended.err
