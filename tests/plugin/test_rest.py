"""The condition of the rows that are left."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.key import Unreadable
from airflow_checkpoint_provider.engine.model.position import BEGINNING, Position
from airflow_checkpoint_provider.plugin.display.rest import left_where
from tests.support.plugin_events import checkpoint


@pytest.mark.parametrize(
    ("key", "upper", "where"),
    [
        ((500,), (1000,), "WHERE id > 500 AND id <= 1000"),
        ((Decimal("1.50"),), (Decimal(2),), "WHERE id > 1.50 AND id <= 2"),
        (("it's",), ("z",), "WHERE id > 'it''s' AND id <= 'z'"),
        ((date(2026, 1, 2),), (date(2026, 1, 3),), "WHERE id > '2026-01-02' AND id <= '2026-01-03'"),
        (
            (datetime(2026, 1, 2, 3, tzinfo=UTC),),
            (datetime(2026, 1, 3, tzinfo=UTC),),
            "WHERE id > '2026-01-02 03:00:00+00:00' AND id <= '2026-01-03 00:00:00+00:00'",
        ),
        ((1000,), (1000,), None),
        ((b"a",), (b"b",), None),
        ((True,), (False,), None),
        ((1.5,), (2.5,), None),
        ((Unreadable("?"),), (2,), None),
        ((1,), None, None),
    ],
)
def test_of_one_column(key: Any, upper: Any, where: str | None) -> None:
    assert left_where(checkpoint(position=Position(key), upper=upper)) == where


def test_from_the_beginning() -> None:
    assert left_where(checkpoint(position=BEGINNING)) == "WHERE id <= 1000"
    assert left_where(checkpoint(position=Position(None, 5), key_columns=(), upper=None)) is None


def test_of_several_columns() -> None:
    stored = checkpoint(key_columns=("a", "b"), position=Position((1, 2)), upper=(3, 4))
    assert left_where(stored) == ("WHERE (a > 1 OR (a = 1 AND b > 2)) AND (a < 3 OR (a = 3 AND b <= 4))")
