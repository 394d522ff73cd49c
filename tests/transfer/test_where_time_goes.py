"""Where the time of a load goes, sampled into its history."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.events import batch_times
from airflow_checkpoint_provider.engine.model.events.batch_times import BatchTimes
from airflow_checkpoint_provider.engine.store import checkpoint_store
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.numbers import numbers

DESTINATIONS = ("sqlite", "postgres", "mysql", "oracle")
WHICH = ("a_dag", "a_task", "run_1")


class Clock:
    """A clock that only the rows_processor moves."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def process(self, rows: Any) -> Any:
        self.now += 10 if [4] in [list(row) for row in rows] else 1
        return rows


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(batch_times, "time", clock)
    return clock


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    return numbers(make_db("sqlite", "source"), destination, declared="n integer", write_mode="replace")


def measured(hook: CheckpointHook) -> list[BatchTimes | None]:
    """Return the times of the samples, oldest first."""
    return [entry.times for entry in reversed(hook.history(*WHICH, kind="progress"))]


def test_samples_have_the_batches_so_far(
    hook: CheckpointHook, load: Load, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint_store, "SAMPLE_EVERY", 0.0)
    load.attempt(rows_processor=clock.process)
    *_, last = measured(hook)
    assert last
    assert last.batches == 3
    assert last.spent == (0.0, 12.0, 0.0, 0.0)
    assert (last.slowest, last.after, last.upto) == (10.0, "n = 3", "n = 7")


def test_a_short_load_leaves_no_sample(hook: CheckpointHook, load: Load) -> None:
    load.attempt()
    assert measured(hook) == []


def test_an_attempt_that_goes_on_is_measured_by_itself(
    hook: CheckpointHook, load: Load, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint_store, "SAMPLE_EVERY", 0.0)
    load.attempt_batches(1, rows_processor=clock.process)
    load.attempt(rows_processor=clock.process)
    last = measured(hook)[-1]
    assert last
    assert (last.batches, last.spent[1]) == (2, 11.0)
