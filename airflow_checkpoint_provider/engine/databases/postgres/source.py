"""Reading from Postgres: a server-side cursor in one snapshot, every value exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.postgres.columns import (
    PostgresColumn,
    describe_columns,
    why_not_whole,
)
from airflow_checkpoint_provider.engine.databases.postgres.planning.statistics import (
    table_statistics,
    value_shares,
)
from airflow_checkpoint_provider.engine.databases.postgres.row_security import is_policy
from airflow_checkpoint_provider.engine.databases.postgres.rows.chunked_stream import (
    can_send_ahead,
    not_waited_for,
    sent_ahead,
)
from airflow_checkpoint_provider.engine.databases.postgres.rows.copy_format import LARGE_VALUE, CopyForm
from airflow_checkpoint_provider.engine.databases.postgres.rows.copy_stream import PackedReader
from airflow_checkpoint_provider.engine.databases.postgres.rows.loaded_text import (
    LoadedTextReader,
    doubt_in,
    loaded_text_route,
)
from airflow_checkpoint_provider.engine.databases.postgres.rows.passthrough import (
    BINARY,
    TEXT,
    kept_places,
    packed_route,
)
from airflow_checkpoint_provider.engine.databases.postgres.rows.text_values import (
    Fetch,
    ValueForm,
    in_python_form,
    set_readers,
)
from airflow_checkpoint_provider.engine.databases.postgres.rows.tuples import tuple_route
from airflow_checkpoint_provider.engine.databases.postgres.session import set_for_reading
from airflow_checkpoint_provider.engine.databases.postgres.snapshots import hold_snapshot, read_snapshot
from airflow_checkpoint_provider.engine.databases.postgres.table_facts import primary_key
from airflow_checkpoint_provider.engine.databases.postgres.typed_source import TypedSource
from airflow_checkpoint_provider.engine.databases.postgres.values.column_types import described_columns
from airflow_checkpoint_provider.engine.databases.postgres.values.written_text import written_types
from airflow_checkpoint_provider.engine.databases.questions.type_dialect import DeclaredColumn
from airflow_checkpoint_provider.engine.databases.rows.blocks import (
    READ_AT_ONCE,
    Guarded,
    Reader,
    Row,
    RowReader,
)
from airflow_checkpoint_provider.engine.databases.rows.lines import NoLineError
from airflow_checkpoint_provider.engine.databases.rows.routes import VALUES, PackedForm, RowRoute, RowUse
from airflow_checkpoint_provider.engine.databases.rows.tuples import (
    LOADED_TEXT,
    TUPLES,
    TupleForm,
    TupleReader,
)
from airflow_checkpoint_provider.engine.databases.sockets import cut
from airflow_checkpoint_provider.engine.databases.source import Prefetch
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.databases.statements.query import Query
from airflow_checkpoint_provider.engine.databases.values.written_types import WrittenType
from airflow_checkpoint_provider.engine.model.errors import SourceError, SourceMismatchError
from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.model.partition import Partition, TableStatistics

_CANCEL_S = 2.0
_FEW = 8  # rows that libpq holds whole, where they may be large


class PostgresSource(TypedSource):
    """
    One query on a psycopg connection.

    :param exact: read arrays, ranges and the like as the server's text; json and intervals always come as text
    """

    first_row = "LIMIT 1"
    asks_meanwhile = True
    row_values = True
    # No tuples for LOAD DATA: they take as long as by INSERT, and longer where there are bytes.
    packed_forms = frozenset((BINARY, TEXT, TUPLES, LOADED_TEXT))

    def __init__(self, connection: sa.Connection, query: Query, conn_id: str, *, exact: bool) -> None:
        self.described: dict[str, PostgresColumn] = {}
        set_for_reading(connection)
        super().__init__(connection, query, conn_id, exact=exact)

    def prefetch(self, route: RowRoute) -> Prefetch:
        # The server sends packed rows ahead by itself, but no more than the socket holds: too little for a file.
        sent = isinstance(route.form, CopyForm) and route.name != LOADED_TEXT
        return Prefetch.WHILE_WAITING if sent else Prefetch.ALWAYS

    def interrupt(self) -> None:
        # The connection may be gone; then nothing runs on it.
        with suppress(self.connection.dialect.loaded_dbapi.Error):
            self.raw.cancel_safe(timeout=_CANCEL_S)

    def cut(self) -> None:
        cut(self.raw)

    def primary_key(self, table: TableName) -> list[str]:
        # SQLAlchemy's query returns arrays, which this connection may read as text.
        with reading(self.connection):
            if found := table.resolve(sa.inspect(self.connection)):
                with self._cursor() as cursor:
                    return primary_key(cursor, found.quote(self.connection.dialect))
        return []

    def declared_columns(self, table: TableName | None) -> Mapping[str, DeclaredColumn]:
        required = [name for name, column in super().declared_columns(table).items() if column.required]
        types = {name: (column.oid, column.modifier) for name, column in self.described.items()}
        with self.errors(), reading(self.connection), self._cursor() as cursor:
            return described_columns(cursor, types, required)

    def read_as_of(self, moment: str) -> None:
        self._begin(lambda: read_snapshot(self.raw, moment))

    def read_as_of_now(self) -> None:
        self._begin(lambda: hold_snapshot(self.raw))

    def _begin(self, begin: Callable[[], str]) -> None:
        """Begin the transaction of a moment, which lasts as long as the connection."""
        if self.connection.in_transaction():
            self.connection.rollback()
        with self.errors():
            self.moment = begin()
        self.connection.begin()  # of SQLAlchemy, so that reading() does not end that of the server

    def statistics(self, table: TableName, column: str) -> TableStatistics | None:
        with self.errors(), self._cursor() as cursor:
            known = table_statistics(cursor, table.quote(self.connection.dialect), column)
        # The listed values of other types may have another order, or no Python value.
        if known is None or self.described[column].compares_as_python:
            return known
        return replace(known, values=0)

    def value_shares(self, table: TableName, column: str) -> list[tuple[Any, float]]:
        with self.errors(), self._cursor() as cursor:
            name = table.quote(self.connection.dialect)
            return value_shares(cursor, name, column, self.described[column].type_)

    def sample_clause(self, percent: float) -> str:
        return f"TABLESAMPLE SYSTEM ({percent:.6f})"

    def kept_places(self, forms: Sequence[PackedForm], read: Sequence[str]) -> frozenset[int]:
        known = [form for form in forms if form.name in (BINARY, TEXT)]
        return kept_places(known[0], read, self.described) if known else frozenset()

    def written_types(self, forms: Sequence[PackedForm], read: Sequence[str]) -> dict[int, WrittenType]:
        there = next((form.types for form in forms if form.name == BINARY), ())
        described = self.described
        if not self.exact_values:  # then text is what the driver has no type of Python for
            described = {name: replace(column, as_text=True) for name, column in described.items()}
        return written_types(read, described, there)

    def last_key(self, columns: Sequence[str], part: Partition | None = None) -> Key | None:
        last = super().last_key(columns, part)
        if last and any(self.described[column].is_moment for column in columns):
            # The least key is read as well: no attempt could go on from a key that Python has no value for.
            self._first_key(columns, part, "")
        return last

    def packed_route(self, form: PackedForm, use: RowUse) -> RowRoute | str:
        if form.name == LOADED_TEXT:
            return loaded_text_route(form, use, self.described, self.quote)
        if form.name == TUPLES:
            return tuple_route(form, use, self.described, self.quote)
        return packed_route(form, use, self.described)

    def written(self, route: RowRoute) -> str:
        return route.form.what if isinstance(route.form, TupleForm) else super().written(route)

    def value_route(self, route: RowRoute, use: RowUse) -> RowRoute:
        ahead = use.ahead and can_send_ahead() and all(map(self.tells_apart, use.keys))
        columns = self.described.values()
        form = ValueForm.of(columns, use, ahead=ahead)
        plain = bool(use.digits) and all(column.is_plain or column.oid in form.oids for column in columns)
        texts = frozenset(i for i, name in enumerate(use.read) if self.described[name].holds_text)
        return replace(route, form=form, silent=ahead, plain=plain, texts=texts)

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            with super().errors():
                yield
        except SourceError as error:
            cause = error.__cause__
            limited = [column.name for column in self.described.values() if column.is_limited]
            if is_policy(cause):
                raise SourceError(
                    f"{error}. The policy would hide rows, and the load would look complete without them. Read as a "
                    "role that sees all of them (BYPASSRLS, or the owner of the table), or through a view of such a "
                    'role; or let the connection ask for what the policy shows, by {"options": "-c row_security=on"} '
                    "in its extra."
                ) from cause
            if isinstance(cause, self.connection.dialect.loaded_dbapi.DataError) and not cause.sqlstate:
                raise SourceMismatchError(f"{error}. {self._instead(limited)}") from cause
            raise

    @contextmanager
    def stream(self, statement: tuple[str, Any], skip: int = 0, route: RowRoute = VALUES) -> Iterator[Reader]:
        if isinstance(route.form, TupleForm):
            with self._stream_tuples(statement) as written:
                yield written
            return
        form = route.form or ValueForm()
        if isinstance(form, CopyForm):
            with self._stream_packed(form, statement, skip) as packed:
                yield packed
            return
        if form.ahead and not skip:
            with sent_ahead(self.raw, statement, form, READ_AT_ONCE if self._is_short else _FEW) as fetch:
                yield self._reader(fetch, form)
            return
        with self._cursor(name=f"airflow_checkpoint_{uuid4().hex}") as cursor:
            with self.errors():
                self._execute(form.set_up(cursor), statement)
                if skip > 0:
                    cursor.scroll(skip)
            yield self._reader(cursor.fetchmany, form, waits=True)

    @property
    def _is_short(self) -> bool:
        return all(column.is_short for column in self.described.values())

    def _reader(self, fetch: Fetch, form: ValueForm, *, waits: bool = False) -> Reader:
        if form.moments:
            fetch = in_python_form(fetch, form.moments, self._not_in_python)
        return Guarded(RowReader(fetch, waits=waits, short=self._is_short), self.errors)

    @contextmanager
    def _stream_tuples(self, statement: tuple[str, Any]) -> Iterator[Reader]:
        with self._cursor(name=f"airflow_checkpoint_{uuid4().hex}") as cursor:
            with self.errors():
                self._execute(cursor, statement)
            yield TupleReader(
                Guarded(RowReader(cursor.fetchmany, waits=True, short=self._is_short), self._doubted)
            )

    @contextmanager
    def _doubted(self) -> Iterator[None]:
        """Turn the error of a row that is too long, or has to be checked, into that of a row that is not written."""
        try:
            with self.errors():
                yield
        except SourceError as error:
            if row := doubt_in(error.__cause__):
                raise NoLineError(row) from error
            raise

    @contextmanager
    def _stream_packed(self, form: CopyForm, statement: tuple[str, Any], skip: int) -> Iterator[Reader]:
        with self.errors():
            command = form.command(self.raw, statement, skip, self.columns, self.connection.dialect)
        read = form.reader(self.raw, {name: column.oid for name, column in self.described.items()})

        def load(fields: list[bytes | None]) -> Row:
            with self.errors():
                return read(fields)

        with self._cursor() as cursor, ExitStack() as stack:
            with self.errors():
                cursor.execute(LARGE_VALUE)
                copy = stack.enter_context(cursor.copy(command))
            with not_waited_for(self.raw):
                reader = PackedReader(copy, self.raw.pgconn, form.binary, load)
                if form.written:
                    yield Guarded(LoadedTextReader(reader), self._doubted)
                else:
                    yield Guarded(reader, self.errors)

    def _not_in_python(self, column: str, value: str) -> SourceError:
        return SourceError(f"Source {self.conn_id!r}: {column} is {value}. {self._instead([column])}")

    def _instead(self, columns: Sequence[str]) -> str:
        casts = ", ".join(f"CAST({column} AS text)" for column in columns)
        return f"Python has no such value: have the query return text instead, by {casts}."

    def _described(self, description: Sequence[Any]) -> None:
        self.described = describe_columns(self.raw, description, exact=self.exact_values)
        if reason := why_not_whole(self.described.values()):
            raise SourceMismatchError(f"Source {self.conn_id!r}: {reason}")
        set_readers(self.raw, self.described.values())
