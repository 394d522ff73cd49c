"""Pages of mapped loads: the newest instance stands for all of its run, whatever the order and however many there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.admin.mapped_loads import _share
from airflow_checkpoint_provider.engine.admin.repository import CheckpointRepository
from airflow_checkpoint_provider.engine.admin.search import Search
from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.checkpoint import DEFAULT_TABLE
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.admin.test_search import row
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb

DESTINATIONS = ("sqlite", "postgres", "mysql", "oracle")
RUNS, INSTANCES = 7, 40
ORDERS = ("-committed_at", "committed_at", "dag_id", "-dag_id", "run_id", "rows_written", "-rows_written")


def instances() -> Iterator[dict[str, Any]]:
    """Of each run, the instances in the order in which they have committed, the last one last."""
    for run in range(RUNS):
        for index in range(INSTANCES):
            place = (index * 7 + run) % INSTANCES
            yield {
                "dag_id": f"dag_{run % 3}", "run_id": f"run_{run}", "current_run_id": f"run_{run}",
                "map_index": place, "seconds": 1000 + 10 * run + INSTANCES - index,
                "rows_written": (run * 31 + place * 17) % 101, "status": "failed" if place % 9 == run else "completed",
            }  # fmt: skip


@pytest.fixture
def filled(hook: CheckpointHook, destination: Db) -> CheckpointHook:
    hook.create_tables()
    destination.insert(DEFAULT_TABLE, [row(0, **one) for one in instances()])
    return hook


def expected(order_by: str, state: str | None) -> list[tuple[str, int]]:
    """Return the run and the map index of what stands for each run, in order."""
    matching = [one for one in instances() if state in (None, one["status"])]
    newest = [
        min(some, key=lambda one: one["seconds"]) for _, some in groupby(matching, lambda one: one["run_id"])
    ]
    name = order_by.removeprefix("-")

    def key(one: dict[str, Any]) -> tuple[Any, ...]:
        first = -one["seconds"] if name == "committed_at" else one[name]
        return first, one["dag_id"], one["run_id"]

    newest.sort(key=key, reverse=order_by.startswith("-"))
    return [(one["run_id"], one["map_index"]) for one in newest]


@pytest.mark.parametrize("state", [None, "failed"])
def test_the_newest_stands_for_each_run_on_each_page(filled: CheckpointHook, state: str | None) -> None:
    for order_by in ORDERS:
        found: list[tuple[str, int]] = []
        more = True
        while more:
            search = Search(by_load=True, state=Status(state) if state else None)
            page = filled.find(search, limit=2, offset=len(found), order_by=order_by)
            found += [(one.checkpoint.run_id, one.checkpoint.identity.map_index) for one in page.rows]
            more = page.more
        assert found == expected(order_by, state), order_by


def test_all_instances_are_counted_and_some_are_read(
    filled: CheckpointHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_checkpoint_provider.engine.admin.mapped_loads.PARTS_READ", 35)
    found = filled.find(Search(by_load=True))
    assert len(found.loads) == RUNS
    assert len(found.parts) == 5 * RUNS
    for run, totals in found.loads.items():
        theirs = [one for one in instances() if one["run_id"] == run[2]]
        assert totals.count == INSTANCES
        assert totals.rows == sum(one["rows_written"] for one in theirs)
        failed = sorted(one["map_index"] for one in theirs if one["status"] == "failed")
        assert totals.by_status["failed"] == len(failed)
        read = [one.checkpoint for one in found.parts if one.checkpoint.run_id == run[2]]
        # Those that have failed are among those that are read.
        assert [one.identity.map_index for one in read if one.status is Status.FAILED] == failed[:5]


@pytest.mark.parametrize(
    ("counts", "share"), [([5, 900], 995), ([500, 600], 500), ([2, 998, 2000], 499), ([3000], 1000)]
)
def test_what_small_loads_leave_is_shared_by_large_ones(counts: list[int], share: int) -> None:
    assert _share(counts, 1000) == share
    assert _share([9] * 2000, 1000) == 1


@pytest.mark.parametrize("order_by", ["-committed_at", "committed_at", "dag_id", "rows_written"])
def test_twice_the_instances_take_about_twice_the_work(make_db: MakeDb, order_by: str) -> None:
    taken: list[int] = []
    for number in (200, 400):
        db = make_db("sqlite", f"of_{number}")
        CheckpointRepository(db.database("x"), DEFAULT_TABLE).create()
        rows = [
            row(0, 10_000 - index, dag_id="a", run_id=f"run_{run}", map_index=index)
            for run in range(20)
            for index in range(number)
        ]
        db.insert(DEFAULT_TABLE, rows)
        steps = [0]

        def step(steps: list[int] = steps) -> None:
            steps[0] += 1

        def connect(place: str = db.place, step: Any = step) -> Any:
            connection = sqlite3.connect(place)
            connection.set_progress_handler(step, 1_000)
            return connection

        found = CheckpointRepository(Database("x", connect), DEFAULT_TABLE).find(
            Search(by_load=True), limit=50, offset=0, order_by=order_by
        )
        assert len(found.rows) == 20
        taken.append(steps[0])
    few, many = taken
    assert many < 3 * few, taken
