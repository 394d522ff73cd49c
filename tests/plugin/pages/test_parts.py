"""The partitions of a table as one load: progress, speed, remaining time, slow and failed partitions."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from airflow_checkpoint_provider.engine.admin.search import Listed, Search
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.partition import Partition, bound
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.model.status import FILTERS
from airflow_checkpoint_provider.hooks.discovery import Places
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.display.parts import Parts
from airflow_checkpoint_provider.plugin.models import View
from airflow_checkpoint_provider.plugin.pages import listing
from airflow_checkpoint_provider.plugin.tasks.finding import Result
from tests.support.airflow.clients.view_client import know
from tests.support.plugin_events import WHO, after, checkpoint, told

PART = Partition(
    plan="p",
    index=0,
    of=4,
    column="id",
    lower=None,
    upper=bound(1000),
    nulls=True,
    rows=1000,
    rows_in_all=4000,
)
STALLED_AFTER = timedelta(seconds=300)


def part_at(index: int, plan: str = "p", **changes: Any) -> Checkpoint:
    part = replace(PART, index=index, plan=plan)
    identity = replace(WHO, map_index=index)
    return checkpoint(identity=identity, fingerprint={"partition": part.as_text()}, **changes)


def view(stored: Checkpoint, began_with: int | None = None, instance: str | None = None) -> View:
    """A view ten seconds after the beginning."""
    sample = None if began_with is None else told(("started", 0, began_with, 1))[0]
    return View.of(Place("dst"), Listed(stored, None, sample), instance, STALLED_AFTER, after(10))


def completed(index: int) -> View:
    return view(part_at(index, status="completed", rows=1000))


def test_half_of_the_parts_at_half_and_the_others_done() -> None:
    parts = Parts.of([completed(0), completed(1), view(part_at(2), 0), view(part_at(3), 0)])
    assert parts
    assert (parts.share, parts.rows, parts.expected) == (0.75, 3000, 4000)
    assert (parts.rate, parts.left) == (100, 10)  # two at 50 rows a second, 500 rows each
    assert (parts.state, parts.count("completed"), parts.troubled) == ("running", 2, [])


def test_parts_that_have_not_begun_count_as_nothing_done() -> None:
    parts = Parts.of([view(part_at(1), 0)])
    assert parts
    assert [cell.state for cell in parts.cells] == ["waiting", "running", "waiting", "waiting"]
    assert parts.share == pytest.approx(1 / 8)
    assert parts.left == 3500 / 50  # one running partition has to load all remaining rows


def test_the_slowest_is_the_last_to_be_done_and_all_wait_for_it() -> None:
    slow = view(part_at(1, position=Position((100,), 100), rows=100), 0)
    parts = Parts.of([completed(0), slow, view(part_at(2), 0), completed(3)])
    assert parts
    assert parts.slowest
    assert parts.slowest.index == 1
    assert slow.pace.left == 90
    assert parts.left == 90


def test_failed_killed_and_stalled_parts_are_named() -> None:
    stalled = view(part_at(2, committed_at=after(-1000)))
    killed = view(part_at(1), instance="failed")
    parts = Parts.of([view(part_at(0, status="failed")), killed, stalled])
    assert parts
    assert [(cell.index, cell.state) for cell in parts.troubled] == [
        (0, "failed"),
        (1, "interrupted"),
        (2, "stalled"),
    ]
    assert parts.state == "failed"
    assert parts.slowest is parts.left is None


def test_all_is_done_when_all_parts_are_and_not_before() -> None:
    parts = Parts.of([completed(n) for n in range(4)])
    assert parts
    assert (parts.share, parts.state, parts.left) == (1.0, "completed", None)
    nearly = part_at(3, position=Position((1000,), 1000), rows=1000)
    almost = Parts.of([*(completed(n) for n in range(3)), view(nearly)])
    assert almost
    assert almost.share == 0.999


def test_parts_that_are_staged_are_done_and_not_published() -> None:
    stored = [part_at(index, status="completed", rows=1000) for index in range(4)]
    staged = [
        View.of(Place("dst"), Listed(one, staged=True), None, STALLED_AFTER, after(10)) for one in stored
    ]
    parts = Parts.of(staged)
    assert parts
    assert (parts.state, parts.share, parts.count("staged"), parts.troubled) == ("staged", 1.0, 4, [])
    some = Parts.of([*staged[:3], view(part_at(3), 0)])
    assert some
    assert (some.state, some.share < 1) == ("running", True)


def test_a_key_that_is_text_goes_by_the_rows() -> None:
    text = part_at(0, lower=("a",), upper=("z",), position=Position(("k",), 250), rows=250)
    parts = Parts.of([view(text)])
    assert parts
    assert parts.cells[0].share == 0.25


def test_the_latest_plan_is_shown_and_parts_of_others_are_counted() -> None:
    old = [view(part_at(n, "old", started_at=after(-100), status="completed")) for n in range(1, 4)]
    parts = Parts.of([view(part_at(0), 0), *old])
    assert parts
    assert parts.other_plans == 3
    assert parts.share == pytest.approx(1 / 8)


def test_loads_that_are_not_of_parts_are_none() -> None:
    assert Parts.of([view(checkpoint())]) is Parts.of([]) is None
    broken = checkpoint(fingerprint={"partition": "{"})
    assert Parts.of([view(broken)]) is None


def test_the_page_shows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    views = [completed(0), view(part_at(1), 0), view(part_at(2, status="failed", last_error="<b>no</b>"))]
    counts = {**dict.fromkeys(FILTERS, 0), "running": 1, "failed": 1, "completed": 1}
    found = Result(views, 3, counts, [], [], [])
    asked: list[Search] = []

    def find(places: Any, search: Search, *_: Any) -> Result:
        asked.append(search)
        return found

    monkeypatch.setattr(listing.finding, "find", find)
    know(monkeypatch, Places())
    monkeypatch.setattr(listing, "failed_indexes", lambda *_: ([], 4))
    shown = listing.task(Mock(), "a_dag", "a_task", page=1, sort="", tab=True, state="failed")
    page = bytes(shown.body).decode()
    assert "4 partitions of one table" in page
    assert 'max="1" value="0.5" aria-label="Progress of all partitions"' in page
    assert 'title="Partition 1: running, 50%"' in page
    assert 'title="Partition 3: waiting"' in page
    assert 'id="troubled-2"' in page
    assert 'id="slowest"' in page
    assert "<b>no</b>" not in page
    assert "Map index</th>" in page
    assert re.findall(r'<td class="right">(\d)</td>\s+<td class="wide">', page) == ["0", "1", "2"]
    assert (asked[1].run_id, asked[1].state) == ("run_1", None)
