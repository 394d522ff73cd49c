"""Keys: values of one or several columns, as they are stored and compared."""

from __future__ import annotations

import base64
import json
import math
import unicodedata
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from airflow_checkpoint_provider.engine.model.errors import InvalidCheckpointError, shortened
from airflow_checkpoint_provider.engine.model.stored_text import LONGEST_TEXT, json_of, shown

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a stored text that is not a value: an error only if the load has to resume there."""

    text: str

    def __str__(self) -> str:
        return f"unreadable: {shortened(self.text)}"


_TYPES: dict[type, tuple[str, str, Callable[[Any], str], Callable[[str], Any]]] = {
    # Python type -> tag in the table, group of types that compare with each other, writer, reader
    bool: ("bool", "boolean", str, lambda text: {"True": True, "False": False}[text]),
    int: ("int", "number", str, int),
    Decimal: ("decimal", "number", str, lambda text: _decimal(text)),
    float: ("float", "number", repr, float),
    str: ("str", "text", str, str),
    bytes: (
        "bytes",
        "bytes",
        lambda value: base64.b64encode(value).decode(),
        lambda text: base64.b64decode(text, validate=True),
    ),
    datetime: ("datetime", "time", datetime.isoformat, datetime.fromisoformat),
    date: ("date", "time", date.isoformat, date.fromisoformat),
    time: ("time", "time of day", time.isoformat, time.fromisoformat),
    timedelta: (
        "timedelta",
        "interval",
        lambda value: f"{value.days} {value.seconds} {value.microseconds}",
        lambda text: timedelta(*map(int, text.split())),
    ),
    UUID: ("uuid", "uuid", str, UUID),
}


_READERS = {tag: (python_type, read) for python_type, (tag, _, _, read) in _TYPES.items()}


def encode_key(key: Key) -> str:
    """
    Write a key as text.

    :raises InvalidCheckpointError: when a value has a type that cannot be a position
    """
    if key and isinstance(key[0], Unreadable):
        return key[0].text
    text = json.dumps([_encode_value(value) for value in key], ensure_ascii=False, separators=(",", ":"))
    if len(text) > LONGEST_TEXT:
        raise InvalidCheckpointError(
            f"A key of {len(text):,} characters cannot be a checkpoint position, which has at most {LONGEST_TEXT:,}: "
            "choose another checkpoint_column."
        )
    return text


def stored_key(text: str | None) -> Key | None:
    """Read a key from the metadata table, even a damaged one."""
    if text is None:
        return None
    try:
        return decode_key(text)
    except ValueError:
        return (Unreadable(text),)


def _encode_value(value: Any) -> list[str]:
    if isinstance(value, (memoryview, bytearray)):
        value = bytes(value)
    for python_type in type(value).__mro__:
        if python_type in _TYPES:
            tag, _, write, _ = _TYPES[python_type]
            return [tag, write(value)]
    raise InvalidCheckpointError(
        f"A value of type {type(value).__name__} cannot be a checkpoint position: "
        "choose another checkpoint_column, or cast it in the query (to text, a number or a timestamp)."
    )


def decode_key(text: str) -> Key:
    """
    Read a key that :func:`encode_key` wrote.

    :raises ValueError: when the text is not one
    """
    try:
        stored = json_of(text)
        if not (stored and isinstance(stored, list) and all(isinstance(value, str) for _, value in stored)):
            raise ValueError
        return tuple(_READERS[tag][1](value) for tag, value in stored)
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"not a stored position: {shown(text)}") from error


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if value.is_snan():  # a comparison with it raises
        raise ValueError("a signaling NaN")
    return value


def kind(value: Any) -> str:
    """Return the group of types that a value compares with, such as ``number`` or ``text``."""
    for python_type in type(value).__mro__:
        if python_type in _TYPES:
            group = _TYPES[python_type][1]
            if isinstance(value, datetime) and value.tzinfo is not None:
                return "time with time zone"
            return group
    return type(value).__name__


def tie(key: Key) -> Hashable:
    """
    Return the same value for keys that the source may consider equal.

    Sources with a collation that ignores case, accents or trailing blanks consider different strings equal. A batch
    must not end between them, so this is coarser than Python's equality; where the source distinguishes them, the only
    effect is a slightly longer batch.
    """
    return tuple(_tie_value(value) for value in key)


def _tie_value(value: Any) -> Hashable:
    if isinstance(value, str):
        letters = unicodedata.normalize("NFKD", value)
        return "".join(c for c in letters if not unicodedata.combining(c)).casefold().rstrip()
    if isinstance(value, (float, Decimal)) and math.isnan(value):
        return "nan"
    if isinstance(value, (memoryview, bytearray)):
        return bytes(value)
    return value  # type: ignore[no-any-return]


# Every database orders these as Python does; the order of text depends on the collation.
_ORDERED = frozenset(("number", "time", "time with time zone", "time of day"))


def order_of(one: Key, other: Key) -> int | None:
    """
    Compare two keys of the same columns.

    :return: -1, 0 or 1 as ``one`` comes before, with or after ``other``; ``None`` where only the database knows
    """
    for mine, theirs in zip(one, other, strict=True):
        kinds = {kind(mine), kind(theirs)}
        numbers = [value for value in (mine, theirs) if isinstance(value, (float, Decimal))]
        if len(kinds) > 1 or not kinds <= _ORDERED or any(math.isnan(number) for number in numbers):
            return None
        if isinstance(mine, datetime) != isinstance(theirs, datetime):
            return None
        if mine != theirs:
            return -1 if mine < theirs else 1
    return 0
