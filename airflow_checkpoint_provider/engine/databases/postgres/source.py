"""Reading from Postgres: a server-side cursor in one snapshot, every value exact."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from copy import copy
from dataclasses import replace
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.binds import Binds
from airflow_checkpoint_provider.engine.databases.blocks import Guarded, Reader, RowReader
from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.identifiers import TableName
from airflow_checkpoint_provider.engine.databases.postgres.chunked_stream import (
    can_send_ahead,
    not_waited_for,
    sent_ahead,
)
from airflow_checkpoint_provider.engine.databases.postgres.copy_format import LARGE_VALUE, Form
from airflow_checkpoint_provider.engine.databases.postgres.copy_stream import PackedReader
from airflow_checkpoint_provider.engine.databases.postgres.statistics import table_statistics, value_shares
from airflow_checkpoint_provider.engine.databases.postgres.text_values import Fetch, in_python_form
from airflow_checkpoint_provider.engine.databases.query import Query
from airflow_checkpoint_provider.engine.databases.sockets import cut
from airflow_checkpoint_provider.engine.databases.source import Prefetch, Source
from airflow_checkpoint_provider.engine.model.errors import SourceError
from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.model.partition import TableStatistics

# Types whose Python value holds all that the server sent.
_EXACT = frozenset(
    (
        *("bool", "bytea", "int2", "int4", "int8", "oid", "float4", "float8", "numeric", "uuid"),
        *("text", "varchar", "bpchar", "name", "date", "time", "timetz", "timestamp", "timestamptz"),
    )
)
# Types whose Python value has lost something, or cannot be written back: months are 30 days, numbers are floats.
_INEXACT = frozenset(("json", "jsonb", "interval", "_json", "_jsonb", "_interval"))

_MOMENTS = frozenset(("date", "time", "timetz", "timestamp", "timestamptz"))

# Types of which Python says the same values to be equal as the server.
_AS_PYTHON = frozenset(
    (
        *("bool", "bytea", "int2", "int4", "int8", "oid", "float4", "float8", "numeric", "uuid"),
        *("date", "time", "timestamp", "timestamptz"),
    )
)
_TEXT = frozenset(("text", "varchar", "name"))
# Whose Python values are whole numbers, text and bytes.
_SIMPLE = frozenset(("int2", "int4", "int8", "oid", "text", "varchar", "bpchar", "name", "bytea"))
# Whose binary form depends on settings, or has no fixed meaning on another server.
_UNPORTABLE = frozenset(
    (
        *("money", "regclass", "regproc", "regtype", "regrole", "regnamespace", "regoper", "regoperator"),
        *("regprocedure", "regconfig", "regdictionary", "regcollation", "aclitem", "xml"),
    )
)
_PRIMARY_KEY = (
    "SELECT attname FROM pg_index CROSS JOIN unnest(indkey) WITH ORDINALITY AS part (number, place) "
    "JOIN pg_attribute ON attrelid = indrelid AND attnum = number "
    "WHERE indisprimary AND indrelid = to_regclass(%s) ORDER BY place"
)
_CANCEL_S = 2.0
FIRST_OWN_OID = 16384  # below it are the types that every server has


class PostgresSource(Source):
    """
    One query on a psycopg connection.

    :param exact: read arrays, ranges and the like as the server's text; json and intervals always come as text
    """

    first_row = "LIMIT 1"
    row_values = True

    def __init__(self, connection: sa.Connection, query: Query, conn_id: str, *, exact: bool) -> None:
        self._types: dict[str, str] = {}
        self._type_names: dict[str, str] = {}
        self.oids: dict[str, int] = {}
        self._packed: Form | None = None
        self._sends_ahead = False
        self._as_python: set[str] = set()
        self._moments: list[str] = []
        self._precisions: dict[str, int | None] = {}
        self._texts: dict[str, int] = {}
        self._oids_as_text: set[int] = set()
        _set_session(connection)
        super().__init__(connection, query, conn_id, exact=exact)

    @property
    def prefetch(self) -> Prefetch:
        # The server sends packed rows ahead by itself, but no more than the socket holds.
        return Prefetch.WHILE_WAITING if self._packed else Prefetch.ALWAYS

    def interrupt(self) -> None:
        # The connection may be gone; then nothing runs on it.
        with suppress(self.connection.dialect.loaded_dbapi.Error):
            self.raw.cancel_safe(timeout=_CANCEL_S)

    def cut(self) -> None:
        cut(self.raw)

    def primary_key(self, table: TableName) -> list[str]:
        # SQLAlchemy asks for arrays, and these may be read as text on this connection.
        with reading(self.connection):
            if found := table.resolve(sa.inspect(self.connection)):
                with self._cursor() as cursor:
                    cursor.execute(_PRIMARY_KEY, [found.quote(self.connection.dialect)])
                    return [name for (name,) in cursor.fetchall()]
        return []

    def statistics(self, table: TableName, column: str) -> TableStatistics | None:
        with self.errors(), self._cursor() as cursor:
            known = table_statistics(cursor, table.quote(self.connection.dialect), column)
        # Of other types, the values that are listed may have another order, or no form in Python.
        return known if known is None or column in self._as_python else replace(known, values=0)

    def value_shares(self, table: TableName, column: str) -> list[tuple[Any, float]]:
        with self.errors(), self._cursor() as cursor:
            name = table.quote(self.connection.dialect)
            return value_shares(cursor, name, column, self._types[column])

    def sample_clause(self, percent: float) -> str:
        return f"TABLESAMPLE SYSTEM ({percent:.6f})"

    def typed(self, column: str, placeholder: str) -> str:
        # Without the cast, a real 0.1 is compared as double precision, and is greater than itself.
        return f"CAST({placeholder} AS {self._types[column]})"

    def tied(self, columns: Sequence[str], one: Key, other: Key) -> bool:
        # Where nothing can be asked meanwhile, rows are only taken so if no column has to be asked for.
        if self._packed or self._sends_ahead or self._as_python.issuperset(columns):
            return super().tied(columns, one, other)
        return one == other or self._equal(columns, one, other)

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            with super().errors():
                yield
        except SourceError as error:
            cause = error.__cause__
            if isinstance(cause, self.connection.dialect.loaded_dbapi.DataError) and not cause.sqlstate:
                raise SourceError(f"{error}. {self._instead(self._moments)}") from cause
            raise

    @contextmanager
    def stream(self, statement: tuple[str, Any], skip: int = 0) -> Iterator[Reader]:
        if self._packed:
            with self._stream_packed(self._packed, statement, skip) as packed:
                yield packed
            return
        if self._sends_ahead and not skip:
            with sent_ahead(self.raw, statement) as fetch:
                yield self._reader(fetch)
            return
        with self._cursor(name=f"airflow_checkpoint_{uuid4().hex}") as cursor:
            with self.errors():
                self._execute(cursor, statement)
                if skip > 0:
                    cursor.scroll(skip)
            yield self._reader(cursor.fetchmany)

    def _reader(self, fetch: Fetch) -> Reader:
        if self._texts:
            fetch = in_python_form(fetch, self._texts, self._not_in_python)
        return Guarded(RowReader(fetch), self.errors)

    def pack(self, form: Form) -> None:
        """Let :meth:`stream` hand out rows packed."""
        self._packed = form

    def unpacked(self) -> PostgresSource:
        """Return the same source, which hands out rows as Python values, and can be asked meanwhile."""
        other = copy(self)
        other._packed, other._sends_ahead = None, False
        return other

    def send_ahead(self, keys: Collection[str]) -> None:
        """
        Let the server send the rows of :meth:`stream` before they are asked for.

        :param keys: columns whose values are compared, for nothing can be asked meanwhile
        """
        self._sends_ahead = can_send_ahead() and all(map(self.tells_apart, keys))

    def read_as_text(self, values: Collection[str], exact: Collection[str], digits: int) -> bool:
        """
        Let :meth:`stream` hand out numbers, dates and timestamps as text, for a destination that has no types for them.

        :param values: columns whose Python values are needed
        :param exact: columns that the destination keeps to the last digit
        :param digits: how many it keeps of the others
        :return: whether all that it hands out is now whole numbers, text and bytes
        """
        for oid in set(self.oids.values()):
            columns = [column for column in self.columns if self.oids[column] == oid]
            kind = self._type_names[columns[0]]
            moment = kind in ("date", "timestamp")
            short = [c for c in columns if c in exact or (self._precisions[c] or digits + 1) <= digits]
            if oid >= FIRST_OWN_OID or not set(columns).isdisjoint(values):
                continue
            if moment or (kind == "numeric" and short == columns):
                self._load_as_text(oid)
                if moment:
                    self._texts |= {column: self.columns.index(column) for column in columns}
        return all(
            oid in self._oids_as_text or (self._type_names[column] in _SIMPLE and oid < FIRST_OWN_OID)
            for column, oid in self.oids.items()
        )

    def _load_as_text(self, oid: int) -> None:
        from psycopg.types.string import TextLoader

        self.raw.adapters.register_loader(oid, TextLoader)
        self._oids_as_text.add(oid)

    def tells_apart(self, column: str) -> bool:
        """Tell whether values of the column that differ in Python differ for the server, and the reverse."""
        return column in self._as_python or (
            self._type_names[column] in _TEXT and self._is_deterministic(column)
        )

    def type_of(self, column: str) -> str:
        """Name the column's type, as SQL does."""
        return self._types[column]

    def is_portable(self, column: str) -> bool:
        """Tell whether the binary form of the column's type is the same on every server."""
        return self.oids[column] < FIRST_OWN_OID and self._type_names[column] not in _UNPORTABLE

    def is_exact(self, column: str) -> bool:
        """Tell whether a value of the column is the same in Python, read as binary or as text."""
        return self._type_names[column] in _EXACT and self.oids[column] < FIRST_OWN_OID

    @contextmanager
    def _stream_packed(self, form: Form, statement: tuple[str, Any], skip: int) -> Iterator[Reader]:
        with self.errors():
            command = form.command(self.raw, statement, skip, self.columns, self.connection.dialect)
        load = form.reader(self.raw, self.oids)
        with self._cursor() as cursor, ExitStack() as stack:
            with self.errors():
                cursor.execute(LARGE_VALUE)
                copy = stack.enter_context(cursor.copy(command))
            with not_waited_for(self.raw):
                yield Guarded(PackedReader(copy, self.raw.pgconn, form.binary, load), self.errors)

    def _not_in_python(self, column: str, value: str) -> SourceError:
        return SourceError(f"Source {self.conn_id!r}: {column} is {value}. {self._instead([column])}")

    def _instead(self, columns: Sequence[str]) -> str:
        casts = ", ".join(f"CAST({column} AS text)" for column in columns)
        return f"Python has no such value: have the query return text instead, by {casts}."

    def _is_deterministic(self, column: str) -> bool:
        name = self.quote(column)
        text, values = self.select(name, f" WHERE 1 = 0 UNION ALL SELECT CAST(NULL AS {self._types[column]})")
        found = self.one(
            (
                "SELECT collisdeterministic FROM pg_collation WHERE oid = "
                f"(SELECT pg_collation_for({name})::regcollation FROM ({text}) src)",
                values,
            )
        )
        return bool(found and found[0])

    def _equal(self, columns: Sequence[str], one: Key, other: Key) -> bool:
        """Ask the database, for 30 days are a month, and the collation of a text is the column's."""
        binds = Binds(self.paramstyle, self.query.parameters)
        names = ", ".join(map(self.quote, columns))
        values = [
            ", ".join(
                self.typed(column, binds.add(value)) for column, value in zip(columns, key, strict=True)
            )
            for key in (one, other)
        ]
        text, bound = self.select(names, f" WHERE 1 = 0 UNION ALL SELECT {values[0]}", binds)
        return self.one((f"SELECT 1 FROM ({text}) src WHERE ({names}) = ({values[1]})", bound)) is not None

    def _described(self, description: Sequence[Any]) -> None:
        oids = {column.type_code for column in description}
        with self.raw.cursor() as cursor:
            cursor.execute(
                "SELECT oid, format_type(oid, -1), typname, typnamespace = 'pg_catalog'::regnamespace"
                " FROM pg_type WHERE oid = ANY(%s)",
                [list(oids)],
            )
            found = {oid: rest for oid, *rest in cursor.fetchall()}
        self._types = {column.name: found[column.type_code][0] for column in description}
        self._type_names = {column.name: found[column.type_code][1] for column in description}
        self.oids = {column.name: column.type_code for column in description}
        self._as_python = {column.name for column in description if found[column.type_code][1] in _AS_PYTHON}
        self._moments = [column.name for column in description if found[column.type_code][1] in _MOMENTS]
        self._precisions = {column.name: column.precision for column in description}
        for oid, (_, name, builtin) in found.items():
            if name in _INEXACT or (self.exact_values and not (builtin and name in _EXACT)):
                self._load_as_text(oid)


def _set_session(connection: sa.Connection) -> None:
    """One snapshot for the whole read, and all digits of a number."""
    for statement in (
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        # A scan that joins another one in the middle of the table would give another order.
        "SET synchronize_seqscans = off",
        "SET extra_float_digits = 3",
        "SET bytea_output = 'hex'",
    ):
        connection.exec_driver_sql(statement)
    connection.commit()
