"""Small databases for tests, the same to use whatever they are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import psycopg

from airflow_checkpoint_provider.engine.databases.connection import Database
from tests.support.databases import oracle as oracle_databases
from tests.support.databases.mysql_drivers import DEFAULT_DRIVER, connect_mysql


@dataclass(frozen=True)
class Db:
    """
    A database for one test.

    :param kind: ``sqlite``, ``postgres``, ``mysql`` or ``oracle``
    :param place: a path, or a DSN
    :param driver: of MySQL, which has several
    """

    kind: str
    place: str
    driver: str = DEFAULT_DRIVER

    def connect(self) -> Any:
        if self.kind == "postgres":
            return psycopg.connect(self.place)
        if self.kind == "mysql":
            return connect_mysql(self.place, self.driver)
        if self.kind == "oracle":
            return oracle_databases.connect(self.place)
        connection = sqlite3.connect(self.place)
        connection.execute("PRAGMA synchronous = OFF")  # processes die in the tests, not the machine
        return connection

    def by_hand(self) -> Any:
        """Connect as the tests do, which write names in quotes as the standard has them."""
        connection = self.connect()
        if self.kind == "mysql":
            connection.cursor().execute("SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')")
        return connection

    def database(self, conn_id: str) -> Database:
        return Database(conn_id, self.connect)

    def execute(self, *statements: str) -> None:
        with closing(self.by_hand()) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(oracle_databases.ddl(statement) if self.kind == "oracle" else statement)
            connection.commit()

    def insert(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        rows = list(rows)
        if not rows:
            return
        marks = ["?" if self.kind == "sqlite" else "%s"] * len(rows[0])
        if self.kind == "oracle":
            marks = [f":{number}" for number in range(1, len(rows[0]) + 1)]
            rows = [tuple(map(oracle_databases.value, row)) for row in rows]
        with closing(self.by_hand()) as connection:
            statement = f"INSERT INTO {table} VALUES ({', '.join(marks)})"
            for start in range(0, len(rows), 10_000):  # a server of MySQL limits the bytes of a statement
                connection.cursor().executemany(statement, rows[start : start + 10_000])
            connection.commit()

    def rows(self, query: str, *before: str) -> list[tuple[Any, ...]]:
        with closing(self.by_hand()) as connection:
            cursor = connection.cursor()
            if self.kind == "oracle":
                cursor.outputtypehandler = oracle_databases.keep_digits
            for statement in before:
                cursor.execute(statement)
            cursor.execute(query)
            rows = list(cursor.fetchall())
            return rows if self.kind != "oracle" else [tuple(map(oracle_databases.read, row)) for row in rows]

    def one(self, query: str) -> Any:
        return self.rows(query)[0][0]

    def spelt(self, name: str) -> str:
        """Return what the catalog makes of a name that is written in lower case and without quotes."""
        return name.upper() if self.kind == "oracle" else name

    @property
    def uri(self) -> str:
        """The Airflow connection."""
        if self.kind == "sqlite":
            return f"sqlite://{self.place}"
        if self.kind == "mysql":
            url = urlsplit(self.place)
            extra = (
                dict(parse_qsl(url.query))
                if self.driver == "MySQLdb"
                else {"client": "mysql-connector-python"}
            )
            return f"mysql://{url.netloc}{url.path}?__extra__={quote(json.dumps(extra))}"
        if self.kind == "oracle":
            return oracle_databases.uri(self.place)
        parts = psycopg.conninfo.conninfo_to_dict(self.place)
        host = quote(str(parts.get("host", "localhost")), safe="")
        login = f"{parts.get('user', 'postgres')}:{parts.get('password', '')}"
        return f"postgres://{login}@{host}:{parts.get('port', 5432)}/{parts['dbname']}"
