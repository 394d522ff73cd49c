"""The rows and the time that a resume or a reload takes, shown before anybody decides."""

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
    The committed rows of a load, and those to come; ``None`` where unknown.

    :param kept: committed rows
    :param left: estimated rows to come
    :param rate: rows a second, from earlier attempts
    """

    kept: int
    left: int | None = None
    rate: float | None = None

    @classmethod
    def of(cls, checkpoint: Checkpoint, rate: float | None) -> Ahead:
        """Estimate for one load, at a given rate."""
        rows = checkpoint.rows
        if checkpoint.status is Status.COMPLETED:
            return cls(rows, 0, rate)
        share = fraction(checkpoint.lower, checkpoint.position.key, checkpoint.upper)
        left = rows / share * (1 - share) if share else math.inf  # a share close to zero gives inf, too
        if rows and math.isfinite(left):
            return cls(rows, round(left), rate)
        if part := Partition.of_text(checkpoint.fingerprint.get(PARTITION)):
            return cls(rows, max(part.rows - rows, 0), rate)
        return cls(rows, None, rate)

    @classmethod
    def of_all(cls, parts: Sequence[Ahead]) -> Ahead:
        """Combine loads that run side by side: together they take as long as the slowest."""
        kept, lefts = sum(part.kept for part in parts), [part.left for part in parts]
        if None in lefts or not parts:
            return cls(kept)
        left = sum(part.left or 0 for part in parts)
        slowest = max((part.left or 0) / part.rate if part.rate else 0.0 for part in parts)
        told = slowest and all(part.rate or not part.left for part in parts)
        return cls(kept, left, left / slowest if told else None)

    def if_resumed(self) -> str:
        """Describe a resume."""
        if self.left == 0:
            return f"All {number(self.kept)} rows are committed, and none are to go."
        kept = f"{number(self.kept)} rows are kept" if self.kept else "Nothing is committed yet"
        return f"{kept}, {self._to_go(self.left, 'to go')}."

    def if_reloaded(self) -> str:
        """Describe a reload."""
        again = None if self.left is None else self.kept + self.left
        kept = (
            f"The {number(self.kept)} rows that are committed are loaded again"
            if self.kept
            else "All rows are loaded"
        )
        return f"{kept}, {self._to_go(again, 'in all')}."

    def _to_go(self, rows: int | None, what: str) -> str:
        if rows is None:
            return f"and how many are {what} is unknown"
        known = what == "in all" and self.left == 0
        shown = number(rows) if known else f"about {number(round(rows, 3 - len(str(rows))))}"
        time = f", about {duration(rows / self.rate)}" if self.rate and rows else ""
        return f"{shown} {what}{time}"


def seen(checkpoint: Checkpoint) -> str:
    """Return a token that changes with every update of a checkpoint by an attempt, for a page to send back."""
    return f"{checkpoint.fence} {checkpoint.status} {checkpoint.updated_at.isoformat()}"
