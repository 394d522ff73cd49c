"""The description of a load: its status, and the action of its next attempt."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from airflow_checkpoint_provider.engine.admin.outlook import display_status, duration, outlook
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.decision import Action, Request
from airflow_checkpoint_provider.engine.model.position import BEGINNING, Position
from airflow_checkpoint_provider.engine.model.status import Status
from tests.model.test_decisions import ABOUT_TO_START, CLEARED, DONE, NOW, RETRY, STORED, action

RUNNING = replace(STORED, status=Status.RUNNING, try_number=2)
SPANNING = replace(DONE, identity=Identity("d", "t", ALL_RUNS))
CLEARING = "Clearing the task loads again from the beginning; with on_clear='resume' it goes on from here."


@pytest.mark.parametrize(
    ("checkpoint", "request_", "expected"),
    [
        (None, None, "The next attempt starts from the beginning, because there is no checkpoint."),
        (
            STORED,
            None,
            f"An automatic retry resumes the load, because it failed (id = 5, 50 rows committed). {CLEARING}",
        ),
        (
            RUNNING,
            None,
            "Attempt 2 was last active 30 s ago. An automatic retry resumes the load, because it is not complete "
            f"(id = 5, 50 rows committed). {CLEARING}",
        ),
        (
            replace(STORED, position=BEGINNING, rows=0),
            None,
            f"An automatic retry resumes the load, because it failed (nothing is committed yet). {CLEARING}",
        ),
        (
            replace(STORED, try_number=4),
            None,
            f"No retry is left, because try 4 was the last one (id = 5, 50 rows committed). {CLEARING}",
        ),
        (
            replace(STORED, max_tries=0),
            None,
            f"No retry is left, because it has none (id = 5, 50 rows committed). {CLEARING}",
        ),
        (
            replace(SPANNING, status=Status.FAILED, try_number=4),
            None,
            "No retry is left, because try 4 was the last one; the next run goes on from here (id = 5, 50 rows "
            "committed). Clearing the task loads again what run r loaded; with on_clear='resume' it goes on from here.",
        ),
        (
            DONE,
            None,
            f"An automatic retry has nothing to do, because the load is complete (50 rows). {CLEARING}",
        ),
        (
            STORED,
            Request.RELOAD,
            "The next attempt starts from the beginning, because a reload was requested.",
        ),
        (
            DONE,
            Request.RESUME,
            "The next attempt resumes, even if the task is cleared, because that was requested "
            "(id = 5, 50 rows committed).",
        ),
        (
            ABOUT_TO_START,
            Request.RESUME,
            "The next attempt starts from the beginning, because this load has committed nothing yet.",
        ),
        (
            replace(ABOUT_TO_START, start=Position((3,))),
            None,
            "The next attempt starts from where its run began, because this load has committed nothing yet.",
        ),
        (
            SPANNING,
            None,
            "The next run goes on from here (id = 5, 50 rows committed), because run r is complete. Clearing the task "
            "loads again what run r loaded; with on_clear='resume' it goes on from here.",
        ),
    ],
)
def test_says_what_comes_next_and_why(
    checkpoint: Checkpoint | None, request_: Request | None, expected: str
) -> None:
    assert outlook(checkpoint, request_, NOW + timedelta(seconds=30)) == expected


@pytest.mark.parametrize("request_", [None, *Request])
@pytest.mark.parametrize("stored", [STORED, DONE, RUNNING, ABOUT_TO_START, replace(DONE, forced=True)])
def test_is_what_an_automatic_retry_then_decides(stored: Checkpoint, request_: Request | None) -> None:
    said = outlook(stored, request_, NOW)
    taken = action(stored, replace(RETRY, try_number=stored.try_number + 1), request_).action
    words = {Action.START: "starts", Action.RESUME: "resumes", Action.NOTHING: "nothing to do"}
    assert [what for what, word in words.items() if word in said.partition("Clearing")[0]] == [taken]


def test_what_it_says_of_a_clear_is_what_a_cleared_attempt_decides() -> None:
    assert CLEARING in outlook(STORED, None, NOW)
    assert action(STORED, CLEARED).action is Action.START
    assert action(STORED, CLEARED, on_clear="resume").action is Action.RESUME


@pytest.mark.parametrize(
    ("checkpoint", "minutes", "expected"),
    [(RUNNING, 10, "running"), (RUNNING, 10.1, "stalled"), (STORED, 99, "failed"), (DONE, 99, "completed")],
)
def test_status_at_a_glance(checkpoint: Checkpoint, minutes: float, expected: str) -> None:
    now = NOW + timedelta(minutes=minutes)
    assert display_status(checkpoint, now, timedelta(minutes=10)) == expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (172_800, "2 days"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text
