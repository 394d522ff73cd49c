"""Where a load stands and what its next attempt will do, in words."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_checkpoint_provider.engine.checkpoint import Checkpoint, Status
from airflow_checkpoint_provider.engine.decision import Request
from airflow_checkpoint_provider.engine.result import place

STALLED = "stalled"
STALLED_AFTER = timedelta(minutes=5)
"""A running load that has committed nothing for so long has stalled."""

_CLEARING = "Clearing the task starts over, unless its on_clear is 'resume'."


def display_status(
    checkpoint: Checkpoint, pending_request: Request | None, now: datetime, stalled_after: timedelta
) -> str:
    """Return ``running``, ``stalled``, ``failed``, ``completed``, or ``reload requested``."""
    if is_stalled(checkpoint, now, stalled_after):
        return STALLED
    if pending_request and checkpoint.status is not Status.RUNNING:
        return f"{pending_request} requested"
    return checkpoint.status.value


def is_stalled(checkpoint: Checkpoint, now: datetime, stalled_after: timedelta) -> bool:
    """Tell whether a load that says it is running has committed nothing for long."""
    return checkpoint.status is Status.RUNNING and now - checkpoint.updated_at > stalled_after


def outlook(checkpoint: Checkpoint, pending_request: Request | None, now: datetime) -> str:
    """Say what the next attempt will do, and why."""
    here = (
        f"after {place(checkpoint.key_columns, checkpoint.position)}, with {checkpoint.rows:,} rows committed"
    )
    if not checkpoint.batches:
        here = "at the beginning, as nothing is committed yet"
    if pending_request is Request.RELOAD:
        return "The next attempt loads from the beginning, because a reload was requested."
    if pending_request is Request.RESUME:
        return f"The next attempt goes on {here}, even after a clear, because that was requested."
    if checkpoint.restarting and checkpoint.status is not Status.RUNNING:
        return "The next attempt loads from the beginning: the last one was about to."
    if checkpoint.status is Status.COMPLETED:
        return "The load is complete. A retry has nothing to do; clearing the task loads it again."
    if checkpoint.status is Status.FAILED:
        return f"A retry goes on {here}. {_CLEARING}"
    return f"If this attempt ends early, a retry goes on {here}. {_CLEARING}"
