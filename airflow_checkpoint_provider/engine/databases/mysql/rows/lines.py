"""Rows that MySQL and MariaDB write as lines of text, with every field as another server reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_checkpoint_provider.engine.databases.mysql import source_values as values
from airflow_checkpoint_provider.engine.databases.rows.lines import (
    LINES,
    QUOTE,
    LineForm,
    LineKind,
    LineType,
    may_not_fit,
    only_by_key,
)
from airflow_checkpoint_provider.engine.databases.rows.routes import PackedForm, RowRoute, RowUse
from airflow_checkpoint_provider.engine.databases.rows.tuples import TupleType

# Written by their bytes: which quotes and backslashes a literal has depends on sql_mode.
_NEWLINE, _HEX, _QUOTE, _QUOTES = (
    f"_utf8mb4 X'{text.encode().hex()}'" for text in ("\n", "\\x", QUOTE, 2 * QUOTE)
)
_BLANK = 32
_MOST_SCALE = 30  # of a DECIMAL
_BINARY = "binary"


@dataclass(frozen=True, slots=True)
class LineColumn:
    """
    A column of the query.

    :param name: as it stands in a statement
    :param type_: the number of its type, as the drivers have it
    :param nullable: it may be NULL
    :param charset: of its text; ``binary`` for bytes, and for values that are neither
    """

    name: str
    type_: int
    nullable: bool
    charset: str


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
    fields = []
    for name, type_ in zip(use.read, form.types, strict=True):
        field = guarded(columns[name], type_, _WRITERS, "''")
        if field is None:
            return may_not_fit(name)
        fields.append(field)
    commas = ", ',', ".join(fields)
    line = f"CAST(CONCAT({commas}, {_NEWLINE}) AS BINARY)"
    what = ", ".join((*map(exact, use.keys), line))
    return RowRoute(
        LINES, "the source writes each row as COPY reads it", LineForm(what), use.keys, provisional=True
    )


def guarded(
    column: LineColumn,
    type_: LineType | TupleType | None,
    writers: Mapping[int, Mapping[Any, Callable[[LineColumn, Any], str | None]]],
    null: str,
) -> str | None:
    """
    Write a column for a row; NULL marks a value that has to be checked.

    A function whose result is too long for the server returns NULL as well, so no result is tested for NULL.

    :param writers: by the type of the column, and by the kind that the destination reads
    :param null: the form of NULL
    :return: ``None`` where no exact writing is known
    """
    known = writers.get(column.type_)
    write = known.get(type_.kind) if known and type_ else None
    text = write(column, type_) if write and type_ else None
    if text is None or not column.nullable:
        return text
    return f"IF({column.name} IS NULL, {null}, {text})"


_Writer = Callable[[LineColumn, LineType], str | None]


def _as_it_is(column: LineColumn, type_: LineType) -> str:
    return column.name


def _decimal(column: LineColumn, type_: LineType) -> str:
    if type_.most is None or type_.most >= _MOST_SCALE:
        return column.name
    return f"IF({column.name} = ROUND({column.name}, {type_.most}), {column.name}, NULL)"


def _bits(column: LineColumn, type_: LineType) -> str:
    return f"({column.name} + 0)"


def _float(column: LineColumn, type_: LineType) -> str:
    return f"({column.name} * 1e0)"  # without it, the server writes only six digits


def _text(column: LineColumn, type_: LineType) -> str | None:
    if column.charset == _BINARY:
        return None
    written = f"REPLACE(CONVERT({column.name} USING utf8mb4), {_QUOTE}, {_QUOTES})"
    written = f"CONCAT({_QUOTE}, {written}, {_QUOTE})"
    if type_.kind is LineKind.PADDED:
        last = f"ASCII(CONVERT(RIGHT({column.name}, 1) USING utf8mb4))"  # in UTF-16, a blank has two bytes
        return f"IF({last} = {_BLANK}, NULL, {written})"
    if type_.most is not None:
        return f"IF(CHAR_LENGTH({column.name}) > {type_.most}, NULL, {written})"
    return written


def _bytes(column: LineColumn, type_: LineType) -> str | None:
    return f"CONCAT({_HEX}, HEX({column.name}))" if column.charset == _BINARY else None


def _instant(column: LineColumn, type_: LineType) -> str:
    return f"CONCAT({column.name}, '+00')"  # the zone of the session


def _time(column: LineColumn, type_: LineType) -> str:
    within = f"{column.name} >= TIME'00:00:00' AND {column.name} < TIME'24:00:00'"
    return f"IF({within}, {column.name}, NULL)"


_WHOLE: Mapping[LineKind, _Writer] = {LineKind.WHOLE: _as_it_is, LineKind.NUMBER: _as_it_is}
_NARROW: Mapping[LineKind, _Writer] = {**_WHOLE, LineKind.DOUBLE: _as_it_is}
_DECIMAL: Mapping[LineKind, _Writer] = {LineKind.WHOLE: _as_it_is, LineKind.NUMBER: _decimal}
_TEXT: Mapping[LineKind, _Writer] = {LineKind.TEXT: _text, LineKind.PADDED: _text}
_TEXT_OR_BYTES: Mapping[LineKind, _Writer] = {**_TEXT, LineKind.BYTES: _bytes}
# By the source's type, the kinds in which every value arrives as on the route of values, or is refused.
_WRITERS: Mapping[int, Mapping[LineKind, _Writer]] = {
    **dict.fromkeys((*values.NARROW, values.YEAR), _NARROW),
    values.LONGLONG: _WHOLE,
    values.BIT: {LineKind.WHOLE: _bits, LineKind.NUMBER: _bits},
    **dict.fromkeys(values.DECIMALS, _DECIMAL),
    values.FLOAT: {LineKind.DOUBLE: _float, LineKind.SINGLE: _float},
    values.DOUBLE: {LineKind.DOUBLE: _as_it_is},
    **dict.fromkeys(values.STRINGS, _TEXT_OR_BYTES),
    **dict.fromkeys((values.ENUM, values.SET, values.JSON), _TEXT),
    values.GEOMETRY: {LineKind.BYTES: _bytes},
    values.DATE: {LineKind.DAY: _as_it_is, LineKind.MOMENT: _as_it_is},
    values.DATETIME: {LineKind.MOMENT: _as_it_is},
    values.TIMESTAMP: {LineKind.INSTANT: _instant},
    values.TIME: {LineKind.TIME: _time},
}


def line_columns(
    description: Sequence[Sequence[object]], quote: Callable[[str], str], charsets: Sequence[str]
) -> dict[str, LineColumn]:
    """
    Describe the columns of the query.

    :param description: the cursor's
    :param charsets: of the columns, in their order
    """
    return {
        str(name): LineColumn(quote(str(name)), int(str(type_)), bool(rest[4]), charset)
        for (name, type_, *rest), charset in zip(description, charsets, strict=True)
    }
