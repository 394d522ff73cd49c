"""What Airflow's task state store tells of the marker that a load leaves there with each claim."""

from __future__ import annotations

from enum import StrEnum

MARKER = "task state"
"""The part of a fingerprint that says that an attempt of this run has left a marker in the task state store."""


class TaskState(StrEnum):
    """What has become of the marker since an earlier attempt of the same run may have left it."""

    UNKNOWN = "unknown"
    """Nothing can be told: there is no store, it did not answer, or what it has is not of this load."""
    DISCARDED = "discarded"
    """The marker is not there: where one was left, a clear has taken it."""
    THERE = "there"
    """The marker is there, as it is after a retry; some clears leave it, too."""
    KEPT = "kept"
    """The marker is there, and only a clear that was to keep it would have left it."""
