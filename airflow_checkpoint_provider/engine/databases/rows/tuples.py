"""Rows that one server writes as tuples of SQL, such as ``(1,'it''s',NULL)``, and another one reads in an INSERT."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from operator import itemgetter
from typing import Any

from airflow_checkpoint_provider.engine.databases.rows.blocks import Reader, Row
from airflow_checkpoint_provider.engine.databases.rows.lines import NoLineError, row_of

TUPLES = "SQL tuples"
"""The name of the form; its types are a :class:`TupleType` for each column, ``None`` for one that takes no literal."""

LOADED = "SQL tuples by LOAD DATA"
"""The same form, of which the destination's server reads many rows from a file."""

LOADED_TEXT = "COPY text by LOAD DATA"
"""Lines of COPY of Postgres with the same types, of which the destination's server reads many from a file."""

NULL = "NULL"


class TupleKind(Enum):
    """What a column reads in a literal; its server refuses anything else."""

    WHOLE = "a whole number"
    BITS = "a whole number without a sign, not in quotes"
    NUMBER = "a number with all its digits"
    DOUBLE = "a floating-point number"
    SINGLE = "a floating-point number of single precision"
    TEXT = "text, with quotes and backslashes written twice or behind a backslash"
    PADDED = "the same, without the blanks at its end"
    LISTED = "text that is one of a list, to the letter"
    BYTES = "X'', with two digits for each byte"
    DAY = "YYYY-MM-DD, of the years 1 to 9999"
    MOMENT = "YYYY-MM-DD HH:MM:SS.ffffff in UTC, of the same years, or a day"
    TIME = "HH:MM:SS.ffffff, of any number of hours"
    YEAR = "four digits"
    UUID = "a UUID in lower case"


@dataclass(frozen=True, slots=True)
class TupleType:
    """
    What a column keeps of a literal.

    :param kind: how the literal is written
    :param most: characters of a text beyond which white space is cut off without an error, digits of a second, or
        decimal places of a number; ``None`` for no such limit
    :param least: bytes to which the server would fill up a shorter value
    :param listed: the only texts that it takes
    :param needed: it takes no NULL, for which the server would store a value of its own or insert a new key
    """

    kind: TupleKind
    most: int | None = None
    least: int = 0
    listed: tuple[str, ...] = ()
    needed: bool = False


@dataclass(frozen=True, slots=True)
class TupleForm:
    """
    The SELECT list of the source.

    :param what: the columns of the key, and the tuple after them
    """

    what: str


@dataclass(frozen=True, slots=True)
class Tuples:
    """
    Some rows, each a tuple.

    :param texts: in UTF-8
    :param first: the values of the first row, without its tuple
    :param last: those of the last row
    """

    texts: Sequence[bytes]
    size: int
    first: Row
    last: Row

    def __len__(self) -> int:
        return len(self.texts)

    def pieces(self, most: int) -> Iterator[Sequence[bytes]]:
        """
        Cut the tuples into pieces of at least one each.

        :param most: bytes of a piece, with a comma after each tuple
        """
        if self.size + len(self) <= most:
            yield self.texts
            return
        piece: list[bytes] = []
        size = 0
        for text in self.texts:
            size += len(text) + 1
            if piece and size > most:
                yield piece
                piece, size = [], len(text) + 1
            piece.append(text)
        yield piece


_NONE = Tuples((), 0, (), ())
_tuple: Callable[[Row], Any] = itemgetter(-1)


class TupleReader:
    """
    Takes the tuples out of rows.

    :param reader: reads rows whose last value is the tuple, or ``None`` where the server has written none
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def read(self, limit: int) -> Tuples:
        """Return the next rows, at most ``limit``."""
        return _taken(self._reader.read(limit))

    def read_while(self, wanted: Callable[[Row], bool]) -> Tuples:
        """Return the next rows up to the first that is not wanted."""
        return _taken(self._reader.read_while(wanted))


def _taken(rows: Any) -> Tuples:
    """
    Take tuples.

    :raises NoLineError: when there is none for a row
    """
    if not rows:
        return _NONE
    texts = list(map(_tuple, rows))
    if None in texts:
        raise NoLineError(f"{row_of(rows[texts.index(None)][:-1])} as a tuple")
    encoded = [text.encode() if isinstance(text, str) else text for text in texts]
    return Tuples(encoded, sum(map(len, encoded)), rows[0], rows[-1])
