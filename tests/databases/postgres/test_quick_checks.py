"""Checking many values at once accepts only values that pass one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_checkpoint_provider.engine.databases.postgres.values import destination_checks
from airflow_checkpoint_provider.engine.databases.postgres.values.destination_checks import ValueCheck
from airflow_checkpoint_provider.engine.databases.postgres.values.quick_checks import keeps_all
from airflow_checkpoint_provider.engine.databases.postgres.values.types import PostgresType
from airflow_checkpoint_provider.engine.model.errors import BadRowsError


def numeric(precision: int, scale: int) -> PostgresType:
    return PostgresType(1700, "numeric", "b", (precision << 16) + (scale & 0x7FF) + 4, "numeric")


TYPES = [
    *(numeric(20, scale) for scale in (-2, 0, 1, 2, 15, 16)),
    *(PostgresType(1043, "varchar", "b", length + 4, "varchar") for length in (1, 5)),
    PostgresType(1042, "bpchar", "b", 9, "char(5)"),
    PostgresType(1114, "timestamp", "b", -1, "timestamp"),
    PostgresType(1114, "timestamp", "b", 3, "timestamp(3)"),
    PostgresType(1184, "timestamptz", "b", -1, "timestamptz"),
    PostgresType(1082, "date", "b", -1, "date"),
]
VALUES = st.one_of(
    st.integers(),
    st.booleans(),
    st.floats(),
    st.integers(0, 10**6).map(lambda n: n / 100),
    st.decimals(),
    st.decimals(places=2, min_value=-(10**9), max_value=10**9),
    st.text(max_size=7),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes().map(str),
    st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds")),
    st.dates(),
    st.dates().map(str),
    st.binary(max_size=5),
)


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: f"{type_.declared} {type_.modifier}")
@given(values=st.lists(VALUES, min_size=1, max_size=3))
@example(values=[0.29, 1e22, 123456789.12])
@example(values=[0.123])
@example(values=[float("nan")])
@example(values=[Decimal("1E+30"), Decimal("0.001")])
@example(values=["a    ", "b"])
@example(values=["abcde "])
@example(values=["2026-01-01 00:00:00", "2026-01-01T00:00:00"])
@example(values=["2026-W01-1", "20260101", "2026-01-01"])
@example(values=[datetime(2026, 1, 1, microsecond=1), date(2026, 1, 1)])
def test_quick_is_exact(type_: PostgresType, values: list[Any]) -> None:
    if not keeps_all(type_, values, set(map(type, values))):
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(destination_checks, "keeps_all", lambda *_: False)
        ValueCheck("c", type_).check(values, padded=False)


def test_each_is_looked_at_where_all_do_not_show_it() -> None:
    with pytest.raises(BadRowsError, match=r"would round 0.123 to 2 decimal places"):
        ValueCheck("c", numeric(5, 2)).check([0.12, 0.123], padded=False)


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        (numeric(12, 2), [1, 0.29, 1e15]),
        (numeric(12, 2), [Decimal("1.50"), Decimal(-3)]),
        (TYPES[7], ["abcde", ""]),
        (TYPES[9], ["2026-01-31 10:11:12", "2026-01-31"]),
        (TYPES[9], [datetime(2026, 1, 31, 10, 11, 12, 131)]),
        (TYPES[12], ["2026-01-31"]),
    ],
)
def test_what_is_quick(type_: PostgresType, values: list[Any]) -> None:
    assert keeps_all(type_, values, set(map(type, values)))


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31 24:00:00",
        "2026-01-31T24:00:00",
        "2026-01-31 10:11:60",
        "0000-01-01",
        "2026-00-01",
        "2026-01-00 10:11:12",
        "2026-01-31 10:11:12.5",
        "2026-01-31\n2026-01-31",
        "٢026-01-31",
    ],
)
def test_texts_that_are_checked_one_by_one(text: str) -> None:
    assert not keeps_all(TYPES[9], ["2026-01-31 10:11:12", text], {str})
