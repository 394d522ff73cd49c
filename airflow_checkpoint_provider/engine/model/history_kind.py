"""What a history entry tells: something that happened to a checkpoint, or something that a person asks for."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """The kinds of history entries."""

    STARTED = "started"
    RESUMED = "resumed"
    OPENED = "opened"
    """The source is open, and what is loaded is known: ``detail`` has it, see :attr:`HistoryEntry.facts`."""
    PROGRESS = "progress"
    FAILED = "failed"
    COMPLETED = "completed"
    PUBLISHED = "published"
    RELOAD_REQUESTED = "reload_requested"
    RESUME_REQUESTED = "resume_requested"
    REQUEST_CANCELLED = "request_cancelled"
    DELETED = "deleted"
    SEEDED = "seeded"
    PROBED = "probed"


REQUESTS = (Kind.RELOAD_REQUESTED, Kind.RESUME_REQUESTED, Kind.REQUEST_CANCELLED)
"""What people write; the last one that no attempt has seen counts."""
STARTS = (Kind.STARTED, Kind.RESUMED)
"""What an attempt begins with."""
OF_STAGES = (Kind.OPENED, Kind.COMPLETED, Kind.PUBLISHED)
"""What tells whether rows are staged."""
