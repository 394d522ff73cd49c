"""Cutting a sorted stream into batches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_checkpoint_provider.engine.batches import Chunk, as_one_batch, batches, filling, whole_ties
from airflow_checkpoint_provider.engine.position import Position


class Stream:
    """Rows that are asked for, and the most that was asked for at once."""

    def __init__(self, keys: str) -> None:
        self.left = [(key,) for key in keys]
        self.most = 0

    def __call__(self, count: int) -> list[tuple[str]]:
        self.most = max(self.most, count)
        rows, self.left = self.left[:count], self.left[count:]
        return rows


@pytest.mark.parametrize(
    ("keys", "size", "pieces"),
    [
        ("", 2, []),
        ("a", 2, ["a|"]),
        ("ab", 2, ["ab|"]),
        ("abc", 2, ["ab|", "c|"]),
        ("abcd", 2, ["ab|", "cd|"]),
        ("abbc", 2, ["abb|", "c|"]),
        ("abb", 2, ["abb", "|"]),
        ("aaaaaab", 2, ["aaa", "aaa", "|", "b|"]),
        ("aaaaaa", 2, ["aaa", "aaa|"]),
        ("aab", 1, ["aa", "|", "b|"]),
        ("aAbBc", 1, ["aA", "|", "bB|", "c|"]),
    ],
)
def test_whole_ties(keys: str, size: int, pieces: list[str]) -> None:
    stream = Stream(keys)
    given = [
        "".join(row[0] for row in rows) + "|" * complete
        for rows, complete in whole_ties(stream, size, lambda one, other: one[0].lower() == other[0].lower())
    ]
    assert "".join(given).replace("|", "") == keys
    assert [piece for piece in "".join(given).split("|") if piece] == [
        piece for piece in "".join(pieces).split("|") if piece
    ]
    assert stream.most <= size + 1


def chunks(text: str) -> Iterator[Chunk]:
    """``ab cd| e|``: three chunks, of which the second and the third end a batch."""
    for number, piece in enumerate(text.split()):
        rows = [(letter,) for letter in piece.strip("|")]
        yield Chunk(rows, Position(rows=number + 1) if piece.endswith("|") else None)


def written(groups: Iterator[Iterator[Chunk]]) -> list[list[str]]:
    return [["".join(row[0] for row in chunk.rows) for chunk in group] for group in groups]


def test_chunks_are_grouped_into_batches() -> None:
    assert written(batches(chunks("ab cd| e| f g h|"))) == [["ab", "cd"], ["e"], ["f", "g", "h"]]


def test_all_in_one_batch() -> None:
    assert written(batches(as_one_batch(chunks("ab| cd| e|")))) == [["ab", "cd", "e"]]
    assert written(batches(as_one_batch(chunks("")))) == []


def test_a_driver_that_returns_less_is_asked_again() -> None:
    stream = Stream("abcdefg")
    fetch = filling(lambda count: stream(min(count, 2)))
    assert [len(fetch(3)) for _ in range(4)] == [3, 3, 1, 0]
