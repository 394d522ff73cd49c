"""Rows that MySQL and MariaDB write as tuples of SQL, with every literal as such a server reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from airflow_checkpoint_provider.engine.databases.mysql import source_values as values
from airflow_checkpoint_provider.engine.databases.mysql.rows.lines import LineColumn, guarded
from airflow_checkpoint_provider.engine.databases.rows.lines import may_not_fit, only_by_key
from airflow_checkpoint_provider.engine.databases.rows.routes import PackedForm, RowRoute, RowUse
from airflow_checkpoint_provider.engine.databases.rows.tuples import (
    NULL,
    TupleForm,
    TupleKind,
    TupleType,
)

_BINARY = "binary"
_BLANK = 32
# Character sets whose quotes and backslashes are the bytes of ASCII, and part of no other character.
_LIKE_ASCII = frozenset(("utf8mb4", "utf8mb3", "utf8", "latin1", "ascii"))
_ALL_DIGITS = 6  # of a second


def tuple_route(
    form: PackedForm, use: RowUse, columns: Mapping[str, LineColumn], exact: Callable[[str], str]
) -> RowRoute | str:
    """
    Choose how rows are written as tuples.

    :param columns: of the query
    :param exact: writes a column of the key for a list of columns
    :return: the route, or why the rows cannot all be written so
    """
    if not use.keys:
        return only_by_key("a tuple")
    literals = []
    for name, type_ in zip(use.read, form.types, strict=True):
        null = NULL if type_ and type_.needed else f"'{NULL}'"
        literal = guarded(columns[name], type_, _WRITERS, null)
        if literal is None:
            return may_not_fit(name)
        literals.append(literal)
    commas = ", ',', ".join(literals)
    what = ", ".join((*map(exact, use.keys), f"CAST(CONCAT('(', {commas}, ')') AS BINARY)"))
    reason = f"the source writes each row as {form.read}"
    return RowRoute(form.name, reason, TupleForm(what), use.keys, provisional=True)


_Writer = Callable[[LineColumn, TupleType], str | None]


def _as_it_is(column: LineColumn, type_: TupleType) -> str:
    return column.name


def _unsigned(column: LineColumn, type_: TupleType) -> str:
    return f"IF({column.name} < 0, NULL, {column.name})"


def _bits(column: LineColumn, type_: TupleType) -> str:
    return f"({column.name} + 0)"


def _quoted(column: LineColumn, type_: TupleType) -> str:
    return f"CONCAT('''', {column.name}, '''')"


def _float(column: LineColumn, type_: TupleType) -> str:
    return f"CONCAT('''', {column.name} * 1e0, '''')"  # without it, the server writes only six digits


def _decimal(column: LineColumn, type_: TupleType) -> str:
    rounded = f"ROUND({column.name}, {type_.most or 0})"
    return f"IF({column.name} = {rounded}, CONCAT('''', {rounded}, ''''), NULL)"


def _text(column: LineColumn, type_: TupleType) -> str | None:
    if column.charset == _BINARY:
        return None
    name = column.name
    text = f"CONVERT(QUOTE({name}) USING utf8mb4)"
    if column.charset not in _LIKE_ASCII:
        text = f"CONVERT({name} USING utf8mb4)"
        text = f"IF({text} IS NULL, NULL, QUOTE({text}))"  # QUOTE writes the word NULL for NULL
    last = f"ORD(CONVERT(RIGHT({name}, 1) USING utf8mb4))"
    if type_.kind is TupleKind.LISTED:
        listed = ", ".join(f"X'{one.encode().hex()}'" for one in type_.listed)
        return f"IF(CAST(CONVERT({name} USING utf8mb4) AS BINARY) IN ({listed}), {text}, NULL)"
    if type_.kind is TupleKind.PADDED:
        text = f"IF({last} = {_BLANK}, NULL, {text})"
    if type_.most is not None:
        cut = f"CHAR_LENGTH({name}) > {type_.most} AND {last} NOT BETWEEN 33 AND 126"
        text = f"IF({cut}, NULL, {text})"
    return text


def _bytes(column: LineColumn, type_: TupleType) -> str | None:
    if column.charset != _BINARY:
        return None
    written = f"CONCAT('X''', HEX({column.name}), '''')"
    return f"IF(LENGTH({column.name}) < {type_.least}, NULL, {written})" if type_.least else written


def _day(column: LineColumn, type_: TupleType) -> str:
    name = column.name
    fits = f"YEAR({name}) AND MONTH({name}) AND DAYOFMONTH({name})"
    return f"IF({fits}, {_with_fraction(column, type_)}, NULL)"


def _time(column: LineColumn, type_: TupleType) -> str:
    return _with_fraction(column, type_)


def _with_fraction(column: LineColumn, type_: TupleType) -> str:
    written = _quoted(column, type_)
    if column.type_ == values.DATE or type_.most is None or type_.most >= _ALL_DIGITS:
        return written
    return f"IF(MICROSECOND({column.name}) MOD {10 ** (_ALL_DIGITS - type_.most)}, NULL, {written})"


_INTEGER: Mapping[TupleKind, _Writer] = {
    **dict.fromkeys((TupleKind.WHOLE, TupleKind.NUMBER), _as_it_is),
    TupleKind.BITS: _unsigned,
}
_NARROW: Mapping[TupleKind, _Writer] = {**_INTEGER, TupleKind.DOUBLE: _as_it_is}
_TEXT: Mapping[TupleKind, _Writer] = dict.fromkeys(
    (TupleKind.TEXT, TupleKind.PADDED, TupleKind.LISTED), _text
)
_TEXT_OR_BYTES: Mapping[TupleKind, _Writer] = {**_TEXT, TupleKind.BYTES: _bytes}
_DECIMAL: Mapping[TupleKind, _Writer] = {TupleKind.WHOLE: _decimal, TupleKind.NUMBER: _decimal}
# By the source's type, the kinds in which every value arrives as on the route of values, or is refused.
_WRITERS: Mapping[int, Mapping[TupleKind, _Writer]] = {
    **dict.fromkeys(values.NARROW, _NARROW),
    values.LONGLONG: _INTEGER,
    values.YEAR: {**_NARROW, TupleKind.YEAR: _quoted},
    values.BIT: dict.fromkeys((TupleKind.WHOLE, TupleKind.BITS, TupleKind.NUMBER), _bits),
    **dict.fromkeys(values.DECIMALS, _DECIMAL),
    values.FLOAT: {TupleKind.DOUBLE: _float, TupleKind.SINGLE: _float},
    values.DOUBLE: {TupleKind.DOUBLE: _quoted},
    **dict.fromkeys(values.STRINGS, _TEXT_OR_BYTES),
    **dict.fromkeys((values.ENUM, values.SET), _TEXT),
    values.DATE: {TupleKind.DAY: _day, TupleKind.MOMENT: _day},
    values.DATETIME: {TupleKind.MOMENT: _day},
    values.TIMESTAMP: {TupleKind.MOMENT: _day},
    values.TIME: {TupleKind.TIME: _time},
}
