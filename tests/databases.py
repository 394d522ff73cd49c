"""Small databases for tests, the same to use whatever they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg

from airflow_checkpoint_provider.engine.database import Database


@dataclass(frozen=True)
class Db:
    """
    A database for one test.

    :param kind: ``sqlite`` or ``postgres``
    :param place: a path, or a DSN
    """

    kind: str
    place: str

    def connect(self) -> Any:
        if self.kind == "postgres":
            return psycopg.connect(self.place)
        connection = sqlite3.connect(self.place)
        connection.execute("PRAGMA synchronous = OFF")  # processes die in the tests, not the machine
        return connection

    def database(self, conn_id: str) -> Database:
        return Database(conn_id, self.connect)

    def execute(self, *statements: str) -> None:
        with closing(self.connect()) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def insert(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        rows = list(rows)
        if not rows:
            return
        mark = "?" if self.kind == "sqlite" else "%s"
        with closing(self.connect()) as connection:
            statement = f"INSERT INTO {table} VALUES ({', '.join([mark] * len(rows[0]))})"
            connection.cursor().executemany(statement, rows)
            connection.commit()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(self.connect()) as connection:
            return connection.cursor().execute(query).fetchall()

    def one(self, query: str) -> Any:
        return self.rows(query)[0][0]

    @property
    def uri(self) -> str:
        """The Airflow connection."""
        if self.kind == "sqlite":
            return f"sqlite://{self.place}"
        parts = psycopg.conninfo.conninfo_to_dict(self.place)
        host = quote(str(parts.get("host", "localhost")), safe="")
        login = f"{parts.get('user', 'postgres')}:{parts.get('password', '')}"
        return f"postgres://{login}@{host}:{parts.get('port', 5432)}/{parts['dbname']}"
