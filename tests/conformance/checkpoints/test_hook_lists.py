"""Lists of checkpoints, and old ones deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.numbers import numbers

WHICH = ("a_dag", "a_task", "run_1")


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    return numbers(make_db("sqlite", "source"), destination, declared="n integer", write_mode="replace")


@pytest.fixture
def many(hook: CheckpointHook, load: Load) -> CheckpointHook:
    """Runs 1 to 4 are completed, 5 and 6 failed; the history and the checkpoint of run 1 and 5 are old."""
    for run in range(1, 7):
        if run < 5:
            load.attempt()
        else:
            load.attempt_batches(1)
        load.next_run()
    load.destination.execute(
        "UPDATE airflow_checkpoint SET updated_at = '2020-01-01 00:00:00.000000', committed_at = '2020-01-01 00:00:00.000000' WHERE run_id IN ('run_1', 'run_5')"
    )
    return hook


def runs(hook: CheckpointHook, **where: Any) -> list[str]:
    return [checkpoint.identity.run_id[-1] for checkpoint in hook.list(**where)]


def test_list_orders_filters_and_pages(many: CheckpointHook) -> None:
    assert runs(many, order_by="run_id") == ["1", "2", "3", "4", "5", "6"]
    assert runs(many, order_by="-run_id", limit=2) == ["6", "5"]
    assert runs(many, order_by="-run_id", limit=2, offset=2) == ["4", "3"]
    assert runs(many, order_by="run_id", limit=None, offset=4) == ["5", "6"]
    assert runs(many)[-2:] == ["5", "1"]
    assert runs(many, status="failed", order_by="run_id") == ["5", "6"]
    assert runs(many, status=["failed", "completed"], run_id=["run_2", "run_5"], order_by="run_id") == [
        "2",
        "5",
    ]
    assert runs(many, dag_id="a_dag", map_index=-1, strategy="key", destination_table="target", limit=1)
    assert runs(many, updated_before=datetime(2021, 1, 1, tzinfo=UTC), status="failed") == ["5"]
    assert runs(many, dag_id="other") == []
    assert runs(many, status=[]) == []
    # Equal values, in pages: none twice, none missing.
    pages = [runs(many, order_by="rows_written", limit=1, offset=n) for n in range(6)]
    assert sorted(chain(*pages)) == ["1", "2", "3", "4", "5", "6"]


def test_a_group_is_in_front_of_its_tasks(many: CheckpointHook, load: Load) -> None:
    for run, task in (
        ("1", "erp.sales"),
        ("2", "erp.hr.staff"),
        ("3", "erp_2.sales"),
        ("4", "ERP.sales"),
        ("5", "erp"),
    ):
        load.destination.execute(
            f"UPDATE airflow_checkpoint SET task_id = '{task}' WHERE run_id = 'run_{run}'"
        )
    # Whether LIKE minds capital letters is not known of a database of which nothing is known.
    capitals = ["4"] if load.destination.kind == "unknown" else []
    assert runs(many, group="erp", order_by="run_id") == ["1", "2", *capitals]
    assert runs(many, group="erp.hr") == ["2"]
    assert runs(many, group="e%") == []


@pytest.mark.parametrize(
    "where", [{"order_by": "owner; DROP TABLE x"}, {"order_by": "--run_id"}, {"fence": 1}]
)
def test_list_refuses_what_it_does_not_know(many: CheckpointHook, where: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=rf"{next(iter(where))}: .*dag_id"):
        many.list(**where)


def test_a_state_is_the_one_that_is_shown(many: CheckpointHook, load: Load) -> None:
    load.destination.execute(
        "UPDATE airflow_checkpoint SET status = 'running' WHERE run_id IN ('run_1', 'run_2')"
    )
    many.request_resume("a_dag", "a_task", "run_6")
    assert runs(many, order_by="run_id", status="running") == ["1", "2"]
    assert runs(many, order_by="run_id", state="running") == ["2"]
    assert runs(many, order_by="run_id", state="stalled") == ["1"]
    assert runs(many, order_by="run_id", state=["stalled", "failed"]) == ["1", "5", "6"]
    assert runs(many, order_by="run_id", state="requested") == ["6"]
    assert runs(many, order_by="run_id", state=["requested", "running"], task_id="a_task") == ["2", "6"]
    assert runs(many, state="seeded") == runs(many, state=[]) == []


@pytest.mark.parametrize(
    "where", [{"status": "stalled"}, {"status": ["done"]}, {"state": "done"}, {"state": 1}]
)
def test_list_refuses_words_that_are_no_states(many: CheckpointHook, where: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=rf"{next(iter(where))}: .* is not one of .*running, .*completed"):
        many.list(**where)


@pytest.mark.parametrize(
    ("status", "left"),
    [("completed", "23456"), ("failed", "12346"), (("completed", "failed"), "2346"), ("running", "123456")],
)
def test_purge(many: CheckpointHook, status: Any, left: str) -> None:
    expected = 6 - len(left)
    assert many.purge(timedelta(days=1), status, dry_run=True) == expected
    assert len(many.list()) == 6
    assert many.purge(timedelta(days=1), status) == expected
    assert "".join(runs(many, order_by="run_id")) == left
    for run in range(1, 7):
        assert bool(many.history("a_dag", "a_task", f"run_{run}")) is (str(run) in left)
    with pytest.raises(
        ArgumentError, match="status: 'done' is not one of seeded, running, failed, completed"
    ):
        many.purge(timedelta(days=1), "done")
