"""A request to write rejected rows again, and its outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_checkpoint_provider.engine.store.rejected.reasons import reason_of


@dataclass(frozen=True, kw_only=True)
class Replay:
    """
    A request to write rejected rows again.

    :param who: for the history
    :param error: only rows whose error contains this text, or has a reason that begins so
    :param corrected: other values, by the row's id and by column, in the form of JSON; then only these rows are meant
    :param limit: at most so many rows; ``None`` for all
    :param overwrite: a row of an upsert replaces the row with its key, which a later load may have written
    :param seconds: after the first transaction, none begins after so long
    """

    who: str
    error: str | None = None
    corrected: Mapping[int, Mapping[str, Any]] | None = None
    limit: int | None = None
    overwrite: bool = False
    seconds: float = float("inf")

    def wants(self, error: str) -> bool:
        """Return whether a row with this error is meant."""
        return self.error is None or self.error in error or reason_of(error).startswith(self.error)


@dataclass(slots=True)
class Replayed:
    """
    The outcome.

    :param written: rows that are in the destination now, and no longer among the rejects
    :param refused: rows that the destination has refused once more; they have the new reason
    :param left: rejected rows of the load that are left, the refused ones among them
    :param reason: why the first of the refused ones was
    :param complete: whether all rows that were meant have been tried
    """

    written: int = 0
    refused: int = 0
    left: int = 0
    reason: str = ""
    complete: bool = True

    def as_words(self) -> str:
        """Return the outcome as sentences."""
        rows = "1 row" if self.written == 1 else f"{self.written:,} rows"
        said = f"{rows} written, {self.left:,} still rejected."
        if self.refused:
            said += f" {self.refused:,} refused again; the first: {self.reason}"
        if not self.complete:
            said += " Not all were tried: repeat it for the rest."
        return said


def rows_are(number: int, one: str = "is", more: str = "are") -> str:
    """Return the beginning of a sentence about rejected rows."""
    return f"1 rejected row {one}" if number == 1 else f"{number:,} rejected rows {more}"


def and_corrected(numbers: Sequence[int]) -> str:
    """Return the end of a history entry, which names rows whose values were given by a person."""
    if not numbers:
        return ""
    # Commas separate the numbers, not their thousands.
    return f"; corrected: {'row' if len(numbers) == 1 else 'rows'} {', '.join(map(str, numbers))}"


def which_gone(ids: Sequence[int], asked: int) -> str:
    """
    Return the beginning of a sentence about corrected rows that were not found.

    :param asked: the number of all corrected rows
    """
    if asked == 1:
        return "The row is"
    return f"{len(ids):,} of the {asked:,} rows, among them the one with id {min(ids)}, are"
