"""What becomes of Python values in each type of Oracle: exact, or refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from airflow_checkpoint_provider.engine.oracle import BOUND_MOMENT, moment_text

_NUMBER_DIGITS = 38  # that Oracle promises to keep


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


def column_of(type_name: str) -> Column | None:
    """Return how a type is written, by the driver's name for it; ``None`` where it cannot be."""
    return _COLUMNS.get(type_name)


def _number(value: Any) -> Any:
    if isinstance(value, (bool, int)):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("is no number that Oracle's NUMBER has")
        return value
    if isinstance(value, (str, Decimal)):
        number = _decimal(value)
        if not number.is_finite():
            raise ValueError("is no number that Oracle's NUMBER has")
        if len(_digits(number)) > _NUMBER_DIGITS:
            raise ValueError(f"has more digits than the {_NUMBER_DIGITS} that Oracle keeps")
        return number
    raise ValueError("is not a number")


def _decimal(value: str | Decimal) -> Decimal:
    try:
        return Decimal(value)
    except InvalidOperation:
        raise ValueError("is not a number") from None


def _digits(number: Decimal) -> str:
    return "".join(map(str, number.as_tuple().digits)).strip("0")


def _float(value: Any) -> float:
    if isinstance(value, (str, Decimal, int)):
        number = float(value)
        if not isinstance(value, str) and math.isfinite(number) and Decimal(repr(number)) != value:
            raise ValueError("would be rounded")
        return number
    raise ValueError("is not a number")


