"""The states of a load: one word for each, in the metadata table, the hook, the shell and the view."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """
    The state of a load.

    The metadata table keeps the ``STORED`` ones; the others are seen with the time, a request or Airflow's own
    record in mind.
    """

    SEEDED = "seeded"
    """Somebody has set a position; no attempt has begun."""
    RUNNING = "running"
    FAILED = "failed"
    COMPLETED = "completed"

    STALLED = "stalled"
    """Stored as running, but nothing is committed for long."""
    INTERRUPTED = "interrupted"
    """Stored as running, but Airflow knows that the attempt is over."""
    STAGED = "staged"
    """Stored as completed, but its rows are still in the stage, which another task publishes."""
    WAITING = "waiting"
    """A part of a table whose task has not begun: there is no checkpoint yet."""
    UNREADABLE = "unreadable"
    """Its row cannot be read."""
    REQUESTED = "requested"
    """The next attempt was asked to do something; such a load is in another state besides."""


STORED = (Status.SEEDED, Status.RUNNING, Status.FAILED, Status.COMPLETED)
"""What the metadata table keeps."""
FILTERS = (
    Status.RUNNING,
    Status.STALLED,
    Status.FAILED,
    Status.COMPLETED,
    Status.SEEDED,
    Status.REQUESTED,
)
"""What checkpoints are looked for by, as a database can tell it; all but the last exclude each other."""
TROUBLED = (Status.FAILED, Status.INTERRUPTED, Status.STALLED)
"""Those in which somebody may have to look."""


def stored_status(text: str) -> Status:
    """
    Read the status of a row.

    :raises ValueError: when it is none that is stored
    """
    if text not in STORED:
        raise ValueError(f"{text!r} is not one of {', '.join(STORED)}")
    return Status(text)
