"""Rows that travel packed from one Postgres to another: in the binary form of COPY, or in its text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from airflow_checkpoint_provider.engine.databases.postgres.columns import PostgresColumn
from airflow_checkpoint_provider.engine.databases.postgres.rows.copy_format import CopyForm
from airflow_checkpoint_provider.engine.databases.postgres.values.kept_types import keeps
from airflow_checkpoint_provider.engine.databases.postgres.values.line_types import line_type
from airflow_checkpoint_provider.engine.databases.postgres.values.types import PostgresType
from airflow_checkpoint_provider.engine.databases.rows.lines import LINES
from airflow_checkpoint_provider.engine.databases.rows.routes import PackedForm, RowRoute, RowUse

BINARY, TEXT = "binary COPY", "text COPY"

_SMALLINT, _INTEGER, _BIGINT, _NUMERIC = 21, 23, 20, 1700
_WIDER = {
    _SMALLINT: {_INTEGER: "integer", _BIGINT: "bigint", _NUMERIC: "numeric"},
    _INTEGER: {_BIGINT: "bigint", _NUMERIC: "numeric"},
    _BIGINT: {_NUMERIC: "numeric"},
}
# text, varchar and char: bytes that the receiver checks as it checks text
_TEXTS = frozenset((25, 1043, 1042))


def read_forms(types: Sequence[PostgresType]) -> tuple[PackedForm, ...]:
    """
    Return the forms that COPY FROM reads, the fastest first.

    :param types: of the written columns
    """
    lines = PackedForm(LINES, tuple(map(line_type, types)))
    return PackedForm(BINARY, tuple(types)), PackedForm(TEXT, tuple(types)), lines


def kept_places(
    form: PackedForm, read: Sequence[str], columns: Mapping[str, PostgresColumn]
) -> frozenset[int]:
    """Return the places in a row of values that are kept, by the types alone."""
    pairs = zip(read, form.types, strict=True)
    return frozenset(index for index, (name, type_) in enumerate(pairs) if keeps(columns[name], type_))


def packed_route(form: PackedForm, use: RowUse, columns: Mapping[str, PostgresColumn]) -> RowRoute | str:
    """
    Choose the COPY TO that writes rows in a form that the destination reads.

    :param columns: the columns of the query
    :return: the route, or why the rows cannot all be written so
    """
    kept = kept_places(form, use.read, columns)
    if doubtful := [name for index, name in enumerate(use.read) if index not in kept]:
        return f"{', '.join(doubtful)} may not fit the type that it has there, and each value is checked"
    if form.name == TEXT:
        return _route(
            TEXT, "every value travels as the server's text", CopyForm(False, use.read, keys=use.keys)
        )
    pairs = list(zip((columns[name] for name in use.read), form.types, strict=True))
    differing = [column.name for column, type_ in pairs if column.oid != type_.oid]
    casts = _widened(pairs, use.seen)
    if casts is None:
        return f"the type of {', '.join(differing)} differs between source and destination"
    if unsure := [column.name for column, _ in pairs if not column.is_portable]:
        return f"the binary form of {', '.join(unsure)} may differ between servers"
    if unread := [name for name in use.seen if not columns[name].is_exact]:
        return f"{', '.join(unread)} can be compared as text only"
    wider = f", or a wider one there: {', '.join(differing)}" if differing else ""
    reason = f"every column has the same type in source and destination{wider}"
    return _route(BINARY, reason, CopyForm(True, use.read, casts, use.keys))


def _route(name: str, reason: str, form: CopyForm) -> RowRoute:
    return RowRoute(name, reason, form, form.columns, silent=True)


def _widened(
    pairs: Sequence[tuple[PostgresColumn, PostgresType]], seen: Collection[str]
) -> dict[str, str] | None:
    """
    Return the types to which the source casts columns, so that both sides have one binary form.

    Only casts that cannot fail and change no value: all others are left to the destination, which reads text.

    :param pairs: the source's columns, each with the type that takes it
    :param seen: columns whose Python values are used, and so must not change
    :return: by column; ``None`` where a type differs in another way
    """
    casts = {}
    for column, type_ in pairs:
        oid = type_.oid
        if column.oid == oid or _TEXTS.issuperset((column.oid, oid)):
            continue
        wider = _WIDER.get(column.oid, {}).get(oid)
        if wider is None or (wider == "numeric" and column.name in seen):
            return None
        casts[column.name] = wider
    return casts
