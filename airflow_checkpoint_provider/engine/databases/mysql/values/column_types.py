"""The types of MySQL and MariaDB in words of no database, and the types that keep those of others."""

from __future__ import annotations

import re

from airflow_checkpoint_provider.engine.model.column_type import ColumnType, Declared, TypeKind

_WHOLE = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_PLAIN = {
    "float": ColumnType(TypeKind.FLOAT, 32),
    "double": ColumnType(TypeKind.FLOAT, 64),
    "date": ColumnType(TypeKind.DATE),
    "year": ColumnType(TypeKind.WHOLE, 16),
    "json": ColumnType(TypeKind.JSON),
    "uuid": ColumnType(TypeKind.UUID),
    **{f"{size}text": ColumnType(TypeKind.TEXT) for size in ("tiny", "", "medium", "long")},
    **{f"{size}blob": ColumnType(TypeKind.BYTES) for size in ("tiny", "", "medium", "long")},
    **dict.fromkeys(("enum", "set", "inet4", "inet6"), ColumnType(TypeKind.WRITTEN)),
}
_SIZED = {
    "char": TypeKind.TEXT,  # without the blanks, which the server takes away
    "varchar": TypeKind.TEXT,
    "binary": TypeKind.BYTES,
    "varbinary": TypeKind.BYTES,
}
_SECONDS = {"datetime": TypeKind.MOMENT, "timestamp": TypeKind.ZONED, "time": TypeKind.SPAN}
_MOST_SECOND_DIGITS = 6
_MOST_DIGITS, _MOST_SCALE = 65, 30
_MOST_CHARACTERS = 4_000  # a row has 65,535 bytes for all of its columns that are no text or blob
_MOST_BYTES = 16_000
_LONGEST_CHAR = 255


def describe(text: str) -> ColumnType | None:
    """Return what a type keeps, from its declaration as the catalog has it."""
    declared = Declared.of(text)
    name, *attributes = re.findall(r"\w+", declared.name) or [""]
    if name in _WHOLE:
        return ColumnType(TypeKind.WHOLE, _WHOLE[name], signed="unsigned" not in attributes)
    if name == "bit":
        return ColumnType(TypeKind.WHOLE, declared.first(1), signed=False)
    if name == "decimal":
        return declared.decimal(10)
    if name in _SIZED:
        return ColumnType(_SIZED[name], declared.first(1))
    if name in _SECONDS:
        return ColumnType(_SECONDS[name], declared.first(0))
    return _PLAIN.get(name)


def declare(type_: ColumnType) -> str | None:
    """Return a type that keeps every value of another one, ``None`` where there is none."""
    size = type_.size
    match type_.kind:
        case TypeKind.WHOLE:
            name = next((name for name, most in _WHOLE.items() if (size or 64) <= most), None)
            return f"{name} unsigned" if name and not type_.signed else name
        case TypeKind.DECIMAL:
            fits = size is not None and size <= _MOST_DIGITS and type_.scale <= _MOST_SCALE
            return f"decimal({size},{type_.scale})" if fits else None
        case TypeKind.FLOAT:
            return "float" if size == 32 else "double"
        case TypeKind.TEXT:
            return f"varchar({size})" if size and size <= _MOST_CHARACTERS else "longtext"
        case TypeKind.PADDED:
            return f"char({size})" if size and size <= _LONGEST_CHAR else None
        case TypeKind.BYTES:
            return f"varbinary({size})" if size and size <= _MOST_BYTES else "longblob"
        case TypeKind.TIME | TypeKind.MOMENT | TypeKind.ZONED:
            if size is None or size > _MOST_SECOND_DIGITS:
                return None
            # Declared NULL, because the server would put the present time in the place of one otherwise.
            return {
                TypeKind.TIME: f"time({size})",
                TypeKind.MOMENT: f"datetime({size})",
                TypeKind.ZONED: f"timestamp({size}) null",
            }[type_.kind]
    return _OTHERS.get(type_.kind)


_OTHERS = {
    TypeKind.BOOLEAN: "boolean",
    TypeKind.DATE: "date",
    TypeKind.SPAN: "varchar(99)",
    TypeKind.UUID: "char(36)",
    TypeKind.JSON: "longtext",
    TypeKind.WRITTEN: "longtext",
}
