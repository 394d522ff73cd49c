"""Small databases for tests, with one interface for every kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from airflow_checkpoint_provider.engine.databases.connection import Database
from tests.support.databases.kind import Kind
from tests.support.databases.mysql_drivers import DEFAULT_DRIVER
from tests.support.databases.registry import KINDS


@dataclass(frozen=True)
class Db:
    """
    A database for one test.

    :param kind: its name in the registry
    :param place: a path, or a DSN
    :param driver: of MySQL, which has several
    """

    kind: str
    place: str
    driver: str = DEFAULT_DRIVER

    @property
    def able(self) -> Kind:
        """The abilities of its kind."""
        return KINDS[self.kind]

    def connect(self) -> Any:
        return self.able.connect(self)

    def by_hand(self) -> Any:
        """Connect for the tests' own statements, with names in standard quotes."""
        return self.able.by_hand(self)

    def database(self, conn_id: str) -> Database:
        return Database(conn_id, self.connect)

    def execute(self, *statements: str) -> None:
        with closing(self.by_hand()) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(self.able.ddl(statement))
                if cursor.description:
                    cursor.fetchall()  # what is not read keeps a connection of MySQL from its COMMIT
            connection.commit()

    def insert(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        rows = [tuple(map(self.able.bound, row)) for row in rows]
        if not rows:
            return
        statement = f"INSERT INTO {table} VALUES ({', '.join(self.able.marks(len(rows[0])))})"
        with closing(self.by_hand()) as connection:
            for start in range(0, len(rows), 10_000):  # a server of MySQL limits the bytes of a statement
                connection.cursor().executemany(statement, rows[start : start + 10_000])
            connection.commit()

    def rows(self, query: str, *before: str) -> list[tuple[Any, ...]]:
        with closing(self.by_hand()) as connection:
            cursor = connection.cursor()
            self.able.prepare_cursor(cursor)
            for statement in before:
                cursor.execute(statement)
            cursor.execute(query)
            return [tuple(map(self.able.fetched, row)) for row in cursor.fetchall()]

    def one(self, query: str) -> Any:
        return self.rows(query)[0][0]

    def spelt(self, name: str) -> str:
        """Return the catalog's form of a name in lower case without quotes."""
        return self.able.spelt(name)

    def by_key(self, *columns: str) -> dict[str, Any]:
        """Return the arguments of an upsert by the primary key for this kind."""
        return {} if self.able.knows_primary_keys else {"conflict_columns": list(columns)}

    def tables(self) -> list[str]:
        """Return the names of its tables."""
        return self.able.tables(self)

    @property
    def uri(self) -> str:
        """The Airflow connection."""
        return self.able.uri(self)
