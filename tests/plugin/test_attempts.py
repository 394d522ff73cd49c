"""The attempts that a history tells of."""

from __future__ import annotations

from typing import Any

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry
from airflow_checkpoint_provider.plugin.display.attempts import attempts
from tests.support.plugin_events import after, checkpoint, told


def summary(
    events: list[HistoryEntry], now: Checkpoint | None = None, *, over: bool = True
) -> list[tuple[Any, ...]]:
    return [
        (found.try_number, found.rows_before, found.rows_after, found.rows, found.ended)
        for found in attempts(events, now, over=over)
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
    first, second = attempts(events, None, over=True)
    assert (first.error, second.error) == ("it broke", "")
    assert (first.began_at, first.heard_of_at) == (after(0), after(7))


def test_a_killed_attempt_is_lost_and_its_rows_are_known_from_the_next() -> None:
    events = told(("started", 0, 0, 1), ("resumed", 9, 250, 2), ("completed", 12, 1000, 2))
    assert summary(events) == [(1, 0, 250, 250, "lost"), (2, 250, 1000, 750, "completed")]


def test_a_start_over_begins_with_no_rows() -> None:
    events = told(("started", 0, 0, 1), ("completed", 9, 1000, 1), ("started", 60, 1000, 2))
    assert summary(events)[-1] == (2, 0, 0, 0, "lost")


def test_an_attempt_that_changes_its_mind_is_one() -> None:
    events = told(("resumed", 0, 50, 2), ("started", 1, 50, 2), ("completed", 5, 100, 2))
    assert summary(events) == [(2, 0, 100, 100, "completed")]


def test_the_running_attempt_has_the_checkpoints_rows() -> None:
    events = told(("started", 0, 0, 1), ("progress", 5, 300, 1))
    assert summary(events, checkpoint(rows=500), over=False) == [(1, 0, 500, 500, "running")]
    assert summary(events, checkpoint(rows=500), over=True) == [(1, 0, 500, 500, "lost")]
    assert summary(events, checkpoint(rows=9, restarting=True), over=False) == [(1, 0, 300, 300, "lost")]


def test_requests_belong_to_no_attempt() -> None:
    assert summary(told(("reload_requested", 0, None, None, "ada"), ("deleted", 2, None, None, "ada"))) == []
