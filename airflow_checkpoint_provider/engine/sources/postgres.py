"""Reading from Postgres: a server-side cursor in one snapshot, every value exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.batches import Fetch, Row
from airflow_checkpoint_provider.engine.query import Query
from airflow_checkpoint_provider.engine.sources.dbapi import Source

# Types whose Python value holds all that the server sent.
_EXACT = frozenset(
    (
        *("bool", "bytea", "int2", "int4", "int8", "oid", "float4", "float8", "numeric", "uuid"),
        *("text", "varchar", "bpchar", "name", "date", "time", "timetz", "timestamp", "timestamptz"),
    )
)


class PostgresSource(Source):
    """
    One query on a psycopg connection.

    :param exact: read json, intervals, arrays and the like as the server's text, which no Python value rounds
    """

    def __init__(self, connection: sa.Connection, query: Query, conn_id: str, *, exact: bool) -> None:
        self._types: dict[str, str] = {}
        self._exact = exact
        _set_session(connection)
        super().__init__(connection, query, conn_id)

    def typed(self, column: str, placeholder: str) -> str:
        # Without the cast, a real 0.1 is compared as double precision, and is greater than itself.
        return f"CAST({placeholder} AS {self._types[column]})"

    @contextmanager
    def stream(self, statement: tuple[str, Any], size: int) -> Iterator[Fetch]:
        cursor = self.raw.cursor(name=f"airflow_checkpoint_{uuid4().hex}")
        try:
            cursor.itersize = size
            with self.errors():
                self._execute(cursor, statement)

            def fetch(count: int) -> list[Row]:
                with self.errors():
                    rows: list[Row] = cursor.fetchmany(count)
                    return rows

            fetch.scroll = cursor.scroll  # type: ignore[attr-defined]
            yield fetch
        finally:
            with suppress(self.connection.dialect.loaded_dbapi.Error):  # the connection may be closed by now
                cursor.close()

    def skip(self, fetch: Fetch, rows: int, size: int) -> None:
        if rows > 0:
            with self.errors():
                fetch.scroll(rows)  # type: ignore[attr-defined]

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
        if self._exact:
            from psycopg.types.string import TextLoader

            for oid, (_, name, builtin) in found.items():
                if not (builtin and name in _EXACT):
                    self.raw.adapters.register_loader(oid, TextLoader)


def _set_session(connection: sa.Connection) -> None:
    """One snapshot for the whole read, and text as the destination will understand it."""
    for statement in (
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        # A scan that joins another one in the middle of the table would give another order.
        "SET synchronize_seqscans = off",
        "SET client_encoding = 'UTF8'",
        # Without an order (DMY, YMD): that one is for reading literals, and so the user's own matter.
        "SET datestyle = 'ISO'",
        "SET intervalstyle = 'postgres'",
        "SET extra_float_digits = 3",
    ):
        connection.exec_driver_sql(statement)
    connection.commit()
