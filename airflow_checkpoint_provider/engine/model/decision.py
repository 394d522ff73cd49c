"""What an attempt does at its start: start over, resume, or nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from airflow_checkpoint_provider.engine.model.checkpoint import (
    LOOP,
    MOMENT,
    NULL_KEYS,
    RESOLVED,
    SLICE,
    Attempt,
    Checkpoint,
)
from airflow_checkpoint_provider.engine.model.errors import SourceChangedError, StaleRunError
from airflow_checkpoint_provider.engine.model.known_columns import COLUMN_LIST
from airflow_checkpoint_provider.engine.model.masking import masked
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.model.task_state import MARKER, TaskState

_NOT_COMPARED = (COLUMN_LIST, LOOP, MARKER, MOMENT, NULL_KEYS, SLICE)
"""Parts of a fingerprint that an attempt adds, that are compared by themselves, or that may change for a retry."""

_OF_COLUMNS = frozenset(("query", "columns"))
"""Parts that differ when the columns of the source have changed."""


class Action(StrEnum):
    """The action of an attempt."""

    START = "start"
    RESUME = "resume"
    NEXT_RUN = "next_run"
    """A new run of a checkpoint that spans runs: go on from its mark, up to a new upper bound."""
    NOTHING = "nothing"


class Request(StrEnum):
    """A request to the next attempt, made in the UI, the shell or through the hook."""

    RELOAD = "reload"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Wishes:
    """
    The operator's arguments that the decision depends on.

    :param new_columns: why the columns of the source, or of the destination, are not those with which the load can go
        on, with the way out; empty where they are
    """

    on_clear: str = "reload"
    on_source_change: str = "fail"
    force_reload: bool = False
    spans_runs: bool = False
    new_columns: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """
    An action, and the reason for it.

    :param from_mark: start over at this run's starting point, not at the very beginning
    :param forced: ``force_reload`` is the reason; retries of the load that it started ignore the argument
    """

    action: Action
    reason: str
    from_mark: bool = False
    forced: bool = False


def decide(
    stored: Checkpoint | None,
    attempt: Attempt,
    wishes: Wishes,
    request: Request | None,
    fingerprint: dict[str, str],
) -> Decision:
    """
    Decide on the action of an attempt.

    :raises SourceChangedError: when resuming would go on with another query than the one that the load began with
    :raises StaleRunError: when a run that is not the newest was cleared, and the checkpoint spans runs
    """
    if stored is None:
        reason = "No checkpoint found: starting from the beginning"
        return Decision(Action.START, reason, forced=wishes.force_reload)
    new_run = stored.run_id != attempt.run_id or (wishes.spans_runs and _is_another_pass(stored, attempt))
    cleared = not new_run and was_cleared(stored, attempt)
    if wishes.force_reload and (new_run or cleared or not stored.forced):
        return Decision(Action.START, "force_reload is set: starting from the beginning", forced=True)
    if request is Request.RELOAD:
        reason = "A reload was requested: starting from the beginning"
        return Decision(Action.START, reason, forced=wishes.force_reload)
    if stored.restarting:
        again = Decision(
            Action.START,
            "The last attempt was about to start: starting",
            from_mark=stored.start.key is not None,
            forced=stored.forced,
        )
        return _with_same_columns(again, wishes)
    if stored.is_seeded:
        action = Action.NEXT_RUN if wishes.spans_runs else Action.RESUME
        return _resume(stored, wishes, fingerprint, action, _place_of(stored))
    if new_run:
        if wishes.spans_runs:
            _refuse_stale(stored, attempt)
        return _resume(stored, wishes, fingerprint, Action.NEXT_RUN, _place_of(stored))
    if request is Request.RESUME:
        return _resume(stored, wishes, fingerprint, Action.RESUME)
    if cleared and attempt.state is TaskState.KEPT:
        kept = _resume(stored, wishes, fingerprint, Action.RESUME)
        reason = "The task was cleared, and its task state kept: resuming"
        return replace(kept, reason=reason) if kept.action is Action.RESUME else kept
    if cleared and wishes.on_clear == "reload":
        again = Decision(
            Action.START,
            "The task was cleared: loading what this run loaded again"
            if wishes.spans_runs
            else "The task was cleared: starting from the beginning",
            from_mark=stored.start.key is not None,
            forced=wishes.force_reload,
        )
        return _with_same_columns(again, wishes)
    if stored.status is Status.COMPLETED and not cleared:
        return _resume(stored, wishes, fingerprint, Action.NOTHING)
    return _resume(stored, wishes, fingerprint, Action.RESUME)


def was_cleared(stored: Checkpoint, attempt: Attempt) -> bool:
    """
    Return whether an attempt follows a clear, and not an automatic retry.

    A clear sets ``max_tries`` to the tries used so far plus the task's ``retries``; a retry leaves it. After an edit
    of ``retries`` the sum may come out the same, but then the tries used (the difference) lie between the stored try
    and this one, and the run's ``clear_number`` has grown, too.

    A task that is cleared after its worker was lost keeps ``max_tries``, too: it differs from a retry only when it had
    no retries left. (A scheduler that restarts may also run it once more than that, but clears nothing.)

    Where the gate of a task loop was cleared, later passes are new task instances, in another region.

    A marker that was left in the task state store and is missing now was removed by a clear.
    """
    if attempt.state is TaskState.DISCARDED and MARKER in stored.fingerprint:
        return True
    if stored.iteration and attempt.iteration and stored.iteration.region != attempt.iteration.region:
        return True
    if attempt.max_tries != stored.max_tries:
        return True
    if attempt.clear_number <= stored.clear_number:
        return False
    used = attempt.max_tries - attempt.retries
    return attempt.try_number > attempt.max_tries + 1 or (
        used != stored.max_tries - stored.retries and stored.try_number <= used < attempt.try_number
    )


def _resume(
    stored: Checkpoint,
    wishes: Wishes,
    fingerprint: dict[str, str],
    action: Action,
    compared: tuple[str, ...] = (),
) -> Decision:
    parts = compared or tuple(
        part for part in {**fingerprint, **stored.fingerprint} if part not in _NOT_COMPARED
    )
    differing = [part for part in parts if _differs(part, stored.fingerprint, fingerprint)]
    if wishes.new_columns and action is not Action.NOTHING and _OF_COLUMNS.issuperset(differing):
        return _with_new_columns(wishes)
    if not differing:
        reasons = {
            Action.RESUME: "Resuming",
            Action.NEXT_RUN: "Going on from where the last run ended",
            Action.NOTHING: "The load was already completed: nothing to do",
        }
        seeded = stored.is_seeded and action is not Action.NOTHING
        return Decision(action, "Going on from the seeded position" if seeded else reasons[action])
    changes = "; ".join(
        f"{part} was {_short(stored.fingerprint.get(part))}, is {_short(fingerprint.get(part))}"
        for part in differing
    )
    if wishes.on_source_change == "reload":
        reason = f"The load has changed ({changes}): starting from the beginning"
        return Decision(Action.START, reason, forced=wishes.force_reload)
    raise SourceChangedError(
        f"The load is not the one that the checkpoint was made by: {changes}. Clear the task to load from the "
        "start, or set on_source_change='reload' to let it do so by itself."
    )


def _with_same_columns(decision: Decision, wishes: Wishes) -> Decision:
    """Return a decision to start over, which goes on from a mark only with the columns that it stands for."""
    return _with_new_columns(wishes) if decision.from_mark and wishes.new_columns else decision


def _with_new_columns(wishes: Wishes) -> Decision:
    if wishes.on_source_change == "reload":
        reason = f"{wishes.new_columns.partition('. ')[0]}: starting from the beginning"
        return Decision(Action.START, reason, forced=wishes.force_reload)
    raise SourceChangedError(
        f"{wishes.new_columns} Or clear the task to load from the start (with scope='task', set force_reload), or set "
        "on_source_change='reload' to let it do so by itself."
    )


def _differs(part: str, before: dict[str, str], now: dict[str, str]) -> bool:
    if part == RESOLVED and not (part in before and part in now):
        return False  # a table that did not exist then, or does not now, has no resolved name
    return before.get(part) != now.get(part)


def _place_of(stored: Checkpoint) -> tuple[str, ...]:
    """Return the parts of the fingerprint that give a position its meaning."""
    compared: tuple[str, ...] = ("source", "destination", "table", RESOLVED, "key")
    if stored.identity.map_index >= 0:
        # After an expansion in another order, this index would go on from the mark of another one.
        compared += ("query", "parameters")
    return compared


def _is_another_pass(stored: Checkpoint, attempt: Attempt) -> bool:
    """Return whether another pass of the task loop moved the checkpoint last."""
    return attempt.iteration is not None and (
        stored.iteration is None or stored.iteration.index != attempt.iteration.index
    )


def _refuse_stale(stored: Checkpoint, attempt: Attempt) -> None:
    cleared_before = attempt.max_tries - attempt.retries >= 1
    if stored.run_id == attempt.run_id and (now := attempt.iteration) and (newest := stored.iteration):
        if now.index < newest.index and cleared_before:
            raise StaleRunError(
                f"Iteration {now.index} of run {attempt.run_id} was cleared, but iteration {newest.index} is the "
                "newest of this checkpoint: going back behind it would load its rows again. Clear that one, or "
                "set force_reload to load everything from the beginning."
            )
        return
    older = stored.run_after and attempt.run_after and attempt.run_after < stored.run_after
    if older and cleared_before:
        raise StaleRunError(
            f"Run {attempt.run_id} was cleared, but {stored.run_id} is the newest run of this checkpoint: going "
            "back behind it would load its rows again. Clear the newest run, or set force_reload to load "
            "everything from the beginning."
        )


def _short(text: str | None) -> str:
    text = " ".join(masked(text or "nothing").split())  # first, because a cut password is not found
    return repr(text if len(text) <= 120 else f"{text[:117]}...")
