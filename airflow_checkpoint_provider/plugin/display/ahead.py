"""What a load has before it if it goes on now, or starts over: told before anybody decides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from airflow_checkpoint_provider.engine.model.checkpoint import PARTITION, Checkpoint
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.engine.model.position import fraction
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.plugin.display.words import duration, number


@dataclass(frozen=True, slots=True)
class Ahead:
    """
    Rows that are committed, and rows that are to come; ``None`` where that cannot be told.

    :param kept: rows that are committed
    :param left: rows that are to come, about
    :param rate: rows a second, as far as earlier attempts tell
    """

    kept: int
    left: int | None = None
    rate: float | None = None

    @classmethod
    def of(cls, checkpoint: Checkpoint, rate: float | None) -> Ahead:
        """Tell of one load, at the speed of its last attempt."""
        rows = checkpoint.rows
        if checkpoint.status is Status.COMPLETED:
            return cls(rows, 0, rate)
        share = fraction(checkpoint.lower, checkpoint.position.key, checkpoint.upper)
        left = rows / share * (1 - share) if share else math.inf  # of a share that is next to nothing, too
        if rows and math.isfinite(left):
            return cls(rows, round(left), rate)
        if part := Partition.of_text(checkpoint.fingerprint.get(PARTITION)):
            return cls(rows, max(part.rows - rows, 0), rate)
        return cls(rows, None, rate)

    @classmethod
    def of_all(cls, parts: Sequence[Ahead]) -> Ahead:
        """Tell of several that go on side by side: as long as the slowest of them."""
        kept, lefts = sum(part.kept for part in parts), [part.left for part in parts]
        if None in lefts or not parts:
            return cls(kept)
        left = sum(part.left or 0 for part in parts)
        slowest = max((part.left or 0) / part.rate if part.rate else 0.0 for part in parts)
        told = slowest and all(part.rate or not part.left for part in parts)
        return cls(kept, left, left / slowest if told else None)

    def if_resumed(self) -> str:
        """Say what a resume does."""
        if self.left == 0:
            return f"All {number(self.kept)} rows are committed, and none is to go."
        kept = f"{number(self.kept)} rows are kept" if self.kept else "Nothing is committed yet"
        return f"{kept}, {self._to_go(self.left, 'to go')}."

    def if_reloaded(self) -> str:
        """Say what a reload does."""
        again = None if self.left is None else self.kept + self.left
        kept = (
            f"The {number(self.kept)} rows that are committed are loaded again"
            if self.kept
            else "All rows are loaded"
        )
        return f"{kept}, {self._to_go(again, 'in all')}."

    def _to_go(self, rows: int | None, what: str) -> str:
        if rows is None:
            return f"and how many are {what} cannot be told"
        known = what == "in all" and self.left == 0
        shown = number(rows) if known else f"about {number(round(rows, 3 - len(str(rows))))}"
        time = f", about {duration(rows / self.rate)}" if self.rate and rows else ""
        return f"{shown} {what}{time}"


def seen(checkpoint: Checkpoint) -> str:
    """Return what changes with everything that an attempt does to a checkpoint, for a page to send back."""
    return f"{checkpoint.fence} {checkpoint.status} {checkpoint.updated_at.isoformat()}"
