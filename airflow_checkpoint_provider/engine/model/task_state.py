"""The marker that a load leaves in Airflow's task state store with each claim."""

from __future__ import annotations

from enum import StrEnum

MARKER = "task state"
"""The part of a fingerprint that records that an attempt of this run has left a marker in the task state store."""


class TaskState(StrEnum):
    """The state of the marker that an earlier attempt of the same run may have left."""

    UNKNOWN = "unknown"
    """Not known: there is no store, the store did not answer, or its value is not of this load."""
    DISCARDED = "discarded"
    """The marker is missing: where one was left, a clear has removed it."""
    THERE = "there"
    """The marker is there, as it is after a retry; some clears leave it, too."""
    KEPT = "kept"
    """The marker is there, and only a clear that keeps the task state would have left it."""
