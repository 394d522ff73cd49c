"""Reading from Postgres: a server-side cursor in one snapshot, every value exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.batches import Fetch, Row
from airflow_checkpoint_provider.engine.binds import Binds
from airflow_checkpoint_provider.engine.errors import SourceError
from airflow_checkpoint_provider.engine.position import Key
from airflow_checkpoint_provider.engine.query import Query
from airflow_checkpoint_provider.engine.sources.dbapi import Source

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


class PostgresSource(Source):
    """
    One query on a psycopg connection.

    :param exact: read arrays, ranges and the like as the server's text; json and intervals always come as text
    """

    def __init__(self, connection: sa.Connection, query: Query, conn_id: str, *, exact: bool) -> None:
        self._types: dict[str, str] = {}
        self._as_python: set[str] = set()
        self._moments: list[str] = []
        self._exact = exact
        _set_session(connection)
        super().__init__(connection, query, conn_id)

    def typed(self, column: str, placeholder: str) -> str:
        # Without the cast, a real 0.1 is compared as double precision, and is greater than itself.
        return f"CAST({placeholder} AS {self._types[column]})"

    def tied(self, columns: Sequence[str], one: Key, other: Key) -> bool:
        if self._as_python.issuperset(columns):
            return super().tied(columns, one, other)
        return one == other or self._equal(columns, one, other)

    @contextmanager
    def stream(self, statement: tuple[str, Any], size: int) -> Iterator[Fetch]:
        with self._cursor(name=f"airflow_checkpoint_{uuid4().hex}") as cursor:
            cursor.itersize = size
            with self.errors():
                self._execute(cursor, statement)

            def fetch(count: int) -> list[Row]:
                with self.errors():
                    rows: list[Row] = cursor.fetchmany(count)
                    return rows

            fetch.scroll = cursor.scroll  # type: ignore[attr-defined]
            yield fetch

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            with super().errors():
                yield
        except SourceError as error:
            cause = error.__cause__
            if isinstance(cause, self.connection.dialect.loaded_dbapi.DataError) and not cause.sqlstate:
                columns = ", ".join(f"CAST({column} AS text)" for column in self._moments)
                raise SourceError(
                    f"{error}. Python has no such value: have the query return text instead, by {columns}."
                ) from cause
            raise

    def skip(self, fetch: Fetch, rows: int, size: int) -> None:
        if rows > 0:
            with self.errors():
                fetch.scroll(rows)  # type: ignore[attr-defined]

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
        self._as_python = {column.name for column in description if found[column.type_code][1] in _AS_PYTHON}
        self._moments = [column.name for column in description if found[column.type_code][1] in _MOMENTS]
        from psycopg.types.string import TextLoader

        for oid, (_, name, builtin) in found.items():
            if name in _INEXACT or (self._exact and not (builtin and name in _EXACT)):
                self.raw.adapters.register_loader(oid, TextLoader)


def _set_session(connection: sa.Connection) -> None:
    """One snapshot for the whole read, and all digits of a number."""
    for statement in (
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        # A scan that joins another one in the middle of the table would give another order.
        "SET synchronize_seqscans = off",
        "SET extra_float_digits = 3",
    ):
        connection.exec_driver_sql(statement)
    connection.commit()
