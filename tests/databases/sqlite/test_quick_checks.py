"""Checking many values at once accepts only values that pass one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_checkpoint_provider.engine.databases.sqlite.affinity import Affinity
from airflow_checkpoint_provider.engine.databases.sqlite.stored_values import StoredValues
from airflow_checkpoint_provider.engine.model.errors import BadRowsError

NUMBERS = [Affinity.REAL, Affinity.NUMERIC, Affinity.INTEGER]
VALUES = st.one_of(
    st.none(),
    st.integers(),
    st.floats(allow_nan=False),
    st.decimals(places=2, min_value=-(10**9), max_value=10**9).map(str),
    st.text("-.0123456789e", max_size=17),
    st.dates().map(str),
    st.datetimes().map(str),
)


def column_of(affinity: Affinity) -> StoredValues:
    return StoredValues([affinity], -1, lambda index, why: BadRowsError(f"{index} {why}"))


@pytest.mark.parametrize("affinity", NUMBERS)
@given(values=st.lists(VALUES, min_size=1, max_size=3))
@example(values=["-0.00", "1"])
@example(values=["00.5"])
@example(values=["1234567890123456"])
@example(values=["9007199254740993.5"])
@example(values=["1\n2", "3"])
@example(values=[-0.0])
def test_quick_is_exact(affinity: Affinity, values: list[Any]) -> None:
    column = column_of(affinity)
    if column.keeps_all(affinity, tuple(values), set(map(type, values))):
        assert [None if value is None else column.convert(0, value) for value in values] == values


@pytest.mark.parametrize(
    ("affinity", "values"),
    [
        (Affinity.REAL, ["1047.29", "-0.5", "12", None]),
        (Affinity.REAL, [1.5, None]),
        (Affinity.NUMERIC, [1, 0.29]),
        (Affinity.NUMERIC, ["2026-01-31 10:11:12", "2026-01-31"]),
    ],
)
def test_what_is_quick(affinity: Affinity, values: list[Any]) -> None:
    assert column_of(affinity).keeps_all(affinity, tuple(values), set(map(type, values)))
