"""The attempts of a load, from its history entries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.history_kind import STARTS, Kind
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry

LOST = Status.INTERRUPTED.value


@dataclass(slots=True)
class Attempt:
    """
    One attempt, as far as its entries show it.

    :param rows_before: rows of the load that were committed when it began
    :param rows_after: rows of the load that were committed at its last sign of life
    :param heard_of_at: its last recorded sign of life
    :param ended: ``completed``, ``failed``, or ``interrupted`` where it has recorded no end, as after a kill; the
        state of the load, while it is at work
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
        """Rows that this attempt has committed."""
        return max(self.rows_after - self.rows_before, 0)

    @property
    def took(self) -> float | None:
        """Seconds from its beginning to its last sign of life; ``None`` where there is none."""
        if self.ended == LOST and self.heard_of_at == self.began_at:
            return None
        return (self.heard_of_at - self.began_at).total_seconds()

    @property
    def rate(self) -> float | None:
        """Rows a second of this attempt."""
        return self.rows / self.took if self.took else None


def attempts(
    entries: Iterable[HistoryEntry], checkpoint: Checkpoint | None, at_work: Status | None, now: datetime
) -> list[Attempt]:
    """
    Return the attempts in the entries of a checkpoint, oldest first.

    :param entries: oldest first
    :param checkpoint: as it is now, which is later than the last entry of a running attempt
    :param at_work: the state of the load while an attempt is at work; ``None`` while none is
    :param now: the end so far of that attempt
    """
    found: list[Attempt] = []
    for entry in entries:
        if entry.kind in STARTS:
            if found and found[-1].ended == LOST:
                if (found[-1].owner, found[-1].try_number) == (entry.who, entry.try_number):
                    found.pop()  # the same attempt, which has started over after all
                else:  # the next start has the rows that it had committed at its end
                    found[-1].rows_after = max(found[-1].rows_after, entry.rows or 0)
            found.append(
                Attempt(
                    entry.try_number,
                    entry.who,
                    entry.kind == Kind.RESUMED,
                    entry.detail or "",
                    entry.recorded_at,
                    entry.committed,
                    entry.committed,
                    entry.recorded_at,
                )
            )
        elif found and entry.kind in (Kind.OPENED, Kind.KEY_BUILDING, Kind.KEY_BUILT):
            found[-1].heard_of_at = entry.recorded_at
        elif found and entry.kind in (Kind.PROGRESS, Kind.COMPLETED, Kind.FAILED):
            last = found[-1]
            last.rows_after, last.heard_of_at = entry.rows or 0, entry.recorded_at
            if entry.kind != Kind.PROGRESS:
                last.ended, last.error = entry.kind, entry.detail or ""
    if found and checkpoint and checkpoint.status is Status.RUNNING and not checkpoint.restarting:
        last = found[-1]
        last.rows_after = checkpoint.rows
        last.heard_of_at = now if at_work else max(last.heard_of_at, checkpoint.updated_at)
        last.ended = at_work or LOST
    return found


def working_time(found: Iterable[Attempt]) -> float:
    """Return the seconds of work of the last load's attempts, without the time between them."""
    seconds = 0.0
    for attempt in found:
        seconds = (attempt.took or 0.0) + (seconds if attempt.resumed else 0.0)
    return seconds
