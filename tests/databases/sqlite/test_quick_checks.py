"""What is shown of many values at once is what each of them shows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_checkpoint_provider.engine.databases.sqlite.destination import Affinity, SqliteDestination
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName

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


def destination_of(affinity: Affinity) -> SqliteDestination:
    destination = object.__new__(SqliteDestination)
    destination.conn_id, destination.table = "dst", TableName("t")
    destination.columns, destination._affinities = ["c"], {"c": affinity}
    return destination


@pytest.mark.parametrize("affinity", NUMBERS)
@given(values=st.lists(VALUES, min_size=1, max_size=3))
@example(values=["-0.00", "1"])
@example(values=["00.5"])
@example(values=["1234567890123456"])
@example(values=["9007199254740993.5"])
@example(values=["1\n2", "3"])
@example(values=[-0.0])
def test_quick_is_exact(affinity: Affinity, values: list[Any]) -> None:
    destination = destination_of(affinity)
    if destination._keeps_all(affinity, tuple(values), set(map(type, values))):
        assert [None if value is None else destination._convert(0, value) for value in values] == values


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
    assert destination_of(affinity)._keeps_all(affinity, tuple(values), set(map(type, values)))
