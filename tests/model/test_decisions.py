"""The decision at an attempt's start: every row of the design's table, and combinations of rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.checkpoint import (
    ALL_RUNS,
    RESOLVED,
    Attempt,
    Checkpoint,
    Identity,
    Iteration,
)
from airflow_checkpoint_provider.engine.model.decision import (
    Action,
    Decision,
    Request,
    Wishes,
    decide,
    was_cleared,
)
from airflow_checkpoint_provider.engine.model.errors import SourceChangedError, StaleRunError
from airflow_checkpoint_provider.engine.model.position import BEGINNING, Position
from airflow_checkpoint_provider.engine.model.status import STORED as STORED_STATUSES
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.model.task_state import TaskState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SAME = {"query": "SELECT 1", "parameters": "", "source": "a", "destination": "b", "table": "t", "key": "id"}
STORED = Checkpoint(
    identity=Identity("d", "t", "r"),
    status=Status.FAILED,
    strategy="key",
    key_columns=("id",),
    position=Position((5,), 50),
    start=BEGINNING,
    lower=(1,),
    upper=(9,),
    rows=50,
    batches=5,
    fence=1,
    restarting=False,
    forced=False,
    request_seen=0,
    run_id="r",
    run_after=NOW,
    try_number=1,
    max_tries=3,
    retries=3,
    clear_number=0,
    owner="w",
    fingerprint=SAME,
    source_conn_id="a",
    destination_conn_id="b",
    destination_table="t",
    created_at=NOW,
    started_at=NOW,
    updated_at=NOW,
    committed_at=NOW,
    completed_at=None,
    last_error=None,
)
RETRY = Attempt("r", NOW, try_number=2, max_tries=3, retries=3, clear_number=0, owner="w")
CLEARED = replace(RETRY, max_tries=4, clear_number=1)
NEXT = replace(RETRY, run_id="r2", run_after=NOW + timedelta(days=1), try_number=1)
DONE = replace(STORED, status=Status.COMPLETED)
ABOUT_TO_START = replace(STORED, restarting=True)


def action(
    stored: Checkpoint | None,
    attempt: Attempt = RETRY,
    request: Request | None = None,
    fingerprint: dict[str, str] = SAME,
    **wishes: Any,
) -> Decision:
    return decide(stored, attempt, Wishes(**wishes), request, fingerprint)


@pytest.mark.parametrize("attempt", [RETRY, CLEARED, NEXT])
@pytest.mark.parametrize("request_", [None, *Request])
def test_without_a_checkpoint_it_starts(attempt: Attempt, request_: Request | None) -> None:
    assert action(None, attempt, request_).action is Action.START


@pytest.mark.parametrize(
    ("stored", "attempt", "on_clear", "expected"),
    [
        (STORED, RETRY, "reload", Action.RESUME),
        (STORED, RETRY, "resume", Action.RESUME),
        (replace(STORED, status=Status.RUNNING), RETRY, "reload", Action.RESUME),
        (STORED, CLEARED, "reload", Action.START),
        (STORED, CLEARED, "resume", Action.RESUME),
        (DONE, RETRY, "reload", Action.NOTHING),
        (DONE, RETRY, "resume", Action.NOTHING),
        (DONE, CLEARED, "reload", Action.START),
        (DONE, CLEARED, "resume", Action.RESUME),
        (ABOUT_TO_START, RETRY, "reload", Action.START),
        (ABOUT_TO_START, RETRY, "resume", Action.START),
        (ABOUT_TO_START, CLEARED, "resume", Action.START),
    ],
)
def test_retry_and_clear(stored: Checkpoint, attempt: Attempt, on_clear: str, expected: Action) -> None:
    assert action(stored, attempt, on_clear=on_clear).action is expected


@pytest.mark.parametrize("stored", [STORED, DONE, ABOUT_TO_START])
@pytest.mark.parametrize("attempt", [RETRY, CLEARED])
@pytest.mark.parametrize("on_clear", ["reload", "resume"])
def test_requests_come_before_the_rest(stored: Checkpoint, attempt: Attempt, on_clear: str) -> None:
    assert action(stored, attempt, Request.RELOAD, on_clear=on_clear).action is Action.START
    # A load that was about to empty the table cannot be resumed.
    wanted = Action.START if stored.restarting else Action.RESUME
    assert action(stored, attempt, Request.RESUME, on_clear=on_clear).action is wanted


@pytest.mark.parametrize("request_", [None, *Request])
@pytest.mark.parametrize("stored", [STORED, DONE, ABOUT_TO_START])
def test_force_reload_comes_first_and_once(stored: Checkpoint, request_: Request | None) -> None:
    forced = action(stored, RETRY, request_, force_reload=True)
    assert (forced.action, forced.forced) == (Action.START, True)
    again = replace(stored, forced=True, restarting=False, status=Status.FAILED)
    assert action(again, RETRY, force_reload=True).action is Action.RESUME
    assert action(replace(again, status=Status.COMPLETED), RETRY, force_reload=True).action is Action.NOTHING
    assert action(again, CLEARED, force_reload=True, on_clear="resume").action is Action.START


@pytest.mark.parametrize(
    ("request_", "attempt", "fingerprint"),
    [(Request.RELOAD, RETRY, SAME), (None, RETRY, {**SAME, "query": "SELECT 2"}), (None, CLEARED, SAME)],
)
def test_force_reload_is_served_by_any_start(
    request_: Request | None, attempt: Attempt, fingerprint: dict[str, str]
) -> None:
    stored = replace(STORED, forced=True)
    started = action(stored, attempt, request_, fingerprint, force_reload=True, on_source_change="reload")
    assert (started.action, started.forced) == (Action.START, True)


@pytest.mark.parametrize("part", SAME)
@pytest.mark.parametrize("stored", [STORED, DONE])
def test_a_changed_load_is_refused_or_starts(part: str, stored: Checkpoint) -> None:
    changed = {**SAME, part: "something else"}
    with pytest.raises(SourceChangedError, match=rf"{part} was .*, is 'something else'.*on_source_change"):
        action(stored, fingerprint=changed)
    assert action(stored, fingerprint=changed, on_source_change="reload").action is Action.START
    assert action(stored, CLEARED, fingerprint=changed).action is Action.START
    assert action(stored, request=Request.RELOAD, fingerprint=changed).action is Action.START
    assert action(stored, fingerprint=changed, force_reload=True).action is Action.START
    with pytest.raises(SourceChangedError):
        action(stored, request=Request.RESUME, fingerprint=changed)


@pytest.mark.parametrize(
    ("stored", "attempt", "cleared"),
    [
        # (try, max_tries, retries, clear_number) of the stored checkpoint, and of the attempt
        ((1, 3, 3, 0), (2, 3, 3, 0), False),
        ((1, 3, 3, 0), (2, 4, 3, 1), True),
        ((4, 3, 3, 0), (5, 7, 3, 1), True),
        # something else in the run was cleared
        ((1, 3, 3, 0), (2, 3, 3, 1), False),
        # retries=0: every clear moves max_tries
        ((1, 0, 0, 0), (2, 1, 0, 1), True),
        ((2, 1, 0, 1), (3, 2, 0, 2), True),
        # cleared after its worker was lost: max_tries stays, and no retry could be the second try
        ((1, 0, 0, 0), (2, 0, 0, 1), True),
        ((4, 3, 3, 0), (5, 3, 3, 1), True),
        # run again by a scheduler that restarted
        ((1, 0, 0, 0), (2, 0, 0, 0), False),
        # retries edited, then retried: max_tries stays
        ((1, 3, 3, 0), (2, 3, 1, 0), False),
        ((1, 3, 3, 0), (2, 3, 1, 1), False),
        ((1, 3, 3, 0), (2, 3, 5, 1), False),
        # retries edited from 3 to 2, then cleared after one try: max_tries comes out the same
        ((1, 3, 3, 0), (2, 3, 2, 1), True),
        ((2, 3, 3, 0), (3, 3, 1, 1), True),
        # retries edited, then cleared
        ((1, 3, 3, 0), (2, 2, 1, 1), True),
        ((1, 3, 3, 0), (2, 6, 5, 1), True),
    ],
)
def test_telling_a_clear_from_a_retry(
    stored: tuple[int, ...], attempt: tuple[int, ...], cleared: bool
) -> None:
    names = ("try_number", "max_tries", "retries", "clear_number")
    before = replace(STORED, **dict(zip(names, stored, strict=True)))
    after = replace(RETRY, **dict(zip(names, attempt, strict=True)))
    assert was_cleared(before, after) is cleared


# Each with max_tries as evidence, for a load with a marker and for one without.
@pytest.mark.parametrize(
    ("state", "of_max_tries", "marked", "cleared"),
    [
        (TaskState.DISCARDED, RETRY, True, True),
        (TaskState.DISCARDED, RETRY, False, False),
        (TaskState.DISCARDED, CLEARED, True, True),
        (TaskState.DISCARDED, CLEARED, False, True),
        *(
            (state, RETRY, marked, False)
            for state in TaskState
            if state != "discarded"
            for marked in (True, False)
        ),
        *(
            (state, CLEARED, marked, True)
            for state in TaskState
            if state != "discarded"
            for marked in (True, False)
        ),
    ],
)
def test_telling_a_clear_by_the_task_state(
    state: TaskState, of_max_tries: Attempt, marked: bool, cleared: bool
) -> None:
    stored = replace(STORED, fingerprint=replace(RETRY, has_marker=marked).marked(SAME))
    assert was_cleared(stored, replace(of_max_tries, state=state)) is cleared


@pytest.mark.parametrize("stored", [STORED, DONE])
def test_a_clear_that_keeps_the_task_state_resumes(stored: Checkpoint) -> None:
    kept = replace(CLEARED, state=TaskState.KEPT)
    assert action(stored, kept) == Decision(
        Action.RESUME, "The task was cleared, and its task state kept: resuming"
    )
    # A request of the same moment, or of the task, stands.
    assert action(stored, kept, Request.RELOAD).action is Action.START
    assert action(stored, kept, force_reload=True).action is Action.START
    assert action(replace(stored, restarting=True), kept).action is Action.START
    with pytest.raises(SourceChangedError):
        action(stored, kept, fingerprint={**SAME, "query": "SELECT 2"})
    changed = action(stored, kept, fingerprint={**SAME, "query": "SELECT 2"}, on_source_change="reload")
    assert (changed.action, changed.reason[:20]) == (Action.START, "The load has changed")


def test_a_marker_is_no_part_of_the_load() -> None:
    marked = replace(RETRY, has_marker=True).marked(SAME)
    assert action(replace(STORED, fingerprint=marked)).action is Action.RESUME
    assert action(STORED, fingerprint=marked).action is Action.RESUME


def test_a_discarded_task_state_is_that_of_one_run() -> None:
    marked = replace(MARK, fingerprint=replace(RETRY, has_marker=True).marked(SAME))
    following = replace(NEXT, state=TaskState.DISCARDED)
    assert action(marked, following, spans_runs=True).action is Action.NEXT_RUN
    again = action(marked, replace(RETRY, state=TaskState.DISCARDED), spans_runs=True)
    assert (again.action, again.from_mark) == (Action.START, True)


MARK = replace(
    STORED,
    identity=Identity("d", "t", ALL_RUNS),
    status=Status.COMPLETED,
    start=Position((3,)),
)


@pytest.mark.parametrize("status", STORED_STATUSES)
def test_a_new_run_goes_on_from_the_mark(status: Status) -> None:
    stored = replace(MARK, status=status)
    assert action(stored, NEXT, spans_runs=True).action is Action.NEXT_RUN
    assert action(stored, NEXT, Request.RESUME, spans_runs=True).action is Action.NEXT_RUN
    assert action(stored, NEXT, spans_runs=True, force_reload=True).action is Action.START
    assert action(stored, NEXT, Request.RELOAD, spans_runs=True).from_mark is False


def test_clearing_the_newest_run_goes_back_to_its_mark() -> None:
    cleared = action(MARK, CLEARED, spans_runs=True)
    assert (cleared.action, cleared.from_mark) == (Action.START, True)
    # The first run has no earlier mark: it starts from the beginning.
    first = action(replace(MARK, start=BEGINNING), CLEARED, spans_runs=True)
    assert (first.action, first.from_mark) == (Action.START, False)
    assert action(MARK, CLEARED, spans_runs=True, on_clear="resume").action is Action.RESUME


def test_clearing_an_older_run_is_refused() -> None:
    older = replace(CLEARED, run_id="r0", run_after=NOW - timedelta(days=1))
    with pytest.raises(StaleRunError, match="r0 was cleared, but r is the newest"):
        action(MARK, older, spans_runs=True)
    assert action(MARK, older, spans_runs=True, force_reload=True).action is Action.START
    # A backfill's first try is not a clear.
    first_try = replace(older, try_number=1, max_tries=3, clear_number=0)
    assert action(MARK, first_try, spans_runs=True).action is Action.NEXT_RUN


def test_the_next_run_may_have_another_query_but_not_another_key() -> None:
    assert action(MARK, NEXT, fingerprint={**SAME, "query": "x"}, spans_runs=True).action is Action.NEXT_RUN
    for part in ("source", "destination", "table", "key"):
        with pytest.raises(SourceChangedError):
            action(MARK, NEXT, fingerprint={**SAME, part: "x"}, spans_runs=True)


def test_a_name_that_means_another_table_is_no_place_to_go_on() -> None:
    marked = replace(MARK, fingerprint={**SAME, RESOLVED: "dwh.t"})
    elsewhere = {**SAME, RESOLVED: "public.t"}
    for spans_runs, attempt in ((True, NEXT), (False, replace(NEXT, run_id=MARK.run_id))):
        with pytest.raises(SourceChangedError, match="destination table was 'dwh.t', is 'public.t'"):
            action(marked, attempt, fingerprint=elsewhere, spans_runs=spans_runs)
    assert action(marked, NEXT, fingerprint=SAME, spans_runs=True).action is Action.NEXT_RUN
    assert action(MARK, NEXT, fingerprint=elsewhere, spans_runs=True).action is Action.NEXT_RUN


@pytest.mark.parametrize("part", ["query", "parameters"])
def test_a_mapped_index_does_not_go_on_from_the_mark_of_another(part: str) -> None:
    mapped = replace(MARK, identity=Identity("d", "t", ALL_RUNS, 2))
    assert action(mapped, NEXT, spans_runs=True).action is Action.NEXT_RUN
    with pytest.raises(SourceChangedError, match=f"{part} was"):
        action(mapped, NEXT, fingerprint={**SAME, part: "x"}, spans_runs=True)


def test_an_interrupted_start_from_a_mark_starts_there_again() -> None:
    decision = action(replace(MARK, restarting=True), RETRY, spans_runs=True)
    assert (decision.action, decision.from_mark) == (Action.START, True)


IN_LOOP = replace(RETRY, iteration=Iteration(1, "a"))
BY_LOOP = replace(STORED, fingerprint=IN_LOOP.marked(SAME))
ALL_PASSES = replace(BY_LOOP, identity=Identity("d", "t", ALL_RUNS), start=Position((2,)))


def decide_in_loop(stored: Checkpoint | None, attempt: Attempt, **wishes: Any) -> Decision:
    return decide(stored, attempt, Wishes(**wishes), None, attempt.marked(SAME))


def test_a_retry_of_a_pass_of_a_loop_resumes() -> None:
    assert decide_in_loop(BY_LOOP, IN_LOOP).action is Action.RESUME
    assert decide_in_loop(replace(BY_LOOP, status=Status.COMPLETED), IN_LOOP).action is Action.NOTHING


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED])
def test_a_pass_in_another_region_was_cleared(status: Status) -> None:
    again = replace(IN_LOOP, try_number=1, clear_number=1, iteration=Iteration(1, "b"))
    stored = replace(BY_LOOP, status=status)
    assert decide_in_loop(stored, again) == Decision(
        Action.START, "The task was cleared: starting from the beginning"
    )
    assert decide_in_loop(stored, again, on_clear="resume").action is Action.RESUME


def test_the_next_pass_goes_on_from_a_mark_that_passes_share() -> None:
    following = replace(IN_LOOP, try_number=1, iteration=Iteration(2, "a"))
    assert decide_in_loop(ALL_PASSES, following, spans_runs=True).action is Action.NEXT_RUN
    assert decide_in_loop(ALL_PASSES, IN_LOOP, spans_runs=True).action is Action.RESUME
    into_a_loop = replace(ALL_PASSES, fingerprint=SAME)
    assert decide_in_loop(into_a_loop, following, spans_runs=True).action is Action.NEXT_RUN


def test_a_pass_that_is_not_the_newest_is_not_cleared() -> None:
    cleared = replace(CLEARED, iteration=Iteration(0, "a"))
    with pytest.raises(
        StaleRunError, match=r"Iteration 0 of run r was cleared, but iteration 1 is the newest"
    ):
        decide_in_loop(ALL_PASSES, cleared, spans_runs=True)
    # After a clear of the gate, the iteration is a new task instance, and loads the new rows.
    new = replace(IN_LOOP, try_number=1, clear_number=1, iteration=Iteration(0, "b"))
    assert decide_in_loop(ALL_PASSES, new, spans_runs=True).action is Action.NEXT_RUN


def test_the_newest_pass_that_was_cleared_loads_its_rows_again() -> None:
    cleared = replace(CLEARED, iteration=Iteration(1, "a"))
    decision = decide_in_loop(ALL_PASSES, cleared, spans_runs=True)
    assert (decision.action, decision.from_mark) == (Action.START, True)
