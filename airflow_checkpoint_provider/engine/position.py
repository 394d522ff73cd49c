"""
A place in the source, exact enough to go on from.

Values are written with their type, so that what is read back is what the source returned: an ``int``
of any size, a ``Decimal`` with its digits, a time with its microseconds. Python only ever asks whether
two keys are equal; which one is greater is for the source database and its collation to say.
"""

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

from airflow_checkpoint_provider.engine.errors import InvalidCheckpointError

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """
    What has been transferred so far.

    :param key: the last committed key, or ``None`` before the first one and for the python strategy
    :param rows: source rows read up to here
    :param digest: the python strategy's proof: digest of the last row, or of all rows
    :param nulls_done: the rows without a key have been transferred as well
    """

    key: Key | None = None
    rows: int = 0
    digest: str | None = None
    nulls_done: bool = False


BEGINNING = Position()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands where the text that is stored is not a value: an error only if the load has to go on from it."""

    text: str


_TYPES: dict[type, tuple[str, str, Callable[[Any], str], Callable[[str], Any]]] = {
    # Python type -> tag in the table, group of types that compare with each other, writer, reader
    bool: ("bool", "boolean", str, lambda text: {"True": True, "False": False}[text]),
    int: ("int", "number", str, int),
    Decimal: ("decimal", "number", str, Decimal),
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
    return json.dumps([_encode_value(value) for value in key], ensure_ascii=False, separators=(",", ":"))


def stored_key(text: str | None) -> Key | None:
    """Read a key from the metadata table, whatever is there."""
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
        stored = json.loads(text)
        if not (stored and isinstance(stored, list) and all(isinstance(value, str) for _, value in stored)):
            raise ValueError
        return tuple(_READERS[tag][1](value) for tag, value in stored)
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"not a stored position: {text!r}") from error


def kind(value: Any) -> str:
    """Name the group of types that a value compares with, such as ``number`` or ``text``."""
    for python_type in type(value).__mro__:
        if python_type in _TYPES:
            group = _TYPES[python_type][1]
            if isinstance(value, datetime) and value.tzinfo is not None:
                return "time with time zone"
            return group
    return type(value).__name__


def tie(key: Key) -> Hashable:
    """
    Give keys that the source may hold for equal the same value.

    Sources with a collation that ignores case, accents or trailing blanks hold different strings for
    equal. A batch must not end between them, so this is coarser than Python's equality; where the source
    does tell them apart, the only effect is a slightly longer batch.
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


def earlier(value: Any, distance: float | Decimal | timedelta) -> Any:
    """
    Go back by ``distance`` from a number or a time; a time may be ISO text, as SQLite keeps it.

    :raises TypeError: when the two do not go together
    :raises ValueError: when text is not a time
    """
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        text = earlier(moment, distance).isoformat(sep=value[10:11] or " ")
        return text if len(value) > 10 else text[:10]
    if isinstance(value, date) and not isinstance(value, datetime):
        if not isinstance(distance, timedelta):
            raise TypeError("a date needs a timedelta")
        return value - timedelta(days=math.ceil(distance / timedelta(days=1)))
    if isinstance(value, Decimal) and isinstance(distance, float):
        distance = Decimal(str(distance))
    return value - distance


def fraction(lower: Key | None, key: Key | None, upper: Key | None) -> float | None:
    """Tell how far ``key`` is from ``lower`` to ``upper`` (0 to 1), where the first column can tell."""
    if not (lower and key and upper):
        return None
    low, here, high = (_as_number(values[0]) for values in (lower, key, upper))
    if low is None or here is None or high is None or not high > low:
        return None
    share = (here - low) / (high - low)
    return min(max(share, 0.0), 1.0) if math.isfinite(share) else None


def _as_number(value: Any) -> float | None:
    if isinstance(value, datetime):
        return value.timestamp() if value.tzinfo else (value - datetime(1970, 1, 1)).total_seconds()
    if isinstance(value, date):
        return float(value.toordinal())
    if isinstance(value, (int, float, Decimal)):
        try:
            return float(value)
        except OverflowError:
            return None
    return None
