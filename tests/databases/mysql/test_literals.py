"""Literals written many at a time equal those that mysqlclient writes one by one, to the byte."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.mysql.rows.literals import tuples_of
from tests.support.databases.db import Db
from tests.support.databases.mysql_drivers import DRIVERS

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif("MySQLdb" not in DRIVERS, reason="there is no mysqlclient"),
]

COLUMNS: list[list[Any]] = [
    [0, -1, 2**64, 10**40],
    [1, None, True, 7],
    [None, None],
    ["", "a", " ", "NULL", "%s %% %(a)s", "?", "ä😀", "\u2028"],
    ["'", "''", "\\", "\\'", '"', "\0", "\n\r\t\b\x1a", "\\N", "),("],
    ["a", None, "", None, "'"],
    ["with \x1f in it", "\x1f", "\x1f\x1f", "b"],
    [0.1, -0.0, 1e22, 1e-300, 1.7976931348623157e308, 5.0, None],
    [Decimal("1E+5"), Decimal("-0.00"), Decimal("1.50"), Decimal(10) ** 60, None],
    [b"", b"'\\\0\xff", None],
    [date(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999), None],
    [datetime(2026, 1, 1), datetime(1, 1, 1, 1, 2, 3, 4), None],
    [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1)],
    [date(2026, 1, 1), date(999, 1, 1), None],
    [1, "1", 1.0, Decimal(1), b"1", None],
]


@pytest.fixture
def raw(mysql_destination: str) -> Any:
    with closing(Db("mysql", mysql_destination, "MySQLdb").connect()) as connection:
        connection.set_character_set("utf8mb4")
        yield connection


@pytest.mark.parametrize("mode", ["", "NO_BACKSLASH_ESCAPES"])
@pytest.mark.parametrize("values", COLUMNS, ids=range(len(COLUMNS)))
def test_a_column_is_written_as_the_driver_writes_it(raw: Any, values: list[Any], mode: str) -> None:
    raw.query(f"SET SESSION sql_mode = '{mode}'")
    rows = [(n, value) for n, value in enumerate(values)]
    expected = b",".join(b"(%d,%s)" % (n, raw.literal(value)) for n, value in rows)
    assert tuples_of(raw, rows) == expected


@pytest.mark.parametrize(
    "value",
    ["a\ud800", float("nan"), float("-inf"), timedelta(1), object()],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_the_driver_refuses(raw: Any, value: Any) -> None:
    like = "a" if isinstance(value, str) else 1.5 if isinstance(value, float) else value
    outcomes = []
    for write in (lambda: tuples_of(raw, [(like,), (value,)]), lambda: raw.literal(value)):
        try:
            outcomes.append(type(write()))
        except Exception as error:
            outcomes.append(f"{type(error)}: {error}")
    assert outcomes[0] == outcomes[1]
