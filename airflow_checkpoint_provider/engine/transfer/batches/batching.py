"""Rows on their way: read in blocks, cut into batches that may be committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from airflow_checkpoint_provider.engine.databases.rows.blocks import BYTES_AT_ONCE, NONE, Block, Reader, Row
from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.model.position import Position


@dataclass(frozen=True, slots=True)
class Chunk:
    """
    Rows that belong to one transaction.

    :param rows: the rows, possibly none
    :param end: the position after them when the batch is complete; ``None`` while more of it follows
    :param first: the key of the first row, where the strategy has one
    """

    rows: Block
    end: Position | None
    first: Key | None = None


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

    :param tied: returns whether the source considers the keys of two rows equal, or may do so
    :return: blocks, and ``None`` where a batch is complete
    """
    newest: Block = NONE
    for block in by_count(reader, size):
        if block is not None:
            newest = block
            yield block
            continue
        last = newest.last
        while more := reader.read_while(partial(tied, last)):
            newest = more
            yield more
        yield None


def batches(chunks: Iterator[Chunk]) -> Iterator[Iterator[Chunk]]:
    """Group chunks into batches; the first chunk of each is read before the batch is yielded."""
    for first in chunks:
        yield _until_end(first, chunks)


def _until_end(chunk: Chunk, following: Iterator[Chunk]) -> Iterator[Chunk]:
    yield chunk
    while chunk.end is None:
        chunk = next(following)
        yield chunk


def take(batch: Iterator[Chunk], most: int) -> tuple[list[Chunk], bool]:
    """Take the first chunks of a batch, about ``most`` rows or a few MB, and return whether they are all of it."""
    taken: list[Chunk] = []
    rows = size = 0
    while rows <= most and size <= BYTES_AT_ONCE:
        chunk = next(batch)
        taken.append(chunk)
        rows += len(chunk.rows)
        size += chunk.rows.size
        if chunk.end is not None:
            return taken, True
    return taken, False


@dataclass(slots=True)
class Tally:
    """
    The totals of a batch.

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
