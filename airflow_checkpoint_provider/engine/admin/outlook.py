"""The progress of a load, and the action of its next attempt: in words, for the shell and the pages."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_checkpoint_provider.engine.admin.states import STALLED_AFTER
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Attempt, Checkpoint
from airflow_checkpoint_provider.engine.model.decision import Action, Decision, Request, Wishes, decide
from airflow_checkpoint_provider.engine.model.key import Unreadable
from airflow_checkpoint_provider.engine.model.position import describe_position, describe_range
from airflow_checkpoint_provider.engine.model.status import Status


def display_status(checkpoint: Checkpoint, now: datetime, stalled_after: timedelta = STALLED_AFTER) -> Status:
    """
    Return the status to show, which depends on the time.

    :param stalled_after: a running load that has committed nothing for longer is stalled
    """
    return Status.STALLED if is_stalled(checkpoint, now, stalled_after) else checkpoint.status


def is_stalled(checkpoint: Checkpoint, now: datetime, stalled_after: timedelta) -> bool:
    """Return whether a load that is stored as running has committed nothing for long."""
    return checkpoint.status is Status.RUNNING and now - checkpoint.committed_at > stalled_after


def outlook(checkpoint: Checkpoint | None, pending_request: Request | None, now: datetime) -> str:
    """
    Return the action of the next attempt in words, and the reason for it.

    The arguments of the task are not known here: an effect that depends on one names it.

    :param pending_request: the request not yet followed
    """
    if checkpoint is None:
        return "The next attempt starts from the beginning, because there is no checkpoint."
    wishes = Wishes(spans_runs=checkpoint.identity.run_id == ALL_RUNS)
    decision = decide(checkpoint, _retry_of(checkpoint), wishes, pending_request, checkpoint.fingerprint)
    if checkpoint.status is Status.RUNNING:
        since = (
            f"Attempt {checkpoint.try_number} was last active {duration(now - checkpoint.updated_at)} ago. "
        )
    else:
        since = ""
    return since + _next(checkpoint, decision, pending_request)


def duration(span: timedelta) -> str:
    """Return a span of time in words: ``12 s``, ``5 min``, ``3 h``, ``4 days``."""
    seconds = max(span.total_seconds(), 0)
    for unit, size, limit in (("s", 1, 120), ("min", 60, 120), ("h", 3600, 48)):
        if seconds < size * limit:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds // 86400:.0f} days"


def range_of(checkpoint: Checkpoint) -> str | None:
    """Return the keys that the load reads, in words; ``None`` without a key, or before there is an upper bound."""
    if not checkpoint.upper:
        return None
    return describe_range(checkpoint.key_columns, checkpoint.start, checkpoint.upper)


def where(checkpoint: Checkpoint) -> str:
    """Return the progress of a load in words, or that nothing is committed yet."""
    if checkpoint.position.key is None and not checkpoint.rows:
        return "nothing is committed yet"
    return f"{describe_position(checkpoint.key_columns, checkpoint.position)}, {checkpoint.rows:,} rows committed"


def _next(checkpoint: Checkpoint, decision: Decision, request: Request | None) -> str:
    if request is Request.RELOAD:
        return "The next attempt starts from the beginning, because a reload was requested."
    if decision.action is Action.START:
        beginning = "from where its run began" if decision.from_mark else "from the beginning"
        return f"The next attempt starts {beginning}, because this load has committed nothing yet."
    key = checkpoint.position.key
    if key and isinstance(key[0], Unreadable):
        return (
            f"The next attempt fails, because the position cannot be read ({where(checkpoint)}). Clear the task, or "
            "set force_reload, to load from the start."
        )
    if checkpoint.is_seeded:
        return f"The next attempt begins behind the seeded position ({where(checkpoint)})."
    spans_runs = checkpoint.identity.run_id == ALL_RUNS
    if request is Request.RESUME:
        why = "even if the task is cleared, because that was requested"
        return f"The next attempt resumes, {why} ({where(checkpoint)})."
    cleared = "Clearing the task loads again " + (
        f"what run {checkpoint.run_id} loaded" if spans_runs else "from the beginning"
    )
    cleared += "; with on_clear='resume' it goes on from here."
    if decision.action is Action.NOTHING:
        following = (
            f"The next run goes on from here ({where(checkpoint)}), because run {checkpoint.run_id} is complete."
            if spans_runs
            else f"An automatic retry has nothing to do, because the load is complete ({checkpoint.rows:,} rows)."
        )
        return f"{following} {cleared}"
    if checkpoint.status is Status.FAILED and checkpoint.try_number > checkpoint.max_tries:
        last = f"try {checkpoint.try_number} was the last one" if checkpoint.try_number > 1 else "it has none"
        following = "; the next run goes on from here" if spans_runs else ""
        return f"No retry is left, because {last}{following} ({where(checkpoint)}). {cleared}"
    why = "because it failed" if checkpoint.status is Status.FAILED else "because it is not complete"
    return f"An automatic retry resumes the load, {why} ({where(checkpoint)}). {cleared}"


def _retry_of(checkpoint: Checkpoint) -> Attempt:
    return Attempt(
        run_id=checkpoint.run_id,
        run_after=checkpoint.run_after,
        try_number=checkpoint.try_number + 1,
        max_tries=checkpoint.max_tries,
        retries=checkpoint.retries,
        clear_number=checkpoint.clear_number,
        owner="",
        iteration=checkpoint.iteration,
    )
