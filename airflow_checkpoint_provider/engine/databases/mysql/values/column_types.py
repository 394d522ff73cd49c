"""The types of MySQL and MariaDB in words of no database, and the types that keep those of others."""

from __future__ import annotations

import re

from airflow_checkpoint_provider.engine.model.column_type import ColumnType, Declared, TypeKind

_WHOLE = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_SIZES = ("tiny", "", "medium", "long")
_PLAIN = {
    "float": ColumnType(TypeKind.FLOAT, 32),
    "double": ColumnType(TypeKind.FLOAT, 64),
    "date": ColumnType(TypeKind.DATE),
    "year": ColumnType(TypeKind.WHOLE, 16),
    "json": ColumnType(TypeKind.JSON),
    "uuid": ColumnType(TypeKind.UUID),
    **{f"{size}text": ColumnType(TypeKind.TEXT) for size in _SIZES},
    **{f"{size}blob": ColumnType(TypeKind.BYTES) for size in _SIZES},
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
_TEXTS = tuple(f"{size}text" for size in _SIZES)
WITHOUT_LENGTH = frozenset((*_TEXTS, *(f"{size}blob" for size in _SIZES), "json"))
"""Types that no index takes as a whole."""
_OF_MARIADB = frozenset(("uuid", "inet4", "inet6"))


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
            # In UTC where there was a zone: a TIMESTAMP ends in 2038.
            return f"{'time' if type_.kind is TypeKind.TIME else 'datetime'}({size})"
    return _OTHERS.get(type_.kind)


def own(text: str, charset: str, *, is_mariadb: bool) -> str | None:
    """
    Return the type of a new column for one of MySQL or MariaDB.

    :param charset: of the column, where the new one has utf8mb4
    :param is_mariadb: the server of the new column is MariaDB
    """
    if text in _OF_MARIADB and not is_mariadb:
        described = describe(text)
        return declare(described) if described else None
    if text in _TEXTS[:-1] and charset != _CHARSET:
        return _TEXTS[_TEXTS.index(text) + 1]  # these lengths are of bytes
    # The server would put the present time in the place of a NULL otherwise.
    return f"{text} null" if text.startswith("timestamp") else text


_CHARSET = "utf8mb4"
_OTHERS = {
    TypeKind.BOOLEAN: "boolean",
    TypeKind.DATE: "date",
    TypeKind.SPAN: "varchar(99)",
    TypeKind.UUID: "char(36)",
    TypeKind.JSON: "longtext",
    TypeKind.WRITTEN: "longtext",
}
