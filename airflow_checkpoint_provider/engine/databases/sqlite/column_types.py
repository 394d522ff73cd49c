"""The types of SQLite in words of no database, and the types that keep those of others."""

from __future__ import annotations

from typing import Any

from airflow_checkpoint_provider.engine.databases.questions.type_dialect import DeclaredColumn
from airflow_checkpoint_provider.engine.databases.sqlite.affinity import Affinity, affinity_of
from airflow_checkpoint_provider.engine.model.column_type import ColumnType, Declared, TypeKind

# A column takes values of any type, and each of them is checked where it is written.
_BY_NAME = {
    "boolean": ColumnType(TypeKind.BOOLEAN),
    "date": ColumnType(TypeKind.DATE),
    "datetime": ColumnType(TypeKind.MOMENT, 6),
    "timestamp": ColumnType(TypeKind.MOMENT, 6),
    "numeric": ColumnType(TypeKind.NUMBER),
    "decimal": ColumnType(TypeKind.NUMBER),
}
_BY_AFFINITY = {
    Affinity.INTEGER: ColumnType(TypeKind.WHOLE, 64),
    Affinity.TEXT: ColumnType(TypeKind.TEXT),
    Affinity.REAL: ColumnType(TypeKind.FLOAT, 64),
}
_BY_KIND = {
    TypeKind.FLOAT: "real",
    TypeKind.BOOLEAN: "boolean",
    TypeKind.PADDED: "char",
    TypeKind.BYTES: "blob",
    TypeKind.DATE: "date",
    TypeKind.MOMENT: "timestamp",
    TypeKind.TIME: "time",
}

_MOST_SECOND_DIGITS = 6


def describe(text: str) -> ColumnType | None:
    """Return what a type is declared to keep."""
    name = Declared.of(text).name
    if name == "blob":
        return ColumnType(TypeKind.BYTES)
    return _BY_NAME.get(name) or _BY_AFFINITY.get(affinity_of(name))


def declare(type_: ColumnType) -> str | None:
    """Return a type that keeps every value of another one, ``None`` where there is none."""
    if type_.kind is TypeKind.WHOLE and (type_.size or 64) + (not type_.signed) <= 64:
        return "integer"
    if type_.kind is TypeKind.DECIMAL and not type_.scale and (type_.size or 19) < 19:
        return "integer"
    if type_.kind is TypeKind.MOMENT and (type_.size or 0) > _MOST_SECOND_DIGITS:
        return None
    # Text keeps all digits of a number.
    return _BY_KIND.get(type_.kind, "text")


def declared_columns(raw: Any, table: str, schema: str | None) -> dict[str, DeclaredColumn]:
    """Return the columns of a table as the file's catalog has them."""
    within, values = ("?, ?", (table, schema)) if schema else ("?", (table,))
    rows = raw.execute(
        f'SELECT name, type, "notnull" FROM pragma_table_xinfo({within}) WHERE hidden <> 1', values
    )
    return {str(name): DeclaredColumn(str(text), bool(required)) for name, text, required in rows}
