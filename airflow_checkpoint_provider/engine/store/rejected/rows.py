"""A rejected row as JSON, there and back: values that JSON has no form for are text, with their types beside them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from airflow_checkpoint_provider.engine.databases.rows.blocks import Row
from airflow_checkpoint_provider.engine.databases.values.text_forms import to_duration
from airflow_checkpoint_provider.engine.model.stored_text import shown

TYPES = ""
"""The name, which no column has, of the types beside the values."""
_BYTES = "\\x"


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix(_BYTES))


def _span(text: str) -> timedelta:
    return to_duration(text.replace(",", ""))


# In this order: a datetime is a date, too.
_READERS: dict[type, Callable[[str], Any]] = {
    Decimal: Decimal,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    time: time.fromisoformat,
    timedelta: _span,
    UUID: UUID,
    float: float,
    bytes: _bytes,
    str: str,
}
_BY_NAME = {type_.__name__: read for type_, read in _READERS.items()}


class UnknownValueError(Exception):
    """A value cannot be restored; the message names its column and the reason."""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """
    A row as it is stored.

    :param values: by column, as JSON has them
    :param types: of the values that are text here and another type in the row, or text like that of bytes
    :param readable: whether it is a row, and not some other text as the only value
    """

    values: dict[str, Any]
    types: dict[str, str] = field(default_factory=dict)
    readable: bool = True

    def restored(self, corrected: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """
        Return the values with their types.

        :param corrected: other values for some columns, in the form of JSON
        :raises UnknownValueError: when a value cannot be restored, or the row has no such column
        """
        given = dict(corrected or {})
        if unknown := [name for name in given if name not in self.values]:
            raise UnknownValueError(
                f"there is no column {unknown[0]!r}; the row has {', '.join(self.values)}"
            )
        return {name: self._value(name, given.get(name, value)) for name, value in self.values.items()}

    def differs(self, corrected: Mapping[str, Any]) -> bool:
        """Return whether other values than the stored ones are given."""
        # 1, 1.0 and True are equal, and not the same to a database.
        return any(repr(value) != repr(self.values.get(name)) for name, value in corrected.items())

    def _value(self, name: str, value: Any) -> Any:
        type_ = self.types.get(name)
        if type_ is None and isinstance(value, str) and value.startswith(_BYTES):
            raise UnknownValueError(f"{name}: whether {shown(value)} is text or bytes is not known")
        if type_ is None or value is None or (value != self.values[name] and not isinstance(value, str)):
            return value
        read = _BY_NAME.get(type_)
        if read is None:
            raise UnknownValueError(
                f"{name}: only the text of its {type_} is stored, and not the value itself"
            )
        try:
            return read(value)
        except (ValueError, ArithmeticError):
            raise UnknownValueError(f"{name}: {shown(value)} is no {type_}") from None


def row_text(columns: Sequence[str], row: Row) -> str:
    """Write a row as a JSON object: numbers, booleans and text as they are, everything else as exact text."""
    values = {name: _plain(value) for name, value in zip(columns, row, strict=True)}
    types = {name: type_ for name, value in zip(columns, row, strict=True) if (type_ := _type_of(value))}
    if types and TYPES not in values:
        values[TYPES] = types
    text = json.dumps(values, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeError:  # half of a surrogate pair, which no database stores
        return json.dumps(values)
    return text


def row_in(text: Any) -> StoredRow:
    """Read the output of :func:`row_text`; any other text is the only value of a row."""
    try:
        row = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        row = None
    if not isinstance(row, dict):
        return StoredRow({"unreadable": shown(text)}, readable=False)
    types = row.get(TYPES)
    if isinstance(types, dict) and all(isinstance(type_, str) for type_ in types.values()):
        return StoredRow({name: value for name, value in row.items() if name != TYPES}, types)
    return StoredRow(row)


def _type_of(value: Any) -> str | None:
    """Return the type of a value that its form in JSON does not show."""
    if value is None or isinstance(value, (bool, int)):
        return None
    if isinstance(value, str):
        return "str" if value.startswith(_BYTES) else None
    if isinstance(value, float):
        return None if math.isfinite(value) else "float"
    if isinstance(value, (bytearray, memoryview)):
        return "bytes"
    if isinstance(value, (list, dict)):
        return None if _plain(value) == value and not _has_tuples(value) else type(value).__name__
    known = next((type_ for type_ in _READERS if isinstance(value, type_)), None)
    if known and _reads_the_same(known, _plain(value)):
        return known.__name__
    name = type(value).__name__
    return f"{type(value).__module__}.{name}" if name in _BY_NAME else name


def _reads_the_same(type_: type, text: str) -> bool:
    """Return whether a text is that of the value read from it; a subclass may have more, such as nanoseconds."""
    try:
        return bool(_plain(_READERS[type_](text)) == text)
    except (ValueError, ArithmeticError):
        return False


def _has_tuples(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_tuples, value.values()))
    return isinstance(value, tuple) or (isinstance(value, list) and any(map(_has_tuples, value)))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"{_BYTES}{bytes(value).hex()}"
    if isinstance(value, (list, tuple)):
        return list(map(_plain, value))
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return str(value)
