"""Rows on their way: read in blocks, cut into batches that may be committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from airflow_checkpoint_provider.engine.position import Key, Position

Row = Sequence[Any]

READ_AT_ONCE = 1_000
"""Rows held in memory at a time, few enough for the processor's cache; a larger batch comes in several blocks."""


class Block(Protocol):
    """Some rows, in whatever form the destination takes them."""

    def __len__(self) -> int: ...

    @property
    def first(self) -> Row:
        """The first row."""

    @property
    def last(self) -> Row:
        """The last row."""


class Rows(list[Row]):
    """Rows as Python values."""

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


@dataclass(frozen=True, slots=True)
class Chunk:
    """
    Rows that belong to one transaction.

    :param rows: the rows, possibly none
    :param end: the position after them when the batch is complete; ``None`` while more of it follows
    :param first: the key of the first row, where the strategy goes by one
    """

    rows: Block
    end: Position | None
    first: Key | None = None


NONE = Rows()


def by_count(reader: Reader, size: int) -> Iterator[Block | None]:
    """Cut rows into batches of ``size``: blocks, and ``None`` where a batch is complete."""
    left = size
    while block := reader.read(left):
        yield block
        left -= len(block)
        if not left:
            yield None
            left = size
    if left < size:
        yield None


def whole_ties(reader: Reader, size: int, tied: Callable[[Row, Row], bool]) -> Iterator[Block | None]:
    """
    Cut sorted rows into batches of ``size`` that never end between two rows of equal keys.

    :param tied: whether the source holds the keys of two rows for equal, or may do so
    :return: blocks, and ``None`` where a batch is complete
    """
    newest: Block = NONE
    for block in by_count(reader, size):
        if block is not None:
            newest = block
            yield block
            continue
        last = newest.last
        while more := reader.read_while(lambda row, last=last: tied(last, row)):  # type: ignore[misc]
            newest = more
            yield more
        yield None


def batches(chunks: Iterator[Chunk]) -> Iterator[Iterator[Chunk]]:
    """Group chunks into batches; the first chunk of each is read before the batch is handed out."""
    for first in chunks:
        yield _until_end(first, chunks)


def _until_end(chunk: Chunk, following: Iterator[Chunk]) -> Iterator[Chunk]:
    yield chunk
    while chunk.end is None:
        chunk = next(following)
        yield chunk


def take(batch: Iterator[Chunk], most: int) -> tuple[list[Chunk], bool]:
    """Take the first chunks of a batch, about ``most`` rows, and tell whether they are all of it."""
    taken: list[Chunk] = []
    rows = 0
    while rows <= most:
        chunk = next(batch)
        taken.append(chunk)
        rows += len(chunk.rows)
        if chunk.end is not None:
            return taken, True
    return taken, False


@dataclass(slots=True)
class Tally:
    """
    What a batch comes to.

    :param end: the position after it
    :param first: the key of the load's first row
    """

    end: Position
    first: Key | None
    rows: int = 0

    def add(self, *chunks: Chunk) -> None:
        """Count chunks."""
        for chunk in chunks:
            self.rows += len(chunk.rows)
            self.first = self.first or chunk.first
            self.end = chunk.end or self.end


def as_one_batch(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Keep all chunks in one transaction: only the last one ends it."""
    chunk = next(chunks, None)
    while chunk:
        following = next(chunks, None)
        yield chunk if following is None else replace(chunk, end=None)
        chunk = following
