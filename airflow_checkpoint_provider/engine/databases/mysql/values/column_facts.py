"""What the catalog knows of a written column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """
    A column, as ``information_schema.columns`` has it.

    :param kind: the type without its length, in lower case
    :param declared: the type with it
    :param length: in characters, or in bytes where the type is not text
    :param scale: decimal places
    :param fraction: digits of a second
    :param nulls: NULL may be stored
    :param counts: the server numbers the rows (AUTO_INCREMENT)
    :param listed: the members of an ENUM or a SET
    :param charset: of its text
    :param padded: the source fills up its values with blanks, too
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
        """Whether the server would store a value of its own for NULL: the time, or a number."""
        return self.counts or (self.kind == "timestamp" and not self.nulls)