def _text(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise ValueError("is bytes; decode them")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _bytes(value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise ValueError("is not bytes")


def _moment(value: Any) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        raise ValueError("is not a time")
    return value


def _without_zone(value: Any) -> datetime:
    moment = _moment(value)
    if moment.tzinfo:
        raise ValueError("has a time zone, which the column would lose")
    return moment


def _with_zone(value: Any) -> str:
    moment = _moment(value)
    if not moment.tzinfo:
        raise ValueError("has no time zone, and Oracle would take the session's")
    return moment_text(moment)


def _date(value: Any) -> datetime:
    moment = _without_zone(value)
    if moment.microsecond:
        raise ValueError("has a fraction of a second, which the column would lose")
    return moment


_DAYS = re.compile(
    r"(?:(?P<days>-?\d+) days?\s*)?(?:(?P<sign>[-+]?)(?P<h>\d+):(?P<m>\d\d):(?P<s>\d\d)(?:\.(?P<f>\d{1,6}))?)?"
)
_MONTHS = re.compile(r"(?:(?P<years>-?\d+) years?\s*)?(?:(?P<months>-?\d+) mons?\s*)?")
_YEARS = re.compile(r"(?P<sign>[-+]?)(?P<years>\d+)-(?P<months>\d+)")


def _duration(value: Any) -> timedelta:
    """Take a timedelta, or what Postgres writes for an interval without months."""
    if isinstance(value, timedelta):
        return value
    match = _DAYS.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise ValueError("is not a number of days and seconds; a month has no fixed length")
    part = match.groupdict()
    within = timedelta(
        hours=int(part["h"] or 0),
        minutes=int(part["m"] or 0),
        seconds=int(part["s"] or 0),
        microseconds=int((part["f"] or "0").ljust(6, "0")),
    )
    return timedelta(days=int(part["days"] or 0)) + (-within if part["sign"] == "-" else within)


def _year_month(value: Any) -> str:
    """Take what Oracle, or Postgres, writes for an interval of years and months."""
    if isinstance(value, str) and _YEARS.fullmatch(value):
        return value
    if isinstance(value, str) and value == "00:00:00":
        return "+0-0"
    match = _MONTHS.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise ValueError("is not a number of years and months")
    months = 12 * int(match["years"] or 0) + int(match["months"] or 0)
    return f"{'-' if months < 0 else '+'}{abs(months) // 12}-{abs(months) % 12}"


def _boolean(value: Any) -> bool:
    known = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
    found = known.get(str(value).lower())
    if found is None:
        raise ValueError("is neither true nor false")
    return found


_NULL = type(None)
_STR = frozenset((str, _NULL))
_BYTES = frozenset((bytes, _NULL))
_NUMBERS = frozenset((int, _NULL))
_ZONED = f"TO_TIMESTAMP_TZ({{}}, '{BOUND_MOMENT}')"


def _same(name: str, convert: Callable[[Any], Any], as_they_are: frozenset[Any]) -> Column:
    return Column(name, name, convert, as_they_are)


_COLUMNS = {
    "DB_TYPE_NUMBER": _same("DB_TYPE_NUMBER", _number, _NUMBERS),
    "DB_TYPE_BINARY_DOUBLE": _same("DB_TYPE_BINARY_DOUBLE", _float, frozenset((float, _NULL))),
    "DB_TYPE_BINARY_FLOAT": _same("DB_TYPE_BINARY_DOUBLE", _float, frozenset((float, _NULL))),
    "DB_TYPE_VARCHAR": _same("DB_TYPE_VARCHAR", _text, _STR),
    "DB_TYPE_CHAR": _same("DB_TYPE_CHAR", _text, _STR),
    "DB_TYPE_NVARCHAR": _same("DB_TYPE_NVARCHAR", _text, _STR),
    "DB_TYPE_NCHAR": _same("DB_TYPE_NCHAR", _text, _STR),
    "DB_TYPE_ROWID": _same("DB_TYPE_VARCHAR", _text, _STR),
    "DB_TYPE_UROWID": _same("DB_TYPE_VARCHAR", _text, _STR),
    "DB_TYPE_LONG": Column("DB_TYPE_LONG", "DB_TYPE_VARCHAR", _text, _STR),
    "DB_TYPE_CLOB": Column("DB_TYPE_LONG", "DB_TYPE_CLOB", _text, _STR),
    "DB_TYPE_NCLOB": Column("DB_TYPE_LONG_NVARCHAR", "DB_TYPE_NCLOB", _text, _STR),
    "DB_TYPE_JSON": Column("DB_TYPE_CLOB", "DB_TYPE_CLOB", _json, _STR, "JSON({})"),
    "DB_TYPE_XMLTYPE": _same("DB_TYPE_CLOB", _text, _STR),
    "DB_TYPE_RAW": _same("DB_TYPE_RAW", _bytes, _BYTES),
    "DB_TYPE_LONG_RAW": Column("DB_TYPE_LONG_RAW", "DB_TYPE_RAW", _bytes, _BYTES),
    "DB_TYPE_BLOB": Column("DB_TYPE_LONG_RAW", "DB_TYPE_BLOB", _bytes, _BYTES),
    "DB_TYPE_DATE": _same("DB_TYPE_DATE", _date, frozenset((_NULL,))),
    "DB_TYPE_TIMESTAMP": _same("DB_TYPE_TIMESTAMP", _without_zone, frozenset((_NULL,))),
    "DB_TYPE_TIMESTAMP_TZ": Column(
        "DB_TYPE_VARCHAR", "DB_TYPE_VARCHAR", _with_zone, frozenset((_NULL,)), _ZONED
    ),
    "DB_TYPE_TIMESTAMP_LTZ": Column(
        "DB_TYPE_VARCHAR", "DB_TYPE_VARCHAR", _with_zone, frozenset((_NULL,)), _ZONED
    ),
    "DB_TYPE_INTERVAL_DS": _same("DB_TYPE_INTERVAL_DS", _duration, frozenset((timedelta, _NULL))),
    "DB_TYPE_INTERVAL_YM": Column(
        "DB_TYPE_VARCHAR", "DB_TYPE_VARCHAR", _year_month, frozenset((_NULL,)), "TO_YMINTERVAL({})"
    ),
    "DB_TYPE_BOOLEAN": _same("DB_TYPE_BOOLEAN", _boolean, frozenset((bool, _NULL))),
}
