"""The attempts in a history."""

from __future__ import annotations

from typing import Any

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry
from airflow_checkpoint_provider.plugin.display.attempts import attempts, working_time
from tests.support.plugin_events import after, checkpoint, told


def summary(
    events: list[HistoryEntry], now: Checkpoint | None = None, at_work: Status | None = None
) -> list[tuple[Any, ...]]:
    return [
        (found.try_number, found.rows_before, found.rows_after, found.rows, found.ended)
        for found in attempts(events, now, at_work, after(99))
    ]


def test_a_failure_and_a_resume() -> None:
    events = told(
        ("started", 0, 0, 1),
        ("progress", 5, 300, 1),
        ("failed", 7, 400, 1, "host pid 1", "it broke"),
        ("resumed", 20, 400, 2),
        ("completed", 30, 1000, 2),
    )
    assert summary(events) == [(1, 0, 400, 400, "failed"), (2, 400, 1000, 600, "completed")]
    first, second = attempts(events, None, None, after(99))
    assert (first.error, second.error) == ("it broke", "")
    assert (first.began_at, first.heard_of_at) == (after(0), after(7))


def test_a_killed_attempt_is_interrupted_and_its_rows_are_known_from_the_next() -> None:
    events = told(("started", 0, 0, 1), ("resumed", 9, 250, 2), ("completed", 12, 1000, 2))
    assert summary(events) == [(1, 0, 250, 250, "interrupted"), (2, 250, 1000, 750, "completed")]


def test_a_start_over_begins_with_no_rows() -> None:
    events = told(("started", 0, 0, 1), ("completed", 9, 1000, 1), ("started", 60, 1000, 2))
    assert summary(events)[-1] == (2, 0, 0, 0, "interrupted")


def test_an_attempt_that_changes_its_mind_is_one() -> None:
    events = told(("resumed", 0, 50, 2), ("started", 1, 50, 2), ("completed", 5, 100, 2))
    assert summary(events) == [(2, 0, 100, 100, "completed")]


def test_the_running_attempt_has_the_checkpoints_rows() -> None:
    events = told(("started", 0, 0, 1), ("progress", 5, 300, 1))
    assert summary(events, checkpoint(rows=500), Status.RUNNING) == [(1, 0, 500, 500, "running")]
    assert summary(events, checkpoint(rows=500)) == [(1, 0, 500, 500, "interrupted")]
    assert summary(events, checkpoint(rows=9, restarting=True), Status.RUNNING) == [
        (1, 0, 300, 300, "interrupted")
    ]


def test_a_standstill_has_the_same_word_as_the_load() -> None:
    (attempt,) = attempts(told(("started", 0, 0, 1)), checkpoint(rows=500), Status.STALLED, after(400))
    assert (attempt.ended, attempt.took, attempt.rate) == ("stalled", 400, 500 / 400)


def test_a_killed_attempt_lasted_to_its_last_sign_of_life_at_least() -> None:
    events = told(
        ("started", 0, 0, 1),
        ("opened", 3, 0, 1),
        ("resumed", 600, 250, 2),
        ("progress", 605, 300, 2),
        ("key_building", 610, 300, 2),
        ("resumed", 900, 400, 3),
        ("resumed", 990, 400, 4),
        ("completed", 1000, 1000, 4),
    )
    found = attempts(events, None, None, after(2000))
    assert [attempt.took for attempt in found] == [3, 10, None, 10]
    assert working_time(found) == 23
    over = attempts(events[:1], checkpoint(updated_at=after(10)), None, after(2000))
    assert [(attempt.took, attempt.ended) for attempt in over] == [(10, "interrupted")]


def test_time_at_work_is_that_of_the_last_load() -> None:
    events = told(
        ("started", 0, 0, 1),
        ("completed", 50, 9, 1),
        ("started", 100, 9, 2),
        ("failed", 107, 5, 2),
        ("resumed", 200, 5, 3),
    )
    found = attempts(events, checkpoint(), Status.RUNNING, after(230))
    assert working_time(found) == 37


def test_requests_belong_to_no_attempt() -> None:
    assert summary(told(("reload_requested", 0, None, None, "ada"), ("deleted", 2, None, None, "ada"))) == []
