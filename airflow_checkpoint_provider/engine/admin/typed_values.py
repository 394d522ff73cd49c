"""Values that people give as text, read as values of a column's type."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.key import kind

_READERS: dict[type, tuple[Callable[[str], Any], str]] = {
    int: (int, "a whole number"),
    Decimal: (Decimal, "a number"),
    float: (float, "a number"),
    str: (str, "text"),
    bytes: (bytes.fromhex, "bytes, in hexadecimal"),
    datetime: (datetime.fromisoformat, "a time, such as 2026-01-31T23:59:59"),
    date: (date.fromisoformat, "a date, such as 2026-01-31"),
    time: (time.fromisoformat, "a time of day, such as 23:59:59"),
    UUID: (UUID, "a UUID"),
}


def value_of_type(column: str, given: Any, example: Any) -> Any:
    """
    Read a value, which may be written as text, as one of a column's type.

    :param column: for the message
    :param example: a value of the column
    :raises ArgumentError: when it is not such a value
    """
    python_type = next((one for one in type(example).__mro__ if one in _READERS), None)
    if python_type is None or isinstance(example, bool):
        if kind(given) == kind(example):
            return given
        raise _wrong(column, given, f"of type {type(example).__name__}")
    read, expected = _READERS[python_type]
    try:
        value = read(given.strip() if python_type is not str else given) if isinstance(given, str) else given
        if isinstance(value, datetime) and python_type is datetime:
            if bool(value.tzinfo) != bool(example.tzinfo):
                zone = "with its time zone" if example.tzinfo else "without a time zone"
                raise _wrong(column, given, f"{expected}, {zone}")
            return value
        if type(value) is date and python_type is datetime:
            raise _wrong(column, given, expected)
        if kind(value) != kind(example):
            raise _wrong(column, given, expected)
        if kind(value) == "number":
            return _number(value, python_type)
        if python_type is date and isinstance(value, datetime):
            raise _wrong(column, given, expected)
    except ArgumentError:
        raise
    except (ValueError, ArithmeticError) as error:
        raise _wrong(column, given, expected) from error
    return value


def _number(value: Any, python_type: type) -> Any:
    """Return the same number in the type, or raise."""
    if not math.isfinite(value):
        raise ValueError("not finite")
    if python_type is Decimal:
        return Decimal(str(value))
    converted = python_type(value)
    if converted != value:
        raise ValueError("not of this type")
    return converted


def _wrong(column: str, given: Any, expected: str) -> ArgumentError:
    return ArgumentError(f"position: {given!r} is not a value of {column}; give {expected}.")
