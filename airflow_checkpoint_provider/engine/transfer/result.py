"""The result of an attempt."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.events.transfer import Verified
from airflow_checkpoint_provider.engine.model.position import position_as_dict

if TYPE_CHECKING:
    from airflow_checkpoint_provider.engine.transfer.starting.startup import StartingPoint


@dataclass(frozen=True, slots=True)
class Result:
    """
    The outcome of an attempt.

    :param started_from: the position at which it began, ``None`` for the beginning
    :param checkpoint: the position at which it ended
    :param rows: rows written in this attempt
    :param rows_total: rows written since the load began
    :param rejected: rows rejected in this attempt
    :param rejected_total: rows rejected since the load began
    :param batches: batches committed in this attempt
    :param duration_s: seconds from start to end
    :param warnings: warnings for a person
    :param verified: method, rows and seconds of the verification, if there was one
    :param as_of: the moment of the source as of which it is read, if there is one
    """

    status: str
    strategy: str
    guarantee: str
    started_from: dict[str, Any] | None
    checkpoint: dict[str, Any] | None
    rows: int
    rows_total: int
    rejected: int
    rejected_total: int
    batches: int
    reconnects: int
    duration_s: float
    rows_per_s: float
    verified: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    as_of: str | None = None

    @classmethod
    def of(
        cls,
        beginning: StartingPoint,
        end: Checkpoint,
        guarantee: str,
        reconnects: int,
        began: float,
        rejected: tuple[int, int],
    ) -> Result:
        start = beginning.checkpoint
        seconds = time.monotonic() - began
        rows = end.rows - start.rows
        return cls(
            status="completed",
            strategy=end.strategy,
            guarantee=guarantee,
            started_from=position_as_dict(end.key_columns, start.position),
            checkpoint=position_as_dict(end.key_columns, end.position),
            rows=rows,
            rows_total=end.rows,
            rejected=rejected[0],
            rejected_total=rejected[1],
            batches=end.batches - start.batches,
            reconnects=reconnects,
            duration_s=round(seconds, 3),
            rows_per_s=round(rows / seconds, 1) if seconds else 0.0,
        )

    def with_verified(self, verified: Verified | None) -> Result:
        """Add the verification."""
        if verified is None:
            return self
        told = {"method": verified.method, "rows": verified.rows, "seconds": round(verified.seconds, 3)}
        return replace(self, verified=told)

    def with_moment(self, moment: str | None) -> Result:
        """Add the moment as of which the source is read."""
        return replace(self, as_of=moment or None)

    def with_warnings(self, warnings: Sequence[str]) -> Result:
        """Add the warnings."""
        return replace(self, warnings=tuple(warnings))

    def as_dict(self) -> dict[str, Any]:
        """Return a form that JSON, and so XCom, can hold."""
        return {**asdict(self), "warnings": list(self.warnings)}
