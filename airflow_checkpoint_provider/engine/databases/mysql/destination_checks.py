"""What MySQL would change without a word, even in its strict mode: found before it is sent."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql as types

from airflow_checkpoint_provider.engine.databases.mysql.drivers import as_parameter
from airflow_checkpoint_provider.engine.databases.values import places
from airflow_checkpoint_provider.engine.model.errors import BadRowsError

Check = Callable[[Sequence[Any]], None]

_NATIVE = frozenset((int, float, str, bytes, bool, type(None), Decimal, date))


def converted(values: Sequence[Any]) -> Sequence[Any]:
    """Return a column's values as the drivers write them without a change."""
    if set(map(type, values)) <= _NATIVE:
        return values
    return [_converted(value) for value in values]


def check_of(column: str, type_: Any) -> Check | None:
    """
    Return what looks at a column's values before they are written, if anything has to.

    :param column: which one, for messages
    :param type_: SQLAlchemy's, as the catalog has it
    """
    if isinstance(type_, (types.DATETIME, types.TIMESTAMP, types.TIME)):
        return lambda values: _check_fractions(column, type_, values)
    if isinstance(type_, sa.Date):
        return lambda values: _check_days(column, values)
    if isinstance(type_, sa.Integer):
        return lambda values: _check_whole(column, values)
    if isinstance(type_, sa.Float):
        return lambda values: _check_finite(column, values)
    if isinstance(type_, sa.Numeric):
        return lambda values: _check_scale(column, int(type_.scale or 0), values)
    return None


def _check_fractions(column: str, type_: Any, values: Iterable[Any]) -> None:
    digits = type_.fsp or 0
    unit = 10 ** (6 - digits)
    for value in values:
        if isinstance(value, str):
            exact = len(value.partition(".")[2].rstrip("0")) <= digits
        else:
            exact = not getattr(value, "microsecond", 0) % unit
        if not exact:
            raise BadRowsError(
                f"{column} would lose fractions of a second of {value}, as it keeps {digits} digits of them. Declare "
                f"it {type_.__visit_name__}(6), or cut them off in the query."
            )


def _check_days(column: str, values: Iterable[Any]) -> None:
    for value in values:
        if isinstance(value, datetime) and value.time() != time():
            raise BadRowsError(
                f"{column} would lose the time of {value}, as it is a DATE. Declare it DATETIME(6), or cast it in "
                "the query."
            )


def _check_whole(column: str, values: Iterable[Any]) -> None:
    for value in values:
        if isinstance(value, (int, type(None))):
            continue
        if not _is_whole(value):
            raise BadRowsError(
                f"{column} would round {value!r}, or read something else in it, as it is an integer. Declare it "
                "DECIMAL, DOUBLE or TEXT, or cast it in the query."
            )


def _is_whole(value: Any) -> bool:
    try:
        return Decimal(value) == int(value)
    except (ValueError, TypeError, ArithmeticError):
        return False


def _check_finite(column: str, values: Iterable[Any]) -> None:
    for value in values:
        if isinstance(value, (float, Decimal)) and not math.isfinite(value):
            raise BadRowsError(f"{column} cannot hold {value}: MySQL has no such number. {_NULL_INSTEAD}")


def _check_scale(column: str, scale: int, values: Iterable[Any]) -> None:
    for value in values:
        if isinstance(value, (int, type(None))):
            continue
        try:
            number = Decimal(str(value))
        except ArithmeticError:
            continue  # no number: the server says so
        if not number.is_finite():
            raise BadRowsError(f"{column} cannot hold {value}: MySQL has no such number. {_NULL_INSTEAD}")
        if places(number) > scale:
            raise BadRowsError(
                f"{column} would round {value} to {scale} digits behind the point. Declare it with more, or round it "
                "in the query."
            )


_NULL_INSTEAD = "Have the query, or rows_processor, return NULL instead."


def _converted(value: Any) -> Any:
    if isinstance(value, time) and value.tzinfo:
        raise BadRowsError(f"MySQL has no time of day with a time zone ({value}). Cast it in the query.")
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return as_parameter(value)
