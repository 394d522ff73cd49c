"""A key's value typed by a user is converted to the column's type, or refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from airflow_checkpoint_provider.engine.admin.typed_values import value_of_type
from airflow_checkpoint_provider.engine.model.errors import ArgumentError

NOON = datetime(2026, 1, 31, 12)
ID = UUID(int=7)

GOOD = [
    ("7", 1, 7),
    (Decimal(7), 1, 7),
    ("7", Decimal("1.5"), Decimal(7)),
    (0.1, Decimal("1.5"), Decimal("0.1")),
    ("0.25", 1.0, 0.25),
    (" a ", "b", " a "),
    ("00ff", b"x", b"\x00\xff"),
    ("2026-01-31T12:00", NOON, NOON),
    ("2026-01-31", NOON, datetime(2026, 1, 31)),
    ("2026-01-31T12:00Z", NOON.replace(tzinfo=UTC), NOON.replace(tzinfo=UTC)),
    ("2026-01-31", date(2026, 1, 1), date(2026, 1, 31)),
    ("12:30", time(1), time(12, 30)),
    (str(ID), UUID(int=1), ID),
    (timedelta(1), timedelta(2), timedelta(1)),
    (True, False, True),
]


@pytest.mark.parametrize(("given", "example", "value"), GOOD)
def test_it_becomes_one_of_the_type(given: Any, example: Any, value: Any) -> None:
    found = value_of_type("c", given, example)
    assert (found, type(found)) == (value, type(value))


BAD = [
    ("1.5", 1),
    (1.5, 1),
    ("inf", 1.0),
    ("nan", Decimal(1)),
    (True, 1),
    (None, 1),
    (5, "text"),
    ("zz", b"x"),
    ("soon", NOON),
    (NOON.date(), NOON),
    (NOON.replace(tzinfo=UTC), NOON),
    (NOON, NOON.replace(tzinfo=UTC)),
    (NOON, date(2026, 1, 1)),
    ("2026-01-31T12:00", date(2026, 1, 1)),
    ("x", UUID(int=1)),
    ("1 day", timedelta(2)),
    ("yes", True),
]


@pytest.mark.parametrize(("given", "example"), BAD)
def test_anything_else_is_refused(given: Any, example: Any) -> None:
    with pytest.raises(ArgumentError, match="is not a value of c; give") as refused:
        value_of_type("c", given, example)
    assert refused.value.__cause__ is not refused.value
