"""Text and bytes as a MySQL column keeps them, or refused."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from airflow_checkpoint_provider.engine.databases.mysql.values.column_facts import ColumnFacts
from airflow_checkpoint_provider.engine.databases.values.refusals import (
    CAST,
    RefusedValueError,
    shown,
    unknown,
)
from airflow_checkpoint_provider.engine.databases.values.text_forms import (
    time_text,
)
from airflow_checkpoint_provider.engine.databases.values.written_types import WrittenKind

BYTES = (bytes, bytearray, memoryview)


MAX_BYTES = {"tinytext": 2**8 - 1, "text": 2**16 - 1, "mediumtext": 2**24 - 1}


# Python's codecs in which a text has as many bytes as in the character set, or more.
_CODECS = {
    **dict.fromkeys(("utf8mb4", "utf8mb3", "utf8", "latin1", "ascii"), "utf-8"),
    **dict.fromkeys(("utf16", "utf16le", "ucs2"), "utf-16-le"),
    "utf32": "utf-32-le",
}


BLOBS = ("varbinary", "tinyblob", "blob", "mediumblob", "longblob")


_READ = {
    "json": WrittenKind.JSON,
    "time": WrittenKind.SPAN,
    **dict.fromkeys(("inet4", "inet6"), WrittenKind.ADDRESS),
}


def reads(column: str, kind: WrittenKind) -> bool:
    """
    Return whether a column reads another server's text of a value as that value.

    :param column: the kind of the column
    """
    return column in ("char", "varchar", "longtext", *MAX_BYTES) or _READ.get(column) is kind


def as_char(facts: ColumnFacts, value: Any) -> Any:
    """Return text for a column that drops trailing blanks."""
    text = value if isinstance(value, str) else text_of(value, facts.kind)
    if text.endswith(" ") and not facts.padded:
        raise RefusedValueError(
            f"would lose the blanks at the end of {shown(text)}. Declare it VARCHAR. {CAST}"
        )
    bare = text.rstrip(" ")
    if bare[-1:].isspace():
        _check_end(facts, bare)
    return text


def as_text(facts: ColumnFacts, value: Any) -> str:
    """Return text as the column keeps it."""
    text = value if isinstance(value, str) else text_of(value, facts.kind)
    if text[-1:].isspace():
        _check_end(facts, text)
    return text


def _check_end(facts: ColumnFacts, text: str) -> None:
    """Refuse text that is too long and ends in white space, which the server cuts off without an error."""
    if is_too_long(facts, text):
        raise RefusedValueError(f"would lose blanks at the end of {shown(text)}, which is too long. {CAST}")


def is_too_long(facts: ColumnFacts, text: str) -> bool:
    """Return whether text is longer than the column, or may be, in a character set that Python does not have."""
    if most := MAX_BYTES.get(facts.kind):
        codec = _CODECS.get(facts.charset)
        return len(text) * 4 > most and (codec is None or len(text.encode(codec)) > most)
    return facts.length is not None and len(text) > facts.length


def text_of(value: Any, kind: str) -> str:
    """Return the text that stands for a value."""
    if isinstance(value, BYTES):
        raise RefusedValueError(
            "is text, and the batch has bytes for it. Decode them in the query or in rows_processor."
        )
    if isinstance(value, bool):
        raise unknown(value, kind)
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, (int, UUID)):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return time_text(value)
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    raise unknown(value, kind)


def as_bytes(facts: ColumnFacts, value: Any) -> bytes:
    """Return bytes as the column keeps them."""
    if isinstance(value, BYTES):
        return bytes(value)
    raise unknown(value, facts.kind)


def as_binary(facts: ColumnFacts, value: Any) -> bytes:
    """Return bytes for a column that fills them up with zeros."""
    data, length = as_bytes(facts, value), facts.length or 1
    if len(data) < length:
        raise RefusedValueError(
            f"would fill up {shown(data)} with zeros to {length} bytes. Declare it VARBINARY."
        )
    return data
