"""Which non-text types have text that another type reads as the same value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow_checkpoint_provider.engine.databases.postgres.columns import PostgresColumn
from airflow_checkpoint_provider.engine.databases.postgres.values.kept_types import TEXTS, WHOLE, keeps
from airflow_checkpoint_provider.engine.databases.postgres.values.types import PostgresType
from airflow_checkpoint_provider.engine.databases.values.written_types import WrittenKind, WrittenType

_TEXTS = TEXTS | {"name", "citext", "unknown"}
_NUMBERS = frozenset((*WHOLE, "numeric", "float4", "float8"))
_MOMENTS = frozenset(("date", "time", "timetz", "timestamp", "timestamptz"))
_RANGES = {
    "int4range": "int4",
    "int8range": "int8",
    "numrange": "numeric",
    "tsrange": "timestamp",
    "tstzrange": "timestamptz",
    "daterange": "date",
}
_SHAPES = ("point", "lseg", "box", "path", "polygon", "line", "circle")
_KINDS = {
    **dict.fromkeys(("json", "jsonb"), WrittenKind.JSON),
    "interval": WrittenKind.SPAN,
    **dict.fromkeys(("inet", "cidr"), WrittenKind.ADDRESS),
    **dict.fromkeys(("bit", "varbit"), WrittenKind.BITS),
    "xml": WrittenKind.XML,
    **dict.fromkeys((*_SHAPES, "tid"), WrittenKind.STRUCTURE),
}


def reads(type_: PostgresType, kind: WrittenKind) -> bool:
    """Return whether a column reads another server's text of a value as the same value."""
    return type_.kind in _TEXTS or (not type_.parts and _KINDS.get(type_.kind) is kind and _is_one(kind))


def written_types(
    read: Sequence[str], columns: Mapping[str, PostgresColumn], there: Sequence[PostgresType]
) -> dict[int, WrittenType]:
    """
    Return the types whose values the server writes as text, by their places in a row, except those that are kept.

    :param read: the written columns of the query
    :param there: the destination's types, where it is a Postgres
    """
    found = {}
    for index, name in enumerate(read):
        written = _written_type(columns[name])
        if written and not (there and _reads_alike(columns[name], there[index])):
            found[index] = written
    return found


def _written_type(column: PostgresColumn) -> WrittenType | None:
    if not column.as_text or column.family == "e" or column.kind in _TEXTS:
        return None
    bracketed = column.kind.startswith("_") or column.family in ("r", "m", "c") or column.made_of
    kind = WrittenKind.STRUCTURE if bracketed else _KINDS.get(column.kind, WrittenKind.OTHER)
    return WrittenType(column.type_, kind)


def _is_one(kind: WrittenKind) -> bool:
    return kind not in (WrittenKind.STRUCTURE, WrittenKind.OTHER)


def _reads_alike(column: PostgresColumn, type_: PostgresType) -> bool:
    """Return whether both types are known to read the same text as the same value; each value is checked later."""
    if type_.kind in _TEXTS or column.family == "e" or column.kind in _TEXTS or keeps(column, type_):
        return True
    if type_.parts:
        parts = _parts_of(column)
        alike = len(parts) == len(type_.parts) and column.family == type_.family
        return alike and all(map(_reads_alike, parts, type_.parts))
    for family in (_NUMBERS, _MOMENTS):
        if column.kind in family:
            return type_.kind in family
    kind = _KINDS.get(column.kind)
    return kind is not None and reads(type_, kind)


def _parts_of(column: PostgresColumn) -> list[PostgresColumn]:
    if column.made_of:
        return [_part(column, *part) for part in column.made_of]
    if column.kind.startswith("_"):
        return [replace(column, kind=column.kind[1:])]
    if column.family == "m":
        return [replace(column, kind=column.kind.replace("multirange", "range"), family="r")]
    return [replace(column, kind=_RANGES[column.kind])] if column.kind in _RANGES else []


def _part(
    column: PostgresColumn, kind: str, family: str, modifier: int, made_of: tuple[Any, ...]
) -> PostgresColumn:
    return replace(column, oid=0, kind=kind, family=family, modifier=modifier, made_of=made_of)
