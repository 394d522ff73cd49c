"""The types of Postgres in words of no database, and the types that keep those of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.questions.type_dialect import DeclaredColumn
from airflow_checkpoint_provider.engine.model.column_type import ColumnType, Declared, TypeKind

_COLUMNS = sa.text(
    "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
    " WHERE attrelid = to_regclass(:quoted) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)
_TYPES = (
    "SELECT format_type(oid, modifier) FROM unnest(%s::oid[], %s::int[]) WITH ORDINALITY AS t (oid, modifier, place)"
    " ORDER BY place"
)
_WHOLE = {"smallint": 16, "integer": 32, "bigint": 64}
_PLAIN = {
    "real": ColumnType(TypeKind.FLOAT, 32),
    "double precision": ColumnType(TypeKind.FLOAT, 64),
    "boolean": ColumnType(TypeKind.BOOLEAN),
    "text": ColumnType(TypeKind.TEXT),
    "name": ColumnType(TypeKind.TEXT, 63),
    "bytea": ColumnType(TypeKind.BYTES),
    "date": ColumnType(TypeKind.DATE),
    "uuid": ColumnType(TypeKind.UUID),
    "json": ColumnType(TypeKind.JSON),
    "jsonb": ColumnType(TypeKind.JSON),
}
_SECONDS = {
    "time without time zone": TypeKind.TIME,
    "timestamp without time zone": TypeKind.MOMENT,
    "timestamp with time zone": TypeKind.ZONED,
    "time": TypeKind.TIME,
    "timestamp": TypeKind.MOMENT,
    "timestamptz": TypeKind.ZONED,
}
_RANGES = tuple(
    f"{of}{kind}" for of in ("int4", "int8", "num", "ts", "tstz", "date") for kind in ("range", "multirange")
)
# Read as the server's text, which a column of text takes.
_WRITTEN = frozenset(
    (*_RANGES, "interval", "inet", "cidr", "macaddr", "macaddr8", "bit", "bit varying", "xml", "pg_lsn")
)
_MOST_SECOND_DIGITS = 6
_MOST_CHARACTERS = 10_485_760
_MOST_DIGITS = 1_000


def describe(text: str) -> ColumnType | None:
    """Return what a type keeps, from its declaration as ``format_type`` writes it."""
    declared = Declared.of(text)
    name = declared.name
    if name in _WHOLE:
        return ColumnType(TypeKind.WHOLE, _WHOLE[name])
    if name in _SECONDS:
        return ColumnType(_SECONDS[name], declared.first(_MOST_SECOND_DIGITS))
    if name in ("numeric", "decimal"):
        return declared.decimal() if declared.numbers else ColumnType(TypeKind.NUMBER)
    if name in ("character varying", "varchar"):
        return ColumnType(TypeKind.TEXT, declared.first())
    if name in ("character", "char", "bpchar"):
        return ColumnType(TypeKind.PADDED, declared.first()) if declared.numbers else None
    if name in _WRITTEN or (name.endswith("[]") and describe(text.replace("[]", ""))):
        return ColumnType(TypeKind.WRITTEN)
    return _PLAIN.get(name)


def declare(type_: ColumnType) -> str | None:
    """Return a type that keeps every value of another one, ``None`` where there is none."""
    size = type_.size
    match type_.kind:
        case TypeKind.WHOLE:
            bits = (size or 64) + (not type_.signed)
            return next((name for name, most in _WHOLE.items() if bits <= most), f"numeric({type_.digits})")
        case TypeKind.DECIMAL:
            return f"numeric({size},{type_.scale})" if size and size <= _MOST_DIGITS else None
        case TypeKind.FLOAT:
            return "real" if size == 32 else "double precision"
        case TypeKind.TEXT:
            return f"character varying({size})" if size and size <= _MOST_CHARACTERS else "text"
        case TypeKind.PADDED:
            return f"character({size})"
        case TypeKind.TIME | TypeKind.MOMENT | TypeKind.ZONED:
            if size is None or size > _MOST_SECOND_DIGITS:
                return None
            name = "time" if type_.kind is TypeKind.TIME else "timestamp"
            return f"{name}({size}) {'with' if type_.kind is TypeKind.ZONED else 'without'} time zone"
    return _OTHERS.get(type_.kind)


_OTHERS = {
    TypeKind.NUMBER: "numeric",
    TypeKind.BOOLEAN: "boolean",
    TypeKind.BYTES: "bytea",
    TypeKind.DATE: "date",
    TypeKind.SPAN: "interval",
    TypeKind.UUID: "uuid",
    TypeKind.JSON: "json",
    TypeKind.WRITTEN: "text",
}


def declared_columns(connection: sa.Connection, quoted: str) -> dict[str, DeclaredColumn]:
    """Return the columns of a table as the catalog has them."""
    rows = connection.execute(_COLUMNS, {"quoted": quoted})
    return {str(name): DeclaredColumn(str(text), bool(required)) for name, text, required in rows}


def described_columns(
    cursor: Any, types: Mapping[str, tuple[int, int]], required: Sequence[str]
) -> dict[str, DeclaredColumn]:
    """
    Return the columns of a query with their types.

    :param types: the number of each type, and the server's form of its length or precision
    :param required: those that are known to have a value in every row
    """
    cursor.execute(_TYPES, [[oid for oid, _ in types.values()], [modifier for _, modifier in types.values()]])
    texts = [str(text) for (text,) in cursor.fetchall()]
    return {name: DeclaredColumn(text, name in required) for name, text in zip(types, texts, strict=True)}
