"""Hostile values for any argument."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

STRINGS = [
    *("", " ", "\0", "a\0b", "\ud800", "é", "\u202e", "x" * 300, "1e400", "-1", "nan", "None", "true", "*"),
    *(
        "'; DROP TABLE target; --",
        'a"b',
        '"a"',
        "a.b.c",
        "..",
        '"',
        "`",
        "%s",
        "%(x)s",
        "%",
        ":p",
        "?",
        "$1",
        "{0}",
    ),
    *(
        "SELECT",
        "SELECT 1;",
        "SELECT * FROM",
        "{{ 7*7 }}",
        "{% raw %}",
        "<script>alert(1)</script>",
        "\n",
        "a\nb",
    ),
    *(
        "orders",
        "target",
        "id",
        "name",
        "src",
        "dst",
        "auto",
        "key",
        "python",
        "append",
        "upsert",
        "task",
        "run",
    ),
]
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(STRINGS),
    st.text(max_size=8),
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 2**31 - 1, 2**31, 2**63, -(2**63) - 1, 10**30, 10**400]),
    st.sampled_from([0.0, -0.0, 1.5, 1e308, float("nan"), float("inf"), float("-inf")]),
    st.sampled_from([Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("1e999"), 1j]),
    st.sampled_from(
        [timedelta.max, timedelta.min, timedelta(0), date.min, datetime.max, b"", b"\xff", object(), int]
    ),
)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.sampled_from(STRINGS), st.integers(), st.none()), inner, max_size=3),
        st.sets(st.text(max_size=2), max_size=2),
    ),
    max_leaves=6,
)
