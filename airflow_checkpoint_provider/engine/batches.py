"""Rows on their way: cut into batches that may be committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_checkpoint_provider.engine.position import Key, Position

Row = Sequence[Any]
Fetch = Callable[[int], list[Row]]


@dataclass(frozen=True, slots=True)
class Chunk:
    """
    Rows that belong to one transaction.

    :param rows: the rows, possibly none
    :param end: the position after them when the batch is complete; ``None`` while more of it follows
    :param first: the key of the first row
    """

    rows: list[Row]
    end: Position | None
    first: Key | None = None


def batches(chunks: Iterator[Chunk]) -> Iterator[Iterator[Chunk]]:
    """Group chunks into batches; the first chunk of each is read before the batch is handed out."""
    for first in chunks:
        yield _until_end(first, chunks)


def _until_end(chunk: Chunk, following: Iterator[Chunk]) -> Iterator[Chunk]:
    yield chunk
    while chunk.end is None:
        chunk = next(following)
        yield chunk


def as_one_batch(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Keep all chunks in one transaction: only the last one ends it."""
    chunk = next(chunks, None)
    while chunk:
        following = next(chunks, None)
        yield chunk if following is None else replace(chunk, end=None)
        chunk = following


def whole_ties(fetch: Fetch, size: int, tied: Callable[[Row, Row], bool]) -> Iterator[tuple[list[Row], bool]]:
    """
    Cut a sorted stream into batches of ``size`` rows that never end between two rows of equal keys.

    A run of equal keys that is longer than a batch comes in several pieces, so that memory stays bounded.

    :param fetch: returns the next rows, at most as many as asked, none at the end
    :param tied: whether the source holds the keys of two rows for equal, or may do so
    :return: rows, and whether the batch is complete with them
    """
    rows = fetch(size + 1)
    last: Row | None = None  # of the rows handed out, while a run of equal keys may go on behind it
    while rows:
        cut = 0 if last else min(size, len(rows))
        last = last or rows[cut - 1]
        while cut < len(rows) and tied(last, rows[cut]):
            cut += 1
        if cut < len(rows):
            yield rows[:cut], True
            last = None
            rows = rows[cut:]
            rows += fetch(size + 1 - len(rows))
        else:
            following = fetch(size + 1)
            yield rows, not following
            rows = following


def filling(fetchmany: Callable[[int], Sequence[Row]]) -> Fetch:
    """Make a fetch that returns fewer rows than asked only at the end, whatever the driver does."""

    def fetch(count: int) -> list[Row]:
        rows: list[Row] = []
        while len(rows) < count:
            block = fetchmany(count - len(rows))
            if not block:
                break
            rows += block
        return rows

    return fetch
