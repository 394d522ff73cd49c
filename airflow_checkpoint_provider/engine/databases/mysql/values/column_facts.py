"""What the catalog knows of a column that is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """
    A column, as ``information_schema.columns`` has it.

    :param kind: the type without its length, in lower case
    :param declared: the type with it
    :param length: in characters, or in bytes for what is no text
    :param scale: digits behind the point
    :param fraction: digits of a second
    :param nulls: NULL may be stored
    :param counts: the server numbers the rows (AUTO_INCREMENT)
    :param listed: what an ENUM or a SET may hold
    :param charset: of its text
    :param padded: what comes from the source is filled up with blanks there, too
    """

    kind: str
    declared: str
    length: int | None = None
    scale: int | None = None
    fraction: int = 0
    nulls: bool = True
    counts: bool = False
    listed: Sequence[str] = ()
    charset: str = "utf8mb4"
    padded: bool = False

    @property
    def takes_no_null(self) -> bool:
        """Whether the server would put something of its own for NULL: the time, or a number."""
        return self.counts or (self.kind == "timestamp" and not self.nulls)
