"""The driver's descriptions of columns, before a type handler changes them."""

from __future__ import annotations

from typing import Any

LOBS = frozenset(("DB_TYPE_CLOB", "DB_TYPE_NCLOB", "DB_TYPE_BLOB"))


def as_it_is(cursor: Any, column: Any) -> Any:
    """
    Fetch a column as its own type: an output type handler for a cursor whose description is read.

    The driver writes the type that a column is fetched as into its description, and keeps that with the statement: a
    CLOB that SQLAlchemy's handler, or ``fetch_lobs=False``, reads whole is a LONG from then on.
    """
    type_ = column.type_code
    return cursor.var(type_, arraysize=cursor.arraysize) if type_.name in LOBS else None


def is_json(column: Any) -> bool:
    """Return whether a column holds JSON by a check constraint, which the driver would parse."""
    return bool(getattr(column, "is_json", False)) and column.type_code.name != "DB_TYPE_JSON"
