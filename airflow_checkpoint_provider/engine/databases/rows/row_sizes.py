"""How many bytes rows take, so that few large ones are held at a time."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

_EACH_VALUE = 32
"""Approximate bytes that any value takes."""


class RowSizes:
    """Estimates the bytes of Python values; columns of numbers, whose values have no length, are checked once."""

    def __init__(self) -> None:
        self._lengthy: list[int] | None = None

    def of(self, rows: Sequence[Sequence[Any]]) -> int:
        """Return the bytes of rows, all of one width."""
        if not rows:
            return 0
        if self._lengthy is None:
            self._lengthy = list(range(len(rows[0])))
        size = len(rows) * len(rows[0]) * _EACH_VALUE
        for index in tuple(self._lengthy):
            values = map(itemgetter(index), rows)
            try:
                size += sum(map(len, values))
            except TypeError:
                size += self._mixed(index, [row[index] for row in rows])
        return size

    def _mixed(self, index: int, values: Sequence[Any]) -> int:
        known = [value for value in values if value is not None]
        sized = [value for value in known if hasattr(value, "__len__")]
        if known and not sized and self._lengthy:
            self._lengthy.remove(index)
        return sum(map(len, sized))
