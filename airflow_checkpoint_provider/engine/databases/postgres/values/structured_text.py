"""Arrays, ranges and composite values, split into parts: as the server writes them, or as psycopg has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from airflow_checkpoint_provider.engine.databases.postgres.values.types import PostgresType

_QUOTED = r'"((?:[^"\\]|\\.|"")*)"'
_ARRAY = re.compile(r"\s*(?:(?:\[[-+0-9]+:[-+0-9]+\])+=)?(\{.*\})\s*", re.DOTALL)
_ELEMENT = re.compile(rf'{_QUOTED}|([^{{}},"\\]+)|[{{}},]', re.DOTALL)
_RECORD = re.compile(r"\s*\((.*)\)\s*", re.DOTALL)
_FIELD = re.compile(rf'(?:{_QUOTED}|([^(),"\\]*))(?:,|\Z)', re.DOTALL)
_RANGE = re.compile(
    rf'\s*(?:empty|[\[(](?:{_QUOTED}|([^\[\](),"\\]*)),(?:{_QUOTED}|([^\[\](),"\\]*))[\])])\s*', re.DOTALL
)
_ESCAPED = re.compile(r'\\(.)|"(")', re.DOTALL)

_BLANKS = " \t\n\r\v\f"  # to the server; Python knows more

Part = tuple[PostgresType, Any]
"""A value within another one, and its type."""


def parts_of(type_: PostgresType, value: Any) -> list[Part] | None:
    """
    Return the parts of a value, except NULL; nested arrays are flattened.

    :return: ``None`` where it is not known how to read the value
    """
    if not type_.parts:
        return None
    if type_.family == "c":
        return _of_record(type_, value)
    (part,) = type_.parts
    read = {"r": _in_range, "m": _in_multirange}.get(type_.family, _in_array)
    found = read(value)
    return None if found is None else [(part, one) for one in found if one is not None]


def _of_record(type_: PostgresType, value: Any) -> list[Part] | None:
    fields: list[Any] = []
    if isinstance(value, str):
        if not (record := _RECORD.fullmatch(value)):
            return None
        text, at = record[1], 0
        while at <= len(text) and (field := _FIELD.match(text, at)):
            # NULL is empty, and an empty text is quoted.
            fields.append(_plain(field[1]) if field[1] is not None else field[2] or None)
            at = field.end() if field[0].endswith(",") else len(text) + 1
        if at <= len(text):
            return None
    elif isinstance(value, tuple):
        fields = list(value)
    else:
        return None
    if len(fields) != len(type_.parts):
        return None
    return [(part, field) for part, field in zip(type_.parts, fields, strict=True) if field is not None]


def _in_array(value: Any) -> list[Any] | None:
    if isinstance(value, (list, tuple)):
        return list(_flat(value))
    if not isinstance(value, str) or not (array := _ARRAY.fullmatch(value)):
        return None
    found, at, text = [], 0, array[1]
    while element := _ELEMENT.match(text, at):
        at = element.end()
        if element[1] is not None:
            found.append(_plain(element[1]))
        elif element[2] and (bare := element[2].strip(_BLANKS)) and bare.upper() != "NULL":
            found.append(bare)
    return found if at == len(text) else None


def _flat(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from _flat(value)
        else:
            yield value


def _in_range(value: Any) -> list[Any] | None:
    from psycopg.types.range import Range

    if isinstance(value, Range):
        return [value.lower, value.upper]
    if not isinstance(value, str) or not (range_ := _RANGE.fullmatch(value)):
        return None
    quoted = (range_[1], range_[3])
    bare = (range_[2], range_[4])
    return [
        _plain(one) if one is not None else other or None for one, other in zip(quoted, bare, strict=True)
    ]


def _in_multirange(value: Any) -> list[Any] | None:
    from psycopg.types.multirange import Multirange

    if isinstance(value, Multirange):
        return list(value)
    if not isinstance(value, str) or not value.strip().startswith("{") or not value.strip().endswith("}"):
        return None
    found, at, text = [], 0, value.strip()[1:-1]
    while range_ := _RANGE.match(text, at):
        found.append(range_[0])
        at = range_.end() + 1
        if text[range_.end() : at] != ",":
            break
    return found if at > len(text) or not text.strip() else None


def _plain(quoted: str) -> str:
    return _ESCAPED.sub(lambda found: found[1] or found[2], quoted)
