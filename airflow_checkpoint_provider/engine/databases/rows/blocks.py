"""Rows on their way out of a database, in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from airflow_checkpoint_provider.engine.databases.rows.row_sizes import RowSizes

Row = Sequence[Any]


READ_AT_ONCE = 1_000
"""Rows held in memory at a time, few enough for the processor's cache; a larger batch comes in several blocks."""

BYTES_AT_ONCE = 1024 * 1024
"""Bytes that end a block: one more row may be as large as its database allows."""

_FEW = 32
"""Rows to fetch at a time while their size is unknown."""
_MOST_WAITED_FOR = 100
"""Rows in one answer of a server: all of them may be large though none before was."""
_GROWTH = 4


class Block(Protocol):
    """Some rows, in whatever form the destination takes them."""

    def __len__(self) -> int: ...

    @property
    def size(self) -> int:
        """The bytes of memory that it takes; 0 where they are not counted."""

    @property
    def first(self) -> Row:
        """The first row."""

    @property
    def last(self) -> Row:
        """The last row."""


class Rows(list[Row]):
    """Rows as Python values."""

    def __init__(self, rows: Iterable[Row] = (), size: int = 0) -> None:
        super().__init__(rows)
        self.size = size

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
    Reads Python values, in blocks of a bounded number of rows and bytes.

    :param fetchmany: the cursor's
    :param waits: each call is a round trip to the server, so rows are fetched in as few calls as their sizes allow
    :param short: no value of the rows can be long
    """

    def __init__(
        self, fetchmany: Callable[[int], Sequence[Row]], *, waits: bool = False, short: bool = False
    ) -> None:
        self._fetchmany = fetchmany
        self._waits = waits
        self._short = short
        self._sizes = RowSizes()
        self._next = _FEW // 2 if waits else _FEW  # an answer is held twice: by the driver, too
        self._ahead = Rows()

    def read(self, limit: int) -> Rows:
        rows = self._ahead or self._fetch(min(limit, READ_AT_ONCE))
        return self._split(rows, limit)

    def read_while(self, wanted: Callable[[Row], bool]) -> Rows:
        rows = self._ahead or self._fetch(READ_AT_ONCE)
        return self._split(rows, next((i for i, row in enumerate(rows) if not wanted(row)), len(rows)))

    def _split(self, rows: Rows, count: int) -> Rows:
        if count >= len(rows):
            self._ahead = Rows()
            return rows
        size = rows.size * count // len(rows)
        self._ahead = Rows(rows[count:], rows.size - size)
        return Rows(rows[:count], size)

    def _fetch(self, limit: int) -> Rows:
        if self._short:
            return Rows(self._fetchmany(limit))
        rows = Rows()
        while len(rows) < limit and rows.size < BYTES_AT_ONCE:
            asked = min(self._next, limit - len(rows))
            fetched = self._fetchmany(asked)
            size = self._sizes.of(fetched)
            rows.extend(fetched)
            rows.size += size
            fitting = len(fetched) * BYTES_AT_ONCE // max(size, 1)
            most = _MOST_WAITED_FOR if self._waits else _FEW
            self._next = max(1, min(self._next * _GROWTH, fitting, most))
            if self._waits or len(fetched) < asked:
                break
        return rows


class Guarded:
    """A reader whose errors are turned into the engine's."""

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
