"""Rows that Postgres writes by COPY as text, of which LOAD DATA of MySQL reads many lines from a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from airflow_checkpoint_provider.engine.databases.postgres.columns import PostgresColumn
from airflow_checkpoint_provider.engine.databases.postgres.rows.copy_format import CopyForm
from airflow_checkpoint_provider.engine.databases.postgres.rows.copy_stream import Packed, PackedReader
from airflow_checkpoint_provider.engine.databases.postgres.rows.tuples import TOO_LONG, literal_of
from airflow_checkpoint_provider.engine.databases.rows.blocks import Row
from airflow_checkpoint_provider.engine.databases.rows.lines import Lines, may_not_fit, only_by_key, row_of
from airflow_checkpoint_provider.engine.databases.rows.routes import PackedForm, RowRoute, RowUse
from airflow_checkpoint_provider.engine.model.errors import one_line

_DOUBT = "airflow_checkpoint_doubt"
_DOUBTED = re.compile(rf"{_DOUBT} (.*?)\W?$", re.MULTILINE)  # in the server's quotation marks
_NO_BOOLEAN = "22P02"
# MySQL does not know these two escapes of COPY.
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_AS_THEY_ARE = {b"f": b"\f", b"v": b"\v"}


def loaded_text_route(
    form: PackedForm, use: RowUse, columns: Mapping[str, PostgresColumn], quote: Callable[[str], str]
) -> RowRoute | str:
    """
    Choose the COPY that writes rows for LOAD DATA.

    :param columns: of the query
    :param quote: writes the name of a column
    :return: the route, or why the rows cannot all be written so
    """
    if not use.keys:
        return only_by_key("a line")
    fields: dict[str, str] = {}
    doubts: list[str] = []
    for name, type_ in zip(use.read, form.types, strict=True):
        literal = literal_of(quote(name), columns[name], type_)
        if literal is None:
            return may_not_fit(name)
        if name in use.keys and literal.field != quote(name):
            return f"{name} is written in another form than it is compared"
        fields[name] = literal.field
        doubts += literal.doubts
    if doubts:
        first = use.read[0]
        # A cast that fails ends the COPY; no constant, which the server would cast while it plans.
        key = ", ', ', ".join(map(quote, use.keys))
        fails = f"CAST(CAST(concat('{_DOUBT} ', {key}) AS boolean) AS text)"
        fields[first] = f"CASE WHEN {' OR '.join(doubts)} THEN {fails} ELSE CAST({fields[first]} AS text) END"
    copy = CopyForm(False, use.read, keys=use.keys, written=fields)
    reason = f"the source writes each row as {form.read}"
    return RowRoute(form.name, reason, copy, copy.columns, silent=True, provisional=True)


def doubt_in(cause: BaseException | None) -> str:
    """Return the row that has a value to be checked, or one too long for a line; empty where an error is another."""
    state = getattr(cause, "sqlstate", None)
    if cause and state in TOO_LONG:
        return f"a row ({one_line(cause)})"
    if state == _NO_BOOLEAN and (found := _DOUBTED.search(str(cause))):
        return f"{row_of((found[1],))} as a line"
    return ""


class LoadedTextReader:
    """Reads packed rows as lines that MySQL reads."""

    def __init__(self, reader: PackedReader) -> None:
        self._reader = reader

    def read(self, limit: int) -> Lines:
        """Return the next rows, at most ``limit``."""
        return _lines(self._reader.read(limit))

    def read_while(self, wanted: Callable[[Row], bool]) -> Lines:
        """Return the next rows up to the first that is not wanted."""
        return _lines(self._reader.read_while(wanted))


def _lines(rows: Packed) -> Lines:
    if not rows:
        return Lines(b"", 0, (), ())
    data = bytes(rows.data)
    if b"\\f" in data or b"\\v" in data:
        data = _ESCAPED.sub(lambda found: _AS_THEY_ARE.get(found[1], found[0]), data)
    return Lines(data, len(rows), rows.first, rows.last)
