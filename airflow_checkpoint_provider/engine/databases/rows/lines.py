"""
Rows that one server writes as CSV and another one reads.

Fields stand between commas, text stands in quotes, a row ends with a newline, and NULL is a field without anything. The
quote is a control character that no text is likely to have: one that is part of a text is written twice, and to search
and replace what is frequent takes a server a time that grows with the square of the length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from operator import itemgetter
from typing import Any

from airflow_checkpoint_provider.engine.databases.rows.blocks import Reader, Row
from airflow_checkpoint_provider.engine.model.errors import shortened

LINES = "COPY lines"
"""The name of the form; its types are a :class:`LineType` for each column, or ``None`` for one that takes no field."""

QUOTE = "\x01"


class LineKind(Enum):
    """What a column reads in a field; whatever else it is given is refused by its server."""

    WHOLE = "a whole number"
    NUMBER = "a number with all its digits"
    DOUBLE = "a floating-point number"
    SINGLE = "a floating-point number of single precision"
    TEXT = "text in quotes"
    PADDED = "text in quotes, which is filled up with blanks"
    BYTES = "\\x and two digits for each byte"
    DAY = "YYYY-MM-DD"
    MOMENT = "YYYY-MM-DD HH:MM:SS.ffffff, or a day"
    INSTANT = "the same with an offset, such as +00"
    TIME = "HH:MM:SS.ffffff, of a day"


@dataclass(frozen=True, slots=True)
class LineType:
    """
    What a column keeps of a field.

    :param most: characters of a text, or digits behind the point of a number, behind which the server cuts or rounds
        without an error; ``None`` for no such limit
    """

    kind: LineKind
    most: int | None = None


class NoLineError(Exception):
    """The source has written no line for a row; the message says which row, and as what."""


@dataclass(frozen=True, slots=True)
class Lines:
    """
    Some rows, each a line.

    :param first: the values of the first row that came beside its line
    :param last: those of the last row
    """

    data: bytes
    count: int
    first: Row
    last: Row

    def __len__(self) -> int:
        return self.count

    @property
    def size(self) -> int:
        return len(self.data)


def row_of(key: Row) -> str:
    """Name a row by its key, for a message."""
    return f"the row with key {shortened(', '.join(map(str, key)))}"


def only_by_key(what: str) -> str:
    """Return why rows without a key are not written by the source: as ``a line``, say."""
    return f"only by key can rows be read on as values, should the server not write a row as {what}"


def may_not_fit(column: str) -> str:
    """Return why rows are not written by the source: a column has no exact writing for its type."""
    return f"it is not known that {column} fits the type that it has there, and each value is looked at"


_NONE = Lines(b"", 0, (), ())
_line: Callable[[Row], Any] = itemgetter(-1)


class LineReader:
    """
    Joins the lines of rows.

    :param reader: reads rows whose last value is the line, in bytes; it is ``None`` where the server has written none
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def read(self, limit: int) -> Lines:
        """Return the next rows, at most ``limit``."""
        return _joined(self._reader.read(limit))

    def read_while(self, wanted: Callable[[Row], bool]) -> Lines:
        """Return the next rows up to the first that is not wanted."""
        return _joined(self._reader.read_while(wanted))


def _joined(rows: Any) -> Lines:
    """
    Join lines.

    :raises NoLineError: when there is none for a row
    """
    if not rows:
        return _NONE
    try:
        data = b"".join(map(_line, rows))
    except TypeError:
        key = next(row[:-1] for row in rows if row[-1] is None)
        raise NoLineError(f"{row_of(key)} as a line") from None
    return Lines(data, len(rows), rows[0], rows[-1])
