"""The kinds of history entries: something that happened to a checkpoint, or a person's request."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """The kinds of history entries."""

    STARTED = "started"
    RESUMED = "resumed"
    OPENED = "opened"
    """The source is open, and the facts of the load are known: ``detail`` has them, see :attr:`HistoryEntry.facts`."""
    SCHEMA_CHANGED = "schema_changed"
    """The destination's table has got new columns, or wider ones: ``detail`` has their types before and after."""
    PROGRESS = "progress"
    KEY_BUILDING = "key_building"
    """The primary key of the destination's table is being built; ``detail`` has how far, and for how long."""
    KEY_BUILT = "key_built"
    FAILED = "failed"
    COMPLETED = "completed"
    PUBLISHED = "published"
    RELOAD_REQUESTED = "reload_requested"
    RESUME_REQUESTED = "resume_requested"
    REQUEST_CANCELLED = "request_cancelled"
    DELETED = "deleted"
    SEEDED = "seeded"
    REPLAYED = "replayed"
    """Rejected rows were written after all."""
    PROBED = "probed"


REQUESTS = (Kind.RELOAD_REQUESTED, Kind.RESUME_REQUESTED, Kind.REQUEST_CANCELLED)
"""Entries that people write; the last one that no attempt has seen counts."""
STARTS = (Kind.STARTED, Kind.RESUMED)
"""The first entry of an attempt is one of these."""
OF_STAGES = (Kind.OPENED, Kind.COMPLETED, Kind.PUBLISHED)
"""The entries that decide whether rows are staged."""
