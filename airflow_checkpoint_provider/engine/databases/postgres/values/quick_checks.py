"""Checks of many values at once that Postgres keeps them: to check each one takes longer than to send it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import repeat
from operator import attrgetter, eq, mul, truediv
from typing import Any

from airflow_checkpoint_provider.engine.databases.postgres.values.types import PostgresType
from airflow_checkpoint_provider.engine.databases.values.text_forms import are_dated_texts

_FLOAT_DIGITS = 15
_NUMBERS = frozenset((int, float, Decimal))
_ALL_DIGITS = 6  # of a second, as many as Python and Postgres have
_DAY, _SECONDS, _MICROSECONDS = (len(text) for text in ("2026-01-01", "2026-01-01 00:00:00", "x" * 26))


def keeps_all(type_: PostgresType, values: Sequence[Any], kinds: Collection[type]) -> bool:
    """
    Return whether a column is known to keep all values.

    :param values: without NULL
    :param kinds: their types
    """
    quick = _QUICK.get(type_.kind)
    return quick is not None and quick(type_, values, kinds)


def _texts(type_: PostgresType, values: Sequence[Any], kinds: Collection[type]) -> bool:
    return kinds == {str} and type_.length is not None and max(map(len, values)) <= type_.length


def _numbers(type_: PostgresType, values: Sequence[Any], kinds: Collection[type]) -> bool:
    scale = type_.scale
    if not _NUMBERS.issuperset(kinds) or scale is None or not 0 <= scale <= _FLOAT_DIGITS:
        return False
    try:
        if kinds == {float}:  # the float nearest to a number of so many places is written as that number
            parts = map(round, map(mul, values, repeat(10**scale)))
            return all(map(eq, map(truediv, parts, repeat(10**scale)), values))
        return all(map(eq, map(round, values, repeat(scale)), values))
    except (ArithmeticError, ValueError):  # infinity, NaN, or more digits than a Decimal is rounded with
        return False


def _moments(type_: PostgresType, values: Sequence[Any], kinds: Collection[type]) -> bool:
    if type_.fraction != _ALL_DIGITS:
        return False
    if kinds == {datetime}:
        return set(map(attrgetter("tzinfo"), values)) == {None}
    return kinds == {str} and are_dated_texts(values, (_DAY, _SECONDS, _MICROSECONDS))


def _days(type_: PostgresType, values: Sequence[Any], kinds: Collection[type]) -> bool:
    return kinds == {str} and are_dated_texts(values, (_DAY,))


_QUICK: dict[str, Callable[[PostgresType, Sequence[Any], Collection[type]], bool]] = {
    "varchar": _texts,
    "numeric": _numbers,
    "timestamp": _moments,
    "date": _days,
}
