"""Positions: written and read back exactly, compared, measured."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from airflow_checkpoint_provider.engine.model.errors import InvalidCheckpointError
from airflow_checkpoint_provider.engine.model.key import (
    Unreadable,
    decode_key,
    encode_key,
    kind,
    stored_key,
    tie,
)
from airflow_checkpoint_provider.engine.model.position import earlier, fraction

VALUES: list[Any] = [
    0,
    -(10**40),
    True,
    False,
    Decimal("1.500"),
    Decimal("-1E-40"),
    Decimal("Infinity"),
    0.1,
    -0.0,
    5e-324,
    math.inf,
    "",
    'a"b\\c\n\x00ä\u2028\U0001f600',
    b"",
    b"\x00\xff",
    date(1, 1, 1),
    datetime(9999, 12, 31, 23, 59, 59, 999999),
    datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=UTC),
    datetime(1890, 1, 1, tzinfo=timezone(timedelta(minutes=19, seconds=32))),
    time(23, 59, 59, 1),
    time(1, 2, tzinfo=timezone(timedelta(hours=-3))),
    timedelta(days=-3, microseconds=1),
    UUID(int=2**128 - 1),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_is_read_back_is_what_was_written(value: Any) -> None:
    (read,) = decode_key(encode_key((value,)))
    assert (type(read), repr(read)) == (type(value), repr(value))


def test_not_a_number_is_read_back_and_ties_with_itself() -> None:
    for value in (math.nan, Decimal("NaN")):
        (read,) = decode_key(encode_key((value,)))
        assert type(read) is type(value)
        assert tie((read,)) == tie((value,))


def test_a_composite_key_is_written_as_one() -> None:
    assert decode_key(encode_key((1, "a", 2.5))) == (1, "a", 2.5)


@pytest.mark.parametrize("value", [None, object(), [1], {"a": 1}])
def test_what_cannot_be_a_position_says_what_to_do(value: Any) -> None:
    with pytest.raises(InvalidCheckpointError, match=f"type {type(value).__name__} .* cast it in the query"):
        encode_key((value,))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        "{}",
        "null",
        "1",
        '["int"]',
        '[["int"]]',
        '[["int","x"]]',
        '[["int",1]]',
        '[["what","1"]]',
    ],
)
def test_what_is_no_position_stays_as_it_is(text: str) -> None:
    key = stored_key(text)
    assert key == (Unreadable(text),)
    assert encode_key(key) == text


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a", "A", True),
        ("straße", "STRASSE", True),
        ("é", "e\u0301", True),
        ("a ", "a", True),
        ("a", "b", False),
        (1, 1.0, True),
        (Decimal("1.0"), 1, True),
        (0.0, -0.0, True),
        (b"a", memoryview(b"a"), True),
        (
            datetime(2026, 1, 1, 12, tzinfo=UTC),
            datetime(2026, 1, 1, 13, tzinfo=timezone(timedelta(hours=1))),
            True,
        ),
    ],
)
def test_keys_that_a_source_may_hold_for_equal(one: Any, other: Any, same: bool) -> None:
    assert (tie((one, 1)) == tie((other, 1))) is same


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        ((1, Decimal(1), 1.0), {"number"}),
        ((date(2026, 1, 1), datetime(2026, 1, 1)), {"time"}),
        ((datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)), {"time", "time with time zone"}),
        (("1", 1), {"text", "number"}),
        ((True, 1), {"boolean", "number"}),
    ],
)
def test_kinds_of_values_that_compare(values: tuple[Any, ...], groups: set[str]) -> None:
    assert set(map(kind, values)) == groups


@pytest.mark.parametrize(
    ("value", "distance", "expected"),
    [
        (10, 3, 7),
        (Decimal("10.5"), 0.1, Decimal("10.4")),
        (datetime(2026, 1, 1), timedelta(hours=1), datetime(2025, 12, 31, 23)),
        (date(2026, 1, 2), timedelta(days=1), date(2026, 1, 1)),
        (date(2026, 1, 2), timedelta(hours=1), date(2026, 1, 1)),
        ("2026-01-01", timedelta(days=1), "2025-12-31"),
        ("2026-01-01 00:30:00", timedelta(hours=1), "2025-12-31 23:30:00"),
        ("2026-01-01T00:30:00", timedelta(hours=1), "2025-12-31T23:30:00"),
    ],
)
def test_going_back(value: Any, distance: Any, expected: Any) -> None:
    assert earlier(value, distance) == expected


@pytest.mark.parametrize(
    ("lower", "key", "upper", "expected"),
    [
        (0, 5, 10, 0.5),
        (0, -5, 10, 0.0),
        (0, 50, 10, 1.0),
        (date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 5), 0.25),
        (datetime(1, 1, 1), datetime(5000, 1, 1, 12), datetime(9999, 1, 1), pytest.approx(0.5, abs=0.001)),
        (Decimal(0), Decimal("2.5"), Decimal(10), 0.25),
        ("a", "b", "c", None),
        (1, 1, 1, None),
        (-math.inf, 0.0, 1.0, None),
        (0.0, 1.0, math.inf, 0.0),
        (0.0, math.nan, 1.0, None),
        (0, 10**400, 10**401, None),
    ],
)
def test_how_far_it_is(lower: Any, key: Any, upper: Any, expected: float | None) -> None:
    assert fraction((lower,), (key,), (upper,)) == expected


def test_how_far_it_is_without_a_beginning_or_an_end() -> None:
    assert fraction(None, (1,), (2,)) is None
    assert fraction((1,), None, (2,)) is None
    assert fraction((1,), (1,), None) is None
