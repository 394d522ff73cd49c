"""
Rows that one server writes as CSV and another one reads.

Commas separate fields, quotes enclose text, a newline ends a row, and NULL is an empty field without quotes. The quote
is a control character that is rare in text: within text it is written twice, and a server's replacement of a frequent
character takes a time that grows with the square of the length.
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
    """What a column reads in a field; its server refuses anything else."""

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

    :param most: characters of a text, or decimal places of a number, beyond which the server cuts or rounds
        without an error; ``None`` for no such limit
    """

    kind: LineKind
    most: int | None = None


@dataclass(frozen=True, slots=True)
class LineForm:
    """
    The SELECT list of the source.

    :param what: the columns of the key, and the line after them
    :param longest: bytes of a line, at most, where that is known
    """

    what: str
    longest: int = 0


class NoLineError(Exception):
    """The source has written no line for a row; the message names the row and the form."""


@dataclass(frozen=True, slots=True)
class Lines:
    """
    Some rows, each a line.

    :param first: the values of the first row, without its line
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
    """Return why the source does not write rows without a key in a form, such as ``a line``."""
    return f"only by key can rows be read on as values, should the server not write a row as {what}"


def may_not_fit(column: str) -> str:
    """Return why the source does not write the rows: no exact form is known for the type of a column."""
    return f"it is not known that {column} fits the type that it has there, and each value is checked"


_NONE = Lines(b"", 0, (), ())
_QUOTE = QUOTE.encode()
_line: Callable[[Row], Any] = itemgetter(-1)
_quotes: Callable[[Row], Any] = itemgetter(-2)


class LineReader:
    """
    Joins the lines of rows.

    :param reader: reads rows whose last value is the line, in bytes, or ``None`` where the server has written none
    :param counted: the value before it is the number of quotes around texts; a line with more of them has one within
        a text, where the server has not written it twice, and counts as none
    """

    def __init__(self, reader: Reader, *, counted: bool = False) -> None:
        self._reader = reader
        self._counted = counted

    def read(self, limit: int) -> Lines:
        """Return the next rows, at most ``limit``."""
        return self._joined(self._reader.read(limit))

    def read_while(self, wanted: Callable[[Row], bool]) -> Lines:
        """Return the next rows up to the first that is not wanted."""
        return self._joined(self._reader.read_while(wanted))

    def _joined(self, rows: Any) -> Lines:
        """
        Join lines.

        :raises NoLineError: when there is none for a row
        """
        if not rows:
            return _NONE
        try:
            data = b"".join(map(_line, rows))
        except TypeError:
            raise self._missing(next(row for row in rows if row[-1] is None)) from None
        if self._counted and data.count(_QUOTE) != sum(map(_quotes, rows)):
            raise self._missing(next(row for row in rows if row[-1].count(_QUOTE) != row[-2]))
        return Lines(data, len(rows), rows[0], rows[-1])

    def _missing(self, row: Row) -> NoLineError:
        return NoLineError(f"{row_of(row[: -2 if self._counted else -1])} as a line")
