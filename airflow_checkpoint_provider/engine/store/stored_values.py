"""Checked values of the metadata tables: of their column's type, and no larger than the package writes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.model.stored_text import LONGEST_NAME, LONGEST_TEXT, shown
from airflow_checkpoint_provider.engine.store.schema.columns import LongText, RowId, UTCDateTime

LONGEST_MESSAGE = 10_000
"""The most characters of an error or a reason; a longer one is cut."""
_MESSAGES = ("last_error", "detail", "error")
_KEYS = (
    "position",
    "start_position",
    "lower_bound",
    "upper_bound",
)  # one that is too long stays, and counts as unreadable
_LARGEST = 2**63 - 1


def columns_to_read(connection: sa.Connection, rows: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    """Return a metadata table's columns for a SELECT; the database cuts long text, where it is known to."""
    if not dialect_of(connection).cuts_text:
        return list(rows.c)
    return [_cut(column) if _reader_of(column) is _text else column for column in rows.c]


def _cut(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    first: sa.ColumnElement[int] = sa.literal_column("1")
    most: sa.ColumnElement[int] = sa.literal_column(
        str(_most(column) + 1)
    )  # one more shows that it is longer
    return sa.type_coerce(sa.func.substr(column, first, most), column.type).label(column.name)


def _most(column: sa.ColumnElement[Any]) -> int:
    if not isinstance(column.type, LongText):
        return LONGEST_NAME
    return LONGEST_MESSAGE if column.name in _MESSAGES else LONGEST_TEXT


def checked(row: Mapping[str, Any], columns: Mapping[str, sa.Column[Any]]) -> dict[str, Any]:
    """
    Return the values of a row, each of its column's type.

    SQLite stores text in a numeric column, too, and a table made by other means may have other types.

    :param columns: of the table, by name; values of other columns are left out
    :raises ValueError: names the first column whose value is not of its type
    """
    return {name: _value(row[name], column) for name, column in columns.items() if name in row}


def _value(value: Any, column: sa.ColumnElement[Any]) -> Any:
    read = _reader_of(column)
    if value is None and (column.nullable or read is _text):
        return None  # Oracle stores empty text as NULL
    if (known := read(value, column)) is None:
        raise ValueError(f"{column.name} is {shown(value)}")
    return known


def _reader_of(column: sa.ColumnElement[Any]) -> Any:
    if isinstance(column.type, (sa.Integer, RowId)):
        return _number
    return _moment if isinstance(column.type, UTCDateTime) else _text


def _number(value: Any, column: sa.ColumnElement[Any]) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    if not -_LARGEST <= value <= _LARGEST or value != int(value):
        return None
    return int(value)


def _moment(value: Any, column: sa.ColumnElement[Any]) -> datetime | None:
    return value if isinstance(value, datetime) else None


def _text(value: Any, column: sa.ColumnElement[Any]) -> str | None:
    if not isinstance(value, str):
        return None
    most = _most(column)
    if len(value) <= most or column.name in _KEYS:
        return value
    return f"{value[: most - 3]}..." if column.name in _MESSAGES else None
