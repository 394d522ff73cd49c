"""Values of MySQL, read alike by every driver: none becomes NULL, or loses a digit or a zone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

ValueReader = Callable[[Any], Any]

FLOAT, DOUBLE, TIMESTAMP, LONGLONG, DATE, TIME, DATETIME, YEAR, BIT = 4, 5, 7, 8, 10, 11, 12, 13, 16
JSON, ENUM, SET, GEOMETRY = 245, 247, 248, 255
NARROW = (1, 2, 3, 9)  # whole numbers of up to 32 bits
STRINGS = (15, 249, 250, 251, 252, 253, 254)
MOMENTS = frozenset((DATE, DATETIME, TIMESTAMP))
_WHOLE = frozenset((*NARROW, LONGLONG, YEAR))
DECIMALS = frozenset((0, 246))
_BYTES_ONLY = 63  # the character set of values that are not text
_ENUM_FLAG, _SET_FLAG = 256, 2048


class NoSuchMomentError(Exception):
    """A day that MySQL may hold and Python cannot, such as 0000-00-00."""


def own_readers() -> dict[int, ValueReader]:
    """Return the readers of types that the drivers read differently, or as NULL."""
    return {DATE: _date, DATETIME: _datetime, TIMESTAMP: _instant, TIME: _time, BIT: _bit}


def readers(description: Sequence[Any]) -> list[ValueReader | None]:
    """Choose a reader for each column that MySQL's own driver leaves unread, from its description."""
    return [_reader(column[1], column[8]) for column in description]


def read(rows: Sequence[Any], by: Sequence[ValueReader | None]) -> list[Any]:
    """Read rows of a raw cursor."""
    return [
        tuple(value if value is None or not to else to(value) for to, value in zip(by, row, strict=True))
        for row in rows
    ]


def is_listed(cursor: Any, index: int) -> bool:
    """Return whether a column is an ENUM or a SET."""
    if hasattr(cursor, "description_flags"):
        flags = cursor.description_flags[index]
    elif len(cursor.description[index]) > 7:
        flags = cursor.description[index][7]
    else:
        flags = cursor._result.fields[index].flags  # PyMySQL has them nowhere else
    return bool(flags & (_ENUM_FLAG | _SET_FLAG))


def _reader(type_: int, charset: int) -> ValueReader | None:
    if own := own_readers().get(type_):
        return own
    if type_ in _WHOLE:
        return int
    if type_ in (FLOAT, DOUBLE):
        return float
    if type_ in DECIMALS:
        return lambda value: Decimal(_text(value))
    return bytes if charset == _BYTES_ONLY and type_ != JSON else _text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else bytes(value).decode()


def _date(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except TypeError:  # some drivers return bytes
        return _date(_text(value))
    except ValueError as error:
        raise NoSuchMomentError(value) from error


def _datetime(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except TypeError:
        return _datetime(_text(value))
    except ValueError as error:
        raise NoSuchMomentError(value) from error


def _instant(value: Any) -> datetime:
    return _datetime(value).replace(tzinfo=UTC)  # the zone of the session


def _time(value: Any) -> timedelta:
    """Read a TIME, which is a span of up to 838 hours, and may be negative."""
    text = _text(value)
    hours, minutes, seconds = text.lstrip("-").split(":")
    whole, _, fraction = seconds.partition(".")
    span = timedelta(
        hours=int(hours), minutes=int(minutes), seconds=int(whole), microseconds=int(fraction.ljust(6, "0"))
    )
    return -span if text.startswith("-") else span


def _bit(value: Any) -> int:
    return int.from_bytes(value if isinstance(value, bytes | bytearray) else value.encode("latin-1"), "big")
