"""What becomes of Python values in each type of Oracle: exact, or refused."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from airflow_checkpoint_provider.engine.databases.oracle.driver import moment_text
from airflow_checkpoint_provider.engine.databases.values.text_forms import (
    NUMBER_TEXT,
    significant,
    single_precision,
    to_moment,
)

_NO_NUMBERS = frozenset(("NaN", "Infinity", "-Infinity"))
_NUMBER_DIGITS = 38  # that Oracle promises to keep


def to_number(value: Any) -> Any:
    """Turn numbers, and text that is one, into a number of Oracle's 38 digits."""
    if isinstance(value, (bool, int)):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("is not a number that Oracle's NUMBER has")
        return value
    if isinstance(value, (str, Decimal)):
        if isinstance(value, str) and not NUMBER_TEXT.fullmatch(value):
            raise ValueError("is not a number, as Oracle writes it")
        number = _decimal(value)
        if not number.is_finite():
            raise ValueError("is not a number that Oracle's NUMBER has")
        if significant(number) > _NUMBER_DIGITS:
            raise ValueError(f"has more digits than the {_NUMBER_DIGITS} that Oracle keeps")
        return number
    raise ValueError("is not a number")


def _decimal(value: str | Decimal) -> Decimal:
    try:
        return Decimal(value)
    except InvalidOperation:
        raise ValueError("is not a number") from None


def to_float(value: Any) -> float:
    """Turn a number into a float, where that rounds nothing."""
    if isinstance(value, float):
        return value
    if isinstance(value, str) and not (NUMBER_TEXT.fullmatch(value) or value in _NO_NUMBERS):
        raise ValueError("is not a number, as Oracle writes it")
    if isinstance(value, (str, Decimal, int)):
        number = float(value)
        if math.isfinite(number) and Decimal(value) not in (Decimal(number), Decimal(repr(number))):
            raise ValueError("would be rounded")
        return number
    raise ValueError("is not a number")


def to_single(value: Any) -> float:
    """Turn a number into a float of single precision, where that rounds nothing."""
    number = to_float(value)
    if math.isfinite(number) and number not in single_precision(number):
        raise ValueError("would be rounded")
    return number


def to_text(value: Any) -> str:
    """Turn a value with a text form into text; bytes have none."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise ValueError("is bytes; decode them")
    if isinstance(value, bool):
        raise ValueError("has more than one form as text")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def to_json(value: Any) -> str:
    """Leave text as it is, and write everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def to_bytes(value: Any) -> bytes:
    """Return bytes of any kind; text is refused."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise ValueError("is not bytes")


def to_without_zone(value: Any) -> datetime:
    """Turn a value into a time; one with a zone would lose it."""
    moment = to_moment(value)
    if moment.tzinfo:
        raise ValueError("has a time zone, which the column would lose")
    return moment


def to_with_zone(value: Any) -> str:
    """Write a time with its zone; one without would get the session's."""
    moment = to_moment(value)
    if not moment.tzinfo:
        raise ValueError("has no time zone, and Oracle would take the session's")
    return moment_text(moment)


def to_date(value: Any) -> datetime:
    """Turn a value into a time of whole seconds, without zone."""
    moment = to_without_zone(value)
    if moment.microsecond:
        raise ValueError("has a fraction of a second, which the column would lose")
    return moment


_MONTHS = re.compile(r"(?:(?P<years>-?\d+) years?\s*)?(?:(?P<months>-?\d+) mons?\s*)?")
_YEARS = re.compile(r"(?P<sign>[-+]?)(?P<years>\d+)-(?P<months>\d+)")


def to_year_month(value: Any) -> str:
    """Convert an interval of years and months, as Oracle or Postgres writes it."""
    if isinstance(value, str) and _YEARS.fullmatch(value):
        return value
    if isinstance(value, str) and value == "00:00:00":
        return "+0-0"
    match = _MONTHS.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise ValueError("is not a number of years and months")
    months = 12 * int(match["years"] or 0) + int(match["months"] or 0)
    return f"{'-' if months < 0 else '+'}{abs(months) // 12}-{abs(months) % 12}"


def to_boolean(value: Any) -> bool:
    """Turn true and false, 1 and 0 into a boolean."""
    known = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
    found = known.get(str(value).lower())
    if found is None:
        raise ValueError("is neither true nor false")
    return found
