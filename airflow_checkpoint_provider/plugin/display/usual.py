"""A load compared with the last runs of its task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.past_runs import Run
from airflow_checkpoint_provider.plugin.display.words import duration, number

MOST_RUNS = 10
"""How many of the last runs are compared."""
_FEWEST = 3
_TIMES = 2.0  # from here on a load is called slower, larger or smaller than usual
_LEAST_S = 10.0  # a difference of fewer seconds is none


@dataclass(frozen=True, slots=True)
class Usual:
    """
    The medians of the last runs.

    :param runs: their number
    """

    runs: int
    seconds: float
    rows: float

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Usual | None:
        """Combine the last runs; ``None`` where there are fewer than three."""
        if len(runs) < _FEWEST:
            return None
        last = runs[-MOST_RUNS:]
        return cls(len(last), median(run.seconds for run in last), median(run.rows for run in last))

    @property
    def rate(self) -> float | None:
        """Rows a second."""
        return self.rows / self.seconds if self.seconds > 0 else None

    def unusual(self, checkpoint: Checkpoint, now: datetime) -> list[str]:
        """Return what differs from the last runs by a factor of two or more, in words."""
        done = checkpoint.status is Status.COMPLETED
        if not done and checkpoint.status is not Status.RUNNING:
            return []
        end = checkpoint.completed_at if done and checkpoint.completed_at else now
        took = (end - checkpoint.started_at).total_seconds()
        found = []
        if took >= _TIMES * self.seconds and took - self.seconds >= _LEAST_S:
            times = (
                f"{took / self.seconds:.0f} times slower than usual"
                if self.seconds >= 1
                else "slower than usual"
            )
            found.append(f"{times}: {duration(took)}, usually {duration(self.seconds)}")
        if done and self._differs(checkpoint.rows):
            found.append(f"{number(checkpoint.rows)} rows, usually {number(self.rows)}")
        return found

    def _differs(self, rows: int) -> bool:
        low, high = sorted((rows, self.rows))
        return high > 0 and (low == 0 or high / low >= _TIMES)
