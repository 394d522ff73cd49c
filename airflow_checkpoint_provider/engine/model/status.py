"""The states of a load: one word for each, in the metadata table, the hook, the shell and the view."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """
    The state of a load.

    The metadata table keeps the ``STORED`` ones; the others follow from the time, a request or Airflow's own record.
    """

    SEEDED = "seeded"
    """A position was set; no attempt has begun."""
    RUNNING = "running"
    FAILED = "failed"
    COMPLETED = "completed"

    STALLED = "stalled"
    """Stored as running, but without a commit for long."""
    INTERRUPTED = "interrupted"
    """Stored as running, but according to Airflow the attempt has ended."""
    STAGED = "staged"
    """Stored as completed, but its rows are still in the stage, which another task publishes."""
    WAITING = "waiting"
    """A partition whose task has not begun: there is no checkpoint yet."""
    UNREADABLE = "unreadable"
    """Its row cannot be read."""
    REQUESTED = "requested"
    """There is a request to the next attempt; such a load is in another state as well."""


STORED = (Status.SEEDED, Status.RUNNING, Status.FAILED, Status.COMPLETED)
"""The states that the metadata table keeps."""
FILTERS = (
    Status.RUNNING,
    Status.STALLED,
    Status.FAILED,
    Status.COMPLETED,
    Status.SEEDED,
    Status.REQUESTED,
)
"""The states to search checkpoints by, which SQL can decide; all but the last exclude each other."""
TROUBLED = (Status.FAILED, Status.INTERRUPTED, Status.STALLED)
"""The states that may need a person."""


def stored_status(text: str) -> Status:
    """
    Read the status of a row.

    :raises ValueError: when it is not a stored one
    """
    if text not in STORED:
        raise ValueError(f"{text!r} is not one of {', '.join(STORED)}")
    return Status(text)
