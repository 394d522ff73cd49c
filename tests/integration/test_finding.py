"""Checkpoints of several databases as one list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.search import Search
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.plugin import finding
from airflow_checkpoint_provider.plugin.transfers import Place
from tests.databases import Db
from tests.integration.test_search import row

EAST, WEST, SAME = Place("east"), Place("west"), Place("same_as_west")


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Place]:
    """Even runs in the east, odd ones in the west, and a second connection to the west."""
    # The states of task instances are Airflow's to tell, and there is none here.
    monkeypatch.setattr(finding, "interrupted", lambda checkpoints: {})
    for name in ("east", "west"):
        database = Db("sqlite", str(tmp_path / f"{name}.db"))
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", database.uri)
        CheckpointHook(name).create_tables()
        wanted = range(name == "west", 120, 2)
        database.insert("airflow_checkpoint", [row(n) for n in wanted])
    monkeypatch.setenv("AIRFLOW_CONN_SAME_AS_WEST", database.uri)
    return [EAST, SAME, WEST]


def runs(places: list[Place], order_by: str = "-updated_at", offset: int = 0, **search: Any) -> list[int]:
    result = finding.find(places, Search(**search), order_by, 50, offset)
    return [int(view.identity.run_id.removeprefix("run_")) for view in result.views]


def test_pages_run_across_all_places(three: list[Place]) -> None:
    assert [*runs(three), *runs(three, offset=50), *runs(three, offset=100)] == list(range(120))
    assert runs(three, "rows_written")[:3] == [0, 1, 2]
    assert runs(three, "-rows_written")[:3] == [119, 118, 117]


def test_counts_are_added_up_and_one_table_is_counted_once(three: list[Place]) -> None:
    result = finding.find(three, Search(), "-updated_at", 50, 0)
    assert (result.total, result.all, result.counts["completed"]) == (120, 120, 120)
    assert {view.place for view in result.views} == {EAST, SAME}
    assert len(result.dag_ids) == 100


def test_one_place_alone_pages_in_its_database(three: list[Place]) -> None:
    assert runs([EAST], offset=50) == list(range(100, 120, 2))


def test_the_others_are_shown_when_one_is_missing(three: list[Place]) -> None:
    result = finding.find([EAST, Place("nowhere")], Search(), "-updated_at", 50, 0)
    assert result.total == 60
    assert [trouble.place for trouble in result.troubles] == [Place("nowhere")]


def test_the_newest_of_several_is_looked_at(three: list[Place], tmp_path: Path) -> None:
    Db("sqlite", str(tmp_path / "east.db")).insert(
        "airflow_checkpoint", [row(7, rows_written=1, updated_at="2030-01-01 00:00:00.000000")]
    )
    subject = finding.look([WEST, EAST], "dag_7", "load", "run_7", -1)
    assert subject.view
    assert (subject.view.place, subject.view.checkpoint.rows) == (EAST, 1)


def test_a_checkpoint_of_all_runs_stands_in(three: list[Place], tmp_path: Path) -> None:
    database = Db("sqlite", str(tmp_path / "east.db"))
    database.insert("airflow_checkpoint", [row(999, dag_id="d", run_id="*", current_run_id="run_9")])
    subject = finding.look([EAST], "d", "load", "run_5", -1)
    assert subject.view
    assert subject.view.spans_runs
    assert subject.view.airflow_href == "../dags/d/runs/run_9/tasks/load"
