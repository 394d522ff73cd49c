"""Progress, speed and remaining time of a load."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.position import fraction
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry


@dataclass(frozen=True, slots=True)
class Pace:
    """
    The progress of a load; ``None`` where unknown.

    :param share: of the load, from 0 to 1
    :param rate: recent rows a second
    :param left: estimated seconds to its end
    """

    share: float | None = None
    rate: float | None = None
    left: float | None = None


def pace(checkpoint: Checkpoint, sample: HistoryEntry | None, now: datetime) -> Pace:
    """
    Return the pace of a load.

    :param sample: an earlier entry of the running attempt
    """
    if checkpoint.status is Status.COMPLETED:
        return Pace(share=1.0)
    share = fraction(checkpoint.lower, checkpoint.position.key, checkpoint.upper)
    if checkpoint.status is not Status.RUNNING or sample is None:
        return Pace(share)
    # The time until now counts: a load that stands still becomes slower, and does not keep its last speed.
    quiet = max((now - checkpoint.committed_at).total_seconds() - _USUAL, 0)
    seconds = (checkpoint.committed_at - sample.recorded_at).total_seconds() + quiet
    rows = checkpoint.rows - sample.committed
    if seconds <= 0 or rows <= 0:
        return Pace(share)
    rate = rows / seconds
    # The rows to come are estimated from the share of the key's range that the rows so far have taken.
    left = checkpoint.rows / share * (1 - share) / rate if share else None
    if left is not None and not math.isfinite(left):  # of a share close to zero
        left = None
    return Pace(share, rate, left)


_USUAL = 10.0  # seconds without a commit that are not yet a standstill
