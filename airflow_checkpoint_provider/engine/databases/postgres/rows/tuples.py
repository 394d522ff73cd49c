"""Rows that Postgres writes as tuples of SQL, with every literal as MySQL reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from airflow_checkpoint_provider.engine.databases.postgres.columns import PostgresColumn
from airflow_checkpoint_provider.engine.databases.postgres.values.types import scale_of
from airflow_checkpoint_provider.engine.databases.rows.lines import may_not_fit, only_by_key
from airflow_checkpoint_provider.engine.databases.rows.routes import PackedForm, RowRoute, RowUse
from airflow_checkpoint_provider.engine.databases.rows.tuples import (
    NULL,
    TupleForm,
    TupleKind,
    TupleType,
)

TOO_LONG = frozenset(("54000", "XX000", "53200"))
"""The SQLSTATEs of a value longer than the server allows, or than it has memory for."""

_MOST_AT_ONCE = 50
_ALL_DIGITS = 6  # of a second


class Literal(NamedTuple):
    """
    A literal, written in SQL.

    :param text: its text, NULL for NULL
    :param field: the value as it is in a line of COPY, NULL for NULL
    :param doubts: conditions under which the value has to be checked
    """

    text: str
    field: str
    doubts: Sequence[str] = ()


def tuple_route(
    form: PackedForm, use: RowUse, columns: Mapping[str, PostgresColumn], quote: Callable[[str], str]
) -> RowRoute | str:
    """
    Choose how rows are written as tuples.

    :param columns: of the query
    :param quote: writes the name of a column
    :return: the route, or why the rows cannot all be written so
    """
    if not use.keys:
        return only_by_key("a tuple")
    texts: list[str] = []
    doubts: list[str] = []
    for name, type_ in zip(use.read, form.types, strict=True):
        literal = literal_of(quote(name), columns[name], type_)
        if type_ is None or literal is None:
            return may_not_fit(name)
        doubts += literal.doubts
        texts.append(literal.text if type_.needed else f"coalesce({literal.text}, '{NULL}')")
    written = _concatenated(texts)
    if doubts:
        written = f"CASE WHEN {' OR '.join(doubts)} THEN NULL ELSE {written} END"
    what = ", ".join((*map(quote, use.keys), f"{written} AS airflow_checkpoint_tuple"))
    reason = f"the source writes each row as {form.read}"
    return RowRoute(form.name, reason, TupleForm(what), use.keys, provisional=True)


def _concatenated(texts: Sequence[str]) -> str:
    """Join texts by commas, in parentheses; a function takes a hundred arguments."""
    pieces = (texts[start : start + _MOST_AT_ONCE] for start in range(0, len(texts), _MOST_AT_ONCE))
    comma = ", ',', "
    listed = " || ',' || ".join(f"concat({comma.join(piece)})" for piece in pieces)
    return f"'(' || {listed} || ')'"


_Writer = Callable[[str, PostgresColumn, TupleType], Literal | None]


def literal_of(name: str, column: PostgresColumn, type_: TupleType | None) -> Literal | None:
    """
    Return how a column is written.

    :param name: the column, quoted
    :return: ``None`` where it is not known that every value arrives as it is
    """
    if type_ is None:
        return None
    write = _WRITERS.get(column.kind, {}).get(type_.kind)
    if column.is_own:
        write = _text if column.family == "e" and type_.kind in _TEXTS else None
    literal = write(name, column, type_) if write else None
    if literal and type_.needed:
        return literal._replace(doubts=[*literal.doubts, f"{name} IS NULL"])
    return literal


def _quoted(text: str) -> str:
    return f"'''' || {text} || ''''"


def _as_it_is(name: str, column: PostgresColumn, type_: TupleType) -> Literal:
    return Literal(f"{name}::text", name)


def _unsigned(name: str, column: PostgresColumn, type_: TupleType) -> Literal:
    return Literal(f"{name}::text", name, [f"{name} < 0"])


def _truth(name: str, column: PostgresColumn, type_: TupleType) -> Literal:
    return Literal(f"{name}::int::text", f"{name}::int")


def _number(name: str, column: PostgresColumn, type_: TupleType) -> Literal:
    if scale_of(column.modifier) == (type_.most or 0):
        return Literal(_quoted(f"{name}::text"), name)
    rounded = f"round({name}, {type_.most or 0})"
    return Literal(_quoted(f"{rounded}::text"), rounded, [f"{name} <> {rounded}"])


def _float(name: str, column: PostgresColumn, type_: TupleType) -> Literal:
    return Literal(_quoted(f"{name}::text"), name)


def _single(name: str, column: PostgresColumn, type_: TupleType) -> Literal:
    exact = f"{name}::float8"  # all its digits, for the server reads a double first
    return Literal(_quoted(f"{exact}::text"), exact)


def _text(name: str, column: PostgresColumn, type_: TupleType) -> Literal | None:
    text = f'({name}::text COLLATE "C")'
    blanks = column.kind == "bpchar"  # the cast to text drops trailing blanks, as CHAR does
    if blanks and type_.kind is not TupleKind.PADDED:
        return None
    doubts = []
    if type_.kind is TupleKind.LISTED:
        if not all(one.isascii() and "%" not in one for one in type_.listed):
            return None
        listed = ", ".join("'" + one.replace("'", "''") + "'" for one in type_.listed)
        doubts.append(f"{text} NOT IN ({listed})")
    if type_.kind is TupleKind.PADDED and not blanks:
        doubts.append(f"right({text}, 1) = ' '")
    if type_.most is not None and not 0 <= column.modifier - 4 <= type_.most:
        cut = f"char_length({text}) > {type_.most} AND ascii(right({text}, 1)) NOT BETWEEN 33 AND 126"
        doubts.append(f"({cut})")
    escaped = rf"replace(replace({text}, '\', '\\'), '''', '''''')"
    return Literal(_quoted(escaped), f"{name}::text" if blanks else name, doubts)


def _uuid(name: str, column: PostgresColumn, type_: TupleType) -> Literal:
    return Literal(_quoted(f"{name}::text"), name)


def _bytes(name: str, column: PostgresColumn, type_: TupleType) -> Literal:
    hexadecimal = f"encode({name}, 'hex')"
    doubts = [f"octet_length({name}) < {type_.least}"] if type_.least else []
    return Literal(f"'X' || {_quoted(hexadecimal)}", hexadecimal, doubts)


def _day(name: str, column: PostgresColumn, type_: TupleType) -> Literal:
    outside = f"{name} NOT BETWEEN '0001-01-01' AND '9999-12-31'"
    return Literal(_quoted(f"{name}::text"), name, [outside])


def _moment(name: str, column: PostgresColumn, type_: TupleType) -> Literal:
    outside = f"{name} NOT BETWEEN '0001-01-01' AND '9999-12-31 23:59:59.999999'"
    return Literal(_quoted(f"{name}::text"), name, [outside, *_rounded(name, "timestamp", type_)])


def _instant(name: str, column: PostgresColumn, type_: TupleType) -> Literal:
    utc = f"({name} AT TIME ZONE 'UTC')"
    outside = f"{utc} NOT BETWEEN '0001-01-02' AND '9999-12-30'"  # in some zone, it has another year
    return Literal(_quoted(f"{utc}::text"), utc, [outside, *_rounded(name, "timestamptz", type_)])


def _time(name: str, column: PostgresColumn, type_: TupleType) -> Literal:
    return Literal(_quoted(f"{name}::text"), name, [f"{name} = '24:00'", *_rounded(name, "time", type_)])


def _rounded(name: str, kind: str, type_: TupleType) -> list[str]:
    if type_.most is None or type_.most >= _ALL_DIGITS:
        return []
    return [f"{name} <> {name}::{kind}({type_.most})"]


_TEXTS: Mapping[TupleKind, _Writer] = dict.fromkeys(
    (TupleKind.TEXT, TupleKind.PADDED, TupleKind.LISTED), _text
)
_WHOLE: Mapping[TupleKind, _Writer] = {
    **dict.fromkeys((TupleKind.WHOLE, TupleKind.NUMBER), _as_it_is),
    TupleKind.BITS: _unsigned,
}
_DOUBLE: Mapping[TupleKind, _Writer] = {TupleKind.DOUBLE: _as_it_is}
# By the source's type, the kinds in which every value arrives as on the route of values, or is refused.
_WRITERS: Mapping[str, Mapping[TupleKind, _Writer]] = {
    "int2": {**_WHOLE, **_DOUBLE, TupleKind.SINGLE: _as_it_is},
    "int4": {**_WHOLE, **_DOUBLE},
    **dict.fromkeys(("int8", "oid"), _WHOLE),
    "bool": dict.fromkeys((TupleKind.WHOLE, TupleKind.BITS, TupleKind.NUMBER), _truth),
    "numeric": {TupleKind.WHOLE: _number, TupleKind.NUMBER: _number},
    "float8": {TupleKind.DOUBLE: _float},
    "float4": {TupleKind.DOUBLE: _float, TupleKind.SINGLE: _single},
    **dict.fromkeys(("text", "varchar", "bpchar", "name"), _TEXTS),
    "json": {TupleKind.TEXT: _text},
    "jsonb": {TupleKind.TEXT: _text},
    "uuid": dict.fromkeys((TupleKind.TEXT, TupleKind.PADDED, TupleKind.UUID), _uuid),
    "bytea": {TupleKind.BYTES: _bytes},
    "date": {TupleKind.DAY: _day, TupleKind.MOMENT: _day},
    "timestamp": {TupleKind.MOMENT: _moment},
    "timestamptz": {TupleKind.MOMENT: _instant},
    "time": {TupleKind.TIME: _time},
}
