"""Wait conditions: whether a load has come far enough, and whether it still can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from airflow_checkpoint_provider.engine.admin.outlook import duration, where
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Checkpoint
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, LoadFailedError, LoadStalledError
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.model.stored_text import LONGEST_PART, shown


@dataclass(frozen=True)
class WaitCondition:
    """
    The condition of a wait: by default, that the load is complete.

    :param min_rows: that it has committed so many rows
    :param value: that its position has reached these values, one for each key column, written as text
    :param run_id: with a checkpoint that spans runs, that this run works on it
    :param on_failed: a failed load is an error (``"fail"``), or may be tried again (``"wait"``)
    :param stalled_after: seconds without a commit after which a load that is not complete is an error
    """

    min_rows: int | None = None
    value: tuple[str, ...] | None = None
    run_id: str | None = None
    on_failed: str = "fail"
    stalled_after: float | None = None

    def is_met(self, checkpoint: Checkpoint | None, now: datetime) -> bool:
        """
        Return whether the condition is met.

        :raises LoadFailedError: when the load has failed, or is complete without meeting the condition
        :raises LoadStalledError: when it has committed nothing for longer than ``stalled_after``
        :raises ArgumentError: when ``value`` cannot be compared with the position
        """
        if checkpoint is None or (self.run_id and checkpoint.run_id != self.run_id):
            return False
        if not checkpoint.restarting and self._is_far_enough(checkpoint):
            return True
        if checkpoint.status is Status.COMPLETED:
            if checkpoint.identity.run_id != ALL_RUNS:
                raise LoadFailedError(
                    f"The load of {checkpoint.identity} is complete ({where(checkpoint)}) and has not come to "
                    f"{self._goal(checkpoint)}. Wait for less, or for its completion."
                )
            return False
        if checkpoint.status is Status.FAILED and self.on_failed == "fail":
            raise LoadFailedError(
                f"The load of {checkpoint.identity} failed in attempt {checkpoint.try_number} ({where(checkpoint)}): "
                f"{checkpoint.last_error}. Its retry goes on from there; set on_failed='wait' to wait for that."
            )
        self._refuse_stalled(checkpoint, now)
        return False

    def _is_far_enough(self, checkpoint: Checkpoint) -> bool:
        if self.min_rows is None and self.value is None:
            return checkpoint.status is Status.COMPLETED
        enough = self.min_rows is None or checkpoint.rows >= self.min_rows
        return enough and (self.value is None or self._has_reached(checkpoint))

    def _has_reached(self, checkpoint: Checkpoint) -> bool:
        key, wanted = checkpoint.position.key, self.value or ()
        if not checkpoint.key_columns:
            raise ArgumentError(
                f"value: the load of {checkpoint.identity} goes by the number of rows and has no key; use min_rows."
            )
        if len(wanted) != len(checkpoint.key_columns):
            raise ArgumentError(
                f"value: {len(wanted)} given, but the key is {', '.join(checkpoint.key_columns)}; give one value for "
                "each column."
            )
        if key is None:
            return False
        for name, here, text in zip(checkpoint.key_columns, key, wanted, strict=True):
            have, want = _comparable(name, here, text)
            if have != want:
                return bool(have > want)
        return True

    def _refuse_stalled(self, checkpoint: Checkpoint, now: datetime) -> None:
        still = now - checkpoint.committed_at
        if self.stalled_after is not None and still > timedelta(seconds=self.stalled_after):
            raise LoadStalledError(
                f"The load of {checkpoint.identity} has stalled: {checkpoint.status.value}, and nothing committed for "
                f"{duration(still)} (stalled_after={self.stalled_after:g} seconds; {where(checkpoint)}). Attempt "
                f"{checkpoint.try_number} was {checkpoint.owner}. See that task's log; if its process is gone, its "
                "next attempt goes on from there."
            )

    def _goal(self, checkpoint: Checkpoint) -> str:
        goals = [f"{self.min_rows:,} rows (min_rows)"] if self.min_rows is not None else []
        if self.value is not None:
            reached = zip(checkpoint.key_columns, self.value, strict=True)
            goals.append(f"{', '.join(f'{name} = {text}' for name, text in reached)} (value)")
        return " and ".join(goals)


def as_text(value: Any) -> tuple[str, ...] | None:
    """
    Return ``value`` as text, for a trigger and a template.

    :raises ArgumentError: when it is not a number, a time, text, or a list of them
    """
    if value is None:
        return None
    values = value if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else [value]
    texts = []
    for one in values:
        if isinstance(one, bool) or not isinstance(one, (int, float, Decimal, date, str)) or one == "":
            raise ArgumentError(
                f"value: {shown(one)} is neither a number nor a time that a position can reach."
            )
        try:
            texts.append(one.isoformat() if isinstance(one, date) else str(one))
        except ValueError:  # a whole number of too many digits for Python
            raise ArgumentError(f"value: {shown(one)} is more than a position can reach.") from None
    if sum(map(len, texts)) > LONGEST_PART:
        raise ArgumentError(f"value: it has more than {LONGEST_PART:,} characters.")
    return tuple(texts)


def _comparable(name: str, here: Any, text: str) -> tuple[Any, Any]:
    """Return a position and the value to reach as Python can compare them; text only where it is a time."""
    try:
        if isinstance(here, (int, float, Decimal)) and not isinstance(here, bool):
            want = Decimal(text)
            if want.is_nan():
                raise ValueError("not a number")
            return here, want
        if isinstance(here, date) and not isinstance(here, datetime) and len(text) == 10:
            return here, date.fromisoformat(text)
        have = here if isinstance(here, datetime) else datetime.fromisoformat(str(here))
        return have, _with_zone_of(have, datetime.fromisoformat(text))
    except (ValueError, InvalidOperation) as error:
        raise ArgumentError(
            f"value: {shown(text)} cannot be compared with {name} = {here}; only numbers and times can be waited for, "
            "a time with a zone where the column has one. Use min_rows otherwise."
        ) from error


def _with_zone_of(have: datetime, want: datetime) -> datetime:
    if (have.tzinfo is None) != (want.tzinfo is None):
        raise ValueError("one has a time zone, the other none")
    return want
