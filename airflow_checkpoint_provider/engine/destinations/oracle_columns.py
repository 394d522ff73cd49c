"""How the columns of a table in Oracle are written: bound as what, and by which conversion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Context, Decimal
from typing import Any

from airflow_checkpoint_provider.engine.destinations.oracle_values import (
    to_boolean,
    to_bytes,
    to_date,
    to_duration,
    to_float,
    to_json,
    to_moment,
    to_number,
    to_text,
    to_with_zone,
    to_without_zone,
    to_year_month,
)
from airflow_checkpoint_provider.engine.oracle import BOUND_MOMENT

_WIDE = Context(prec=200)  # more digits than a value has, so that nothing is rounded in the comparison


@dataclass(frozen=True)
class Column:
    """
    How values are bound for a type.

    :param in_insert: the driver's type in an INSERT; LONG is how LOBs of any size go without a locator
    :param in_merge: the same in a MERGE, where Oracle takes no LONG
    :param convert: turns a value into what the driver takes; a ``ValueError`` says what is wrong with it
    :param as_they_are: Python types that need no conversion
    :param form: the SQL around the placeholder
    """

    in_insert: str
    in_merge: str
    convert: Callable[[Any], Any]
    as_they_are: frozenset[Any]
    form: str = "{}"


def column_of(described: Any) -> Column | None:
    """
    Return how a column is written; ``None`` where it cannot be.

    Oracle itself rounds what has more digits after the point, or of a second, than its column.

    :param described: the column in the driver's ``cursor.description``
    """
    name, precision, scale = described[1].name, described[4], described[5] or 0
    column = _COLUMNS.get(name)
    if column is None:
        return None
    if name == "DB_TYPE_NUMBER" and (precision or scale) and scale >= 0:
        return replace(column, convert=_without_rounding(scale), as_they_are=_NUMBERS)
    if name.startswith(_FRACTIONS) and scale < _DIGITS:
        return replace(column, convert=_no_finer(column.convert, scale), as_they_are=frozenset((_NULL,)))
    return column


def _without_rounding(scale: int) -> Callable[[Any], Any]:
    unit = Decimal(1).scaleb(-scale)

    def convert(value: Any) -> Any:
        number = to_number(value)
        exact = Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
        if exact.quantize(unit, context=_WIDE) != exact:
            raise ValueError(f"would be rounded to {scale} digits after the point")
        return number

    return convert


def _no_finer(convert: Callable[[Any], Any], digits: int) -> Callable[[Any], Any]:
    unit: int = 10 ** (_DIGITS - digits)

    def checked(value: Any) -> Any:
        spanned = convert is to_duration
        fraction = to_duration(value).microseconds if spanned else to_moment(value).microsecond
        if fraction % unit:
            raise ValueError(f"has a fraction of a second with more digits than the {digits} of the column")
        return convert(value)

    return checked


_NULL = type(None)
_DIGITS = 6  # of a second, that a datetime holds
_FRACTIONS = ("DB_TYPE_TIMESTAMP", "DB_TYPE_INTERVAL_DS")
_STR = frozenset((str, _NULL))
_RAW = frozenset((bytes, _NULL))
_NUMBERS = frozenset((int, _NULL))
_ZONED = f"TO_TIMESTAMP_TZ({{}}, '{BOUND_MOMENT}')"


def _same(name: str, convert: Callable[[Any], Any], as_they_are: frozenset[Any]) -> Column:
    return Column(name, name, convert, as_they_are)


_COLUMNS = {
    "DB_TYPE_NUMBER": _same("DB_TYPE_NUMBER", to_number, _NUMBERS),
    "DB_TYPE_BINARY_DOUBLE": _same("DB_TYPE_BINARY_DOUBLE", to_float, frozenset((float, _NULL))),
    "DB_TYPE_BINARY_FLOAT": _same("DB_TYPE_BINARY_DOUBLE", to_float, frozenset((float, _NULL))),
    "DB_TYPE_VARCHAR": _same("DB_TYPE_VARCHAR", to_text, _STR),
    "DB_TYPE_CHAR": _same("DB_TYPE_CHAR", to_text, _STR),
    "DB_TYPE_NVARCHAR": _same("DB_TYPE_NVARCHAR", to_text, _STR),
    "DB_TYPE_NCHAR": _same("DB_TYPE_NCHAR", to_text, _STR),
    "DB_TYPE_ROWID": _same("DB_TYPE_VARCHAR", to_text, _STR),
    "DB_TYPE_UROWID": _same("DB_TYPE_VARCHAR", to_text, _STR),
    "DB_TYPE_LONG": Column("DB_TYPE_LONG", "DB_TYPE_VARCHAR", to_text, _STR),
    "DB_TYPE_CLOB": Column("DB_TYPE_LONG", "DB_TYPE_CLOB", to_text, _STR),
    "DB_TYPE_NCLOB": Column("DB_TYPE_LONG_NVARCHAR", "DB_TYPE_NCLOB", to_text, _STR),
    "DB_TYPE_JSON": Column("DB_TYPE_CLOB", "DB_TYPE_CLOB", to_json, _STR, "JSON({})"),
    "DB_TYPE_XMLTYPE": _same("DB_TYPE_CLOB", to_text, _STR),
    "DB_TYPE_RAW": _same("DB_TYPE_RAW", to_bytes, _RAW),
    "DB_TYPE_LONG_RAW": Column("DB_TYPE_LONG_RAW", "DB_TYPE_RAW", to_bytes, _RAW),
    "DB_TYPE_BLOB": Column("DB_TYPE_LONG_RAW", "DB_TYPE_BLOB", to_bytes, _RAW),
    "DB_TYPE_DATE": _same("DB_TYPE_DATE", to_date, frozenset((_NULL,))),
    "DB_TYPE_TIMESTAMP": _same("DB_TYPE_TIMESTAMP", to_without_zone, frozenset((_NULL,))),
    "DB_TYPE_TIMESTAMP_TZ": Column(
        "DB_TYPE_VARCHAR", "DB_TYPE_VARCHAR", to_with_zone, frozenset((_NULL,)), _ZONED
    ),
    "DB_TYPE_TIMESTAMP_LTZ": Column(
        "DB_TYPE_VARCHAR", "DB_TYPE_VARCHAR", to_with_zone, frozenset((_NULL,)), _ZONED
    ),
    "DB_TYPE_INTERVAL_DS": _same("DB_TYPE_INTERVAL_DS", to_duration, frozenset((timedelta, _NULL))),
    "DB_TYPE_INTERVAL_YM": Column(
        "DB_TYPE_VARCHAR", "DB_TYPE_VARCHAR", to_year_month, frozenset((_NULL,)), "TO_YMINTERVAL({})"
    ),
    "DB_TYPE_BOOLEAN": _same("DB_TYPE_BOOLEAN", to_boolean, frozenset((bool, _NULL))),
}
