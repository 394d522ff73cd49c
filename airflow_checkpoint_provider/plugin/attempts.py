"""The attempts that a history tells of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Status
from airflow_checkpoint_provider.engine.store.history import STARTS, Event, Kind

RUNNING, LOST = "running", "lost"


@dataclass(slots=True)
class Attempt:
    """
    One attempt, as far as its events tell.

    :param rows_before: rows of the load that were committed when it began
    :param rows_after: rows of the load that were committed when it was last heard of
    :param ended: ``completed``, ``failed``, ``running``, or ``lost``: it left no word, as a killed process does
    """

    try_number: int | None
    owner: str
    resumed: bool
    reason: str
    began_at: datetime
    rows_before: int
    rows_after: int
    heard_of_at: datetime
    ended: str = LOST
    error: str = ""

    @property
    def rows(self) -> int:
        """Rows that it has committed."""
        return max(self.rows_after - self.rows_before, 0)


def attempts(events: Iterable[Event], checkpoint: Checkpoint | None, *, over: bool) -> list[Attempt]:
    """
    Tell the attempts from the events of a checkpoint, oldest first.

    :param events: in the order in which they happened
    :param checkpoint: as it is now; knows more of the last attempt than its events do
    :param over: no attempt is at work
    """
    found: list[Attempt] = []
    for event in events:
        if event.kind in STARTS:
            if found and found[-1].ended == LOST:
                if (found[-1].owner, found[-1].try_number) == (event.who, event.try_number):
                    found.pop()  # it changed its mind, and started over
                else:  # what it had committed when nobody heard of it any more
                    found[-1].rows_after = max(found[-1].rows_after, event.rows or 0)
            found.append(
                Attempt(
                    event.try_number,
                    event.who,
                    event.kind == Kind.RESUMED,
                    event.detail or "",
                    event.recorded_at,
                    event.committed,
                    event.committed,
                    event.recorded_at,
                )
            )
        elif found and event.kind in (Kind.PROGRESS, Kind.COMPLETED, Kind.FAILED):
            last = found[-1]
            last.rows_after, last.heard_of_at = event.rows or 0, event.recorded_at
            if event.kind != Kind.PROGRESS:
                last.ended, last.error = event.kind, event.detail or ""
    if found and checkpoint and checkpoint.status is Status.RUNNING and not checkpoint.restarting:
        last = found[-1]
        last.rows_after, last.heard_of_at = checkpoint.rows, checkpoint.updated_at
        last.ended = LOST if over else RUNNING
    return found
