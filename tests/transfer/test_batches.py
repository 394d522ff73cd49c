"""Cutting a sorted stream into batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from airflow_checkpoint_provider.engine.databases.rows.blocks import RowReader, Rows
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.transfer.batches.batching import (
    Chunk,
    as_one_batch,
    batches,
    by_count,
    whole_ties,
)


class Stream:
    """A cursor's fetchmany, which may return fewer rows than requested."""

    def __init__(self, keys: str, at_most: int = 100) -> None:
        self.left = [(key,) for key in keys]
        self.at_most = at_most

    def __call__(self, count: int) -> list[tuple[str]]:
        count = min(count, self.at_most)
        rows, self.left = self.left[:count], self.left[count:]
        return rows


@pytest.mark.parametrize("at_most", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("size", "batches_of_keys"),
    [
        (2, []),
        (2, ["a"]),
        (2, ["ab"]),
        (2, ["ab", "c"]),
        (2, ["ab", "cd"]),
        (2, ["abb", "c"]),
        (2, ["abb"]),
        (2, ["aaaaaa", "b"]),
        (2, ["aaaaaa"]),
        (1, ["aa", "b"]),
        (1, ["aA", "bB", "c"]),
    ],
)
def test_whole_ties(at_most: int, size: int, batches_of_keys: list[str]) -> None:
    reader = RowReader(Stream("".join(batches_of_keys), at_most))
    blocks = whole_ties(reader, size, lambda one, other: one[0].lower() == other[0].lower())
    given = "".join("|" if block is None else "".join(row[0] for row in block) for block in blocks)
    assert given == "".join(f"{keys}|" for keys in batches_of_keys)


@pytest.mark.parametrize("at_most", [1, 2, 100])
def test_by_count(at_most: int) -> None:
    blocks = by_count(RowReader(Stream("abcdefg", at_most)), 3)
    assert "".join("|" if b is None else "".join(row[0] for row in b) for b in blocks) == "abc|def|g|"


def chunks(text: str) -> Iterator[Chunk]:
    """``ab cd| e|``: three chunks, of which the second and the third end a batch."""
    for number, piece in enumerate(text.split()):
        rows = Rows((letter,) for letter in piece.strip("|"))
        yield Chunk(rows, Position(rows=number + 1) if piece.endswith("|") else None)


def written(groups: Iterator[Iterator[Chunk]]) -> list[list[str]]:
    return [["".join(row[0] for row in cast("Rows", chunk.rows)) for chunk in group] for group in groups]


def test_chunks_are_grouped_into_batches() -> None:
    assert written(batches(chunks("ab cd| e| f g h|"))) == [["ab", "cd"], ["e"], ["f", "g", "h"]]


def test_all_in_one_batch() -> None:
    assert written(batches(as_one_batch(chunks("ab| cd| e|")))) == [["ab", "cd", "e"]]
    assert written(batches(as_one_batch(chunks("")))) == []
