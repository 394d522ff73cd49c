"""Checkpoints of several databases as one list."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from airflow_checkpoint_provider.engine.admin.search import Search
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.discovery import Places
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.pages import listing
from airflow_checkpoint_provider.plugin.tasks import finding
from tests.admin.test_search import row
from tests.support.airflow.clients.view_client import know
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

EAST, WEST, SAME = Place("east"), Place("west"), Place("same_as_west")


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Place]:
    """Even runs in the east, odd ones in the west, and a second connection to the west."""
    # Without an Airflow database, no states of task instances are known.
    monkeypatch.setattr(finding, "interrupted", lambda checkpoints: lambda one: None)
    now = datetime.now(UTC)
    for name in ("east", "west"):
        database = Db("sqlite", str(tmp_path / f"{name}.db"))
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", database.uri)
        CheckpointHook(name).create_tables()
        wanted = range(name == "west", 120, 2)
        database.insert("airflow_checkpoint", [row(n, now=now) for n in wanted])
    monkeypatch.setenv("AIRFLOW_CONN_SAME_AS_WEST", database.uri)
    return [EAST, SAME, WEST]


def runs(places: list[Place], order_by: str = "-committed_at", offset: int = 0, **search: Any) -> list[int]:
    result = finding.find(places, Search(**search), order_by, 50, offset)
    return [int(view.identity.run_id.removeprefix("run_")) for view in result.views]


def test_pages_run_across_all_places(three: list[Place]) -> None:
    assert [*runs(three), *runs(three, offset=50), *runs(three, offset=100)] == list(range(120))
    assert runs(three, "rows_written")[:3] == [0, 1, 2]
    assert runs(three, "-rows_written")[:3] == [119, 118, 117]


def test_counts_are_added_up_and_one_table_is_counted_once(three: list[Place]) -> None:
    result = finding.find(three, Search(), "-committed_at", 50, 0)
    assert (result.total, result.all, result.counts["completed"]) == (120, 120, 120)
    assert {view.place for view in result.views} == {EAST, SAME}
    assert len(result.dag_ids) == 100


def test_all_rows_that_a_page_shows_are_counted_on_it(
    three: list[Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Db("sqlite", str(tmp_path / "east.db")).execute(
        "UPDATE airflow_checkpoint SET status = 'seeded' WHERE dag_id = 'dag_8'"
    )
    know(monkeypatch, Places(configured=set(three)))
    viewer = Mock(**{"readable.return_value": lambda dag_ids: dag_ids})

    def shown(**chosen: Any) -> str:
        return " ".join(bytes(listing.overview(viewer, page=1, sort="", **chosen).body).decode().split())

    for chosen, rows in (
        ({"dag_id": "dag_8", "q": ""}, 2),
        ({"state": "seeded", "q": ""}, 2),
        ({"q": "run_108"}, 1),
    ):
        page = shown(**chosen)
        assert page.count("badge seeded") == rows
        assert f"Seeded <b>{rows}</b>" in page
    assert "All <b>120</b>" in shown(q="")


def test_one_place_alone_pages_in_its_database(three: list[Place]) -> None:
    assert runs([EAST], offset=50) == list(range(100, 120, 2))


def test_the_others_are_shown_when_one_is_missing(three: list[Place]) -> None:
    result = finding.find([EAST, Place("nowhere")], Search(), "-committed_at", 50, 0)
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


def test_rejected_rows_are_shown_and_escaped(
    three: list[Place], make_db: MakeDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, Places(configured={EAST}))
    east = CheckpointHook("east")
    source, destination = make_db("sqlite", "source"), make_db("sqlite", "east")
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, a)")
    source.insert("t", [(n, "<script>" if n % 2 else 1) for n in range(40)])
    destination.execute("CREATE TABLE target (n integer, a CHECK (a = 1))")
    load = Load(source, destination, {"source_table": "t", "on_bad_row": "reject"})
    load.attempt()
    key = ("a_dag", "a_task", "run_1")
    assert len(east.rejects(*key)) == 20
    page = bytes(listing.task(Mock(), *key, map_index="-1").body).decode()
    assert "The destination has refused 20 rows, 2% of the 1,000 that max_rejected_rows allows." in page
    assert page.count("&lt;script&gt;") == 10
    assert "<script>" not in page.split("</head>")[1]
    assert [r.row_no for r in finding.look([EAST], *key, -1).rejects] == list(range(2, 22, 2))
    load.next_run()
    load.attempt(sql="SELECT * FROM t WHERE a = 1", source_table=None, checkpoint_column="n")
    assert "Rejected rows" not in bytes(listing.task(Mock(), *key[:2], "run_2", map_index="-1").body).decode()


def test_a_seed_of_rows_stands_at_its_row(three: list[Place], tmp_path: Path) -> None:
    seeded = {"status": "seeded", "position": None, "key_columns": "[]", "rows_read": 20, "batches": 0}
    database = Db("sqlite", str(tmp_path / "east.db"))
    database.insert("airflow_checkpoint", [row(999, dag_id="d", run_id="run_1", **seeded)])
    subject = finding.look([EAST], "d", "load", "run_1", -1)
    assert subject.view
    assert subject.view.position == "row 20"
