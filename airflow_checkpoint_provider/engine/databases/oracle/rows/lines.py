"""
Rows that Oracle writes as lines of text, with every field as COPY of Postgres reads it.

A line is one VARCHAR2, in which ``||`` takes NULL for an empty text: so a row with a value that has no exact field is
given no line by a condition, and never by a field that is NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from airflow_checkpoint_provider.engine.databases.oracle.rows.fields import Field, LineColumn, field_of
from airflow_checkpoint_provider.engine.databases.rows.lines import LINES, LineForm, may_not_fit, only_by_key
from airflow_checkpoint_provider.engine.databases.rows.routes import PackedForm, RowRoute, RowUse

LINE, QUOTES = "AIRFLOW_LINE", "AIRFLOW_QUOTES"
"""The names of the line, and of the number of quotes in it."""

MOST_BYTES = 4_000
"""Bytes of a text that the server puts together; a longer one is an error (ORA-01489)."""

_NEWLINE = "CHR(10)"


def line_route(
    form: PackedForm, use: RowUse, columns: Mapping[str, LineColumn], exact: Callable[[str], str]
) -> RowRoute | str:
    """
    Choose how rows are written as lines.

    :param columns: of the query
    :param exact: writes a column of the key for a list of columns
    :return: the route, or why the rows cannot all be written so
    """
    if not use.keys:
        return only_by_key("a line")
    if taken := [name for name in (LINE, QUOTES) if name in columns]:
        return f"the query returns a column called {taken[0]}, as the line would be"
    fields = {name: field_of(columns[name], type_) for name, type_ in zip(use.read, form.types, strict=True)}
    known = {columns[name].name: field for name, field in fields.items() if field}
    if len(known) < len(fields):
        return may_not_fit(next(name for name, field in fields.items() if field is None))
    longest = sum(field.most for field in known.values()) + len(known)
    if longest > MOST_BYTES:
        return f"a line may have {longest:,} bytes, and the server writes {MOST_BYTES:,} at most"
    what = ", ".join((*map(exact, use.keys), f"{_count(known)} AS {QUOTES}", f"{_line(known)} AS {LINE}"))
    reason = "the source writes each row as COPY reads it, as its connection asks (copy_lines)"
    return RowRoute(LINES, reason, LineForm(what, longest), use.keys, provisional=True)


def _count(fields: Mapping[str, Field]) -> str:
    return " + ".join(f"NVL2({name}, 2, 0)" for name, field in fields.items() if field.quoted) or "0"


def _line(fields: Mapping[str, Field]) -> str:
    line = " || ',' || ".join(field.text for field in fields.values()) + f" || {_NEWLINE}"
    conditions = [
        f"({name} IS NULL OR {field.condition})" for name, field in fields.items() if field.condition
    ]
    return f"CASE WHEN {' AND '.join(conditions)} THEN {line} END" if conditions else line
