"""The types of Oracle in words of no database, and the types that keep those of others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import closing
from typing import Any

from airflow_checkpoint_provider.engine.databases.oracle.values.description import as_it_is
from airflow_checkpoint_provider.engine.databases.questions.type_dialect import DeclaredColumn
from airflow_checkpoint_provider.engine.model.column_type import ColumnType, Declared, TypeKind

_PLAIN = {
    "number": ColumnType(TypeKind.NUMBER),
    "float": ColumnType(TypeKind.NUMBER),
    "binary_float": ColumnType(TypeKind.FLOAT, 32),
    "binary_double": ColumnType(TypeKind.FLOAT, 64),
    "boolean": ColumnType(TypeKind.BOOLEAN),
    "clob": ColumnType(TypeKind.TEXT),
    "nclob": ColumnType(TypeKind.TEXT),
    "blob": ColumnType(TypeKind.BYTES),
    "date": ColumnType(TypeKind.MOMENT, 0),
    "json": ColumnType(TypeKind.JSON),
    "xmltype": ColumnType(TypeKind.WRITTEN),
    "rowid": ColumnType(TypeKind.WRITTEN),
    "interval day to second": ColumnType(TypeKind.SPAN),
    "interval year to month": ColumnType(TypeKind.WRITTEN),
}
_SIZED = {
    **dict.fromkeys(("varchar2", "nvarchar2", "char", "nchar"), TypeKind.TEXT),
    "raw": TypeKind.BYTES,
}
_SECONDS = {
    "timestamp": TypeKind.MOMENT,
    "timestamp with time zone": TypeKind.ZONED,
    "timestamp with local time zone": TypeKind.ZONED,
}
_DRIVERS = {
    "DB_TYPE_VARCHAR": "varchar2({size} char)",
    "DB_TYPE_NVARCHAR": "nvarchar2({size})",
    "DB_TYPE_CHAR": "char({size} char)",
    "DB_TYPE_NCHAR": "nchar({size})",
    "DB_TYPE_RAW": "raw({size})",
    "DB_TYPE_LONG": "clob",  # a table has one LONG at most, which no index and no condition takes
    "DB_TYPE_LONG_RAW": "blob",
    "DB_TYPE_TIMESTAMP": "timestamp({scale})",
    "DB_TYPE_TIMESTAMP_TZ": "timestamp({scale}) with time zone",
    "DB_TYPE_TIMESTAMP_LTZ": "timestamp({scale}) with local time zone",
    "DB_TYPE_INTERVAL_DS": "interval day({precision}) to second({scale})",
    "DB_TYPE_INTERVAL_YM": "interval year({precision}) to month",
    **{
        f"DB_TYPE_{name}": name.lower()
        for name in (
            "BINARY_FLOAT",
            "BINARY_DOUBLE",
            "BOOLEAN",
            "CLOB",
            "NCLOB",
            "BLOB",
            "DATE",
            "JSON",
            "ROWID",
        )
    },
    "DB_TYPE_XMLTYPE": "xmltype",
}
_NO_SCALE = -127
_MOST_DIGITS = 38
_MOST_CHARACTERS = 1_000  # of up to four bytes, of which there are 4,000
_MOST_BYTES = 2_000
_MOST_SECOND_DIGITS = 9


def declared(column: Sequence[Any]) -> str | None:
    """Return the declaration of a column, from the driver's description of it."""
    _, type_, size, _, precision, scale = column[:6]  # the driver counts as the declaration does
    if type_.name == "DB_TYPE_NUMBER":
        if not precision and (scale or 0) in (0, _NO_SCALE):
            return "number"
        if precision and precision > _MOST_DIGITS and scale != _NO_SCALE:
            return "number"
        return (
            f"float({precision})"
            if scale == _NO_SCALE
            else f"number({precision or _MOST_DIGITS},{scale or 0})"
        )
    form = _DRIVERS.get(type_.name)
    if form is None or ("{size}" in form and not size):
        return None
    return form.format(size=size, precision=precision, scale=scale or 0)


def describe(text: str) -> ColumnType | None:
    """Return what a type keeps, from its declaration."""
    found = Declared.of(text)
    name = found.name
    if name == "number" and found.numbers:
        return found.decimal()
    if name in _SIZED:
        return ColumnType(_SIZED[name], found.first(1))
    if name in _SECONDS:
        return ColumnType(_SECONDS[name], found.first(6))
    return _PLAIN.get(name)


def declare(type_: ColumnType) -> str | None:
    """Return a type that keeps every value of another one, ``None`` where there is none."""
    size = type_.size
    match type_.kind:
        case TypeKind.WHOLE:
            return f"number({type_.digits})"
        case TypeKind.DECIMAL:
            return f"number({size},{type_.scale})" if size and size <= _MOST_DIGITS else None
        case TypeKind.FLOAT:
            return "binary_float" if size == 32 else "binary_double"
        case TypeKind.TEXT:
            return f"varchar2({size} char)" if size and size <= _MOST_CHARACTERS else "clob"
        case TypeKind.PADDED:
            return f"char({size} char)" if size and size <= _MOST_CHARACTERS // 2 else None
        case TypeKind.BYTES:
            return f"raw({size})" if size and size <= _MOST_BYTES else "blob"
        case TypeKind.MOMENT | TypeKind.ZONED:
            if size is None or size > _MOST_SECOND_DIGITS:
                return None
            return f"timestamp({size}){' with time zone' if type_.kind is TypeKind.ZONED else ''}"
    return _OTHERS.get(type_.kind)


_OTHERS = {
    TypeKind.NUMBER: "number",
    TypeKind.BOOLEAN: "boolean",
    TypeKind.DATE: "date",
    TypeKind.TIME: "varchar2(15)",
    TypeKind.SPAN: "interval day(3) to second(6)",
    TypeKind.UUID: "varchar2(36)",
    TypeKind.JSON: "clob",
    TypeKind.WRITTEN: "clob",
}


def described_columns(description: Sequence[Any], required: Collection[str]) -> dict[str, DeclaredColumn]:
    """
    Return columns with their types, as far as these can be declared.

    :param description: the cursor's, before a type handler has changed it
    :param required: the columns that are known to have a value in every row
    """
    texts = {str(column[0]): declared(column) for column in description}
    return {name: DeclaredColumn(text, name in required) for name, text in texts.items() if text}


def declared_columns(raw: Any, quoted: str, required: Collection[str]) -> dict[str, DeclaredColumn]:
    """Return the columns of a table as the server describes them."""
    with closing(raw.cursor()) as cursor:
        cursor.outputtypehandler = as_it_is
        cursor.execute(f"SELECT * FROM {quoted} WHERE 1 = 0")
        return described_columns(cursor.description, required)
