"""Rows on their way out of a database, in blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Row = Sequence[Any]


READ_AT_ONCE = 1_000
"""Rows held in memory at a time, few enough for the processor's cache; a larger batch comes in several blocks."""


class Block(Protocol):
    """Some rows, in whatever form the destination takes them."""

    def __len__(self) -> int: ...

    @property
    def size(self) -> int:
        """How many bytes of memory it takes; 0 where nobody has counted."""

    @property
    def first(self) -> Row:
        """The first row."""

    @property
    def last(self) -> Row:
        """The last row."""


class Rows(list[Row]):
    """Rows as Python values."""

    size = 0

    @property
    def first(self) -> Row:
        return self[0]

    @property
    def last(self) -> Row:
        return self[-1]


class Reader(Protocol):
    """The rows of a running query, in their order."""

    def read(self, limit: int) -> Block:
        """Return the next rows, at most ``limit``; none only at the end."""

    def read_while(self, wanted: Callable[[Row], bool]) -> Block:
        """Return the next rows up to the first that is not wanted; none if that is the next one."""


class RowReader:
    """
    Reads Python values.

    :param fetchmany: the cursor's
    """

    def __init__(self, fetchmany: Callable[[int], Sequence[Row]]) -> None:
        self._fetchmany = fetchmany
        self._ahead = Rows()

    def read(self, limit: int) -> Rows:
        rows = self._ahead or Rows(self._fetchmany(min(limit, READ_AT_ONCE)))
        self._ahead = Rows(rows[limit:])
        return Rows(rows[:limit]) if self._ahead else rows

    def read_while(self, wanted: Callable[[Row], bool]) -> Rows:
        rows = self._ahead or Rows(self._fetchmany(READ_AT_ONCE))
        count = next((index for index, row in enumerate(rows) if not wanted(row)), len(rows))
        self._ahead = Rows(rows[count:])
        return Rows(rows[:count])


class Guarded:
    """A reader whose errors are turned into ours."""

    def __init__(self, reader: Reader, errors: Callable[[], AbstractContextManager[None]]) -> None:
        self._reader = reader
        self._errors = errors

    def read(self, limit: int) -> Block:
        """Return the next rows."""
        with self._errors():
            return self._reader.read(limit)

    def read_while(self, wanted: Callable[[Row], bool]) -> Block:
        """Return the next rows up to the first that is not wanted."""
        with self._errors():
            return self._reader.read_while(wanted)


NONE = Rows()
