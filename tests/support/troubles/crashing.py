"""Connections that die at a chosen statement, before it, after it, or with its acknowledgement lost."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import psycopg

from airflow_checkpoint_provider.engine.databases import sockets
from airflow_checkpoint_provider.engine.databases.mysql.drivers import leave
from tests.support.databases.db import Db
from tests.support.databases.mysql_drivers import connect_mysql
from tests.support.databases.oracle_places import stand_in
from tests.support.oracle_standin import Connection


class Crash(BaseException):
    """The process has ended: no later code runs, and uncommitted changes are lost."""


class Fuse:
    """
    Counts statements and ends the connection at one of them.

    :param at: the number of the statement, counted from 0; ``None`` for never
    :param after: let the statement take effect first, as when an acknowledgement is lost
    """

    def __init__(self, at: int | None = None, after: bool = False) -> None:
        self.left = at
        self.after = after
        self.burnt = False
        self._connections: list[Any] = []

    def watch(self, connection: Any) -> Any:
        self._connections.append(connection)
        return connection

    def run(self, statement: Callable[[], Any]) -> Any:
        if self.burnt:
            raise Crash
        if self.left != 0:
            self.left = None if self.left is None else self.left - 1
            return statement()
        if self.after:
            statement()
        self.burnt = True
        for connection in self._connections:
            connection.die()
        raise Crash


def _through_fuse(base: type, *names: str) -> dict[str, Any]:
    def method(name: str) -> Any:
        inherited = getattr(base, name)

        def run(self: Any, *args: Any, **kwargs: Any) -> Any:
            connection = self if name == "commit" else self.connection
            return connection.fuse.run(lambda: inherited(self, *args, **kwargs))

        return run

    return {name: method(name) for name in names}


SqliteCursor = type(
    "SqliteCursor", (sqlite3.Cursor,), _through_fuse(sqlite3.Cursor, "execute", "executemany")
)
PsycopgCursor = type("PsycopgCursor", (psycopg.Cursor,), _through_fuse(psycopg.Cursor, "execute"))


class SqliteConnection(sqlite3.Connection):
    fuse: Fuse

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cursors: list[sqlite3.Cursor] = []

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        self.cursors.append(super().cursor(SqliteCursor))
        return self.cursors[-1]

    def die(self) -> None:
        # A dead process holds no lock; a closed connection does while one of its statements has rows left.
        for cursor in self.cursors:
            cursor.close()
        self.rollback()
        self.close()

    def executemany(self, *args: Any) -> Any:
        return self.cursor().executemany(*args)

    def commit(self) -> None:
        # An empty commit is not a statement that can be lost.
        if self.in_transaction:
            self.fuse.run(super().commit)


def cut(connection: psycopg.Connection[Any]) -> None:
    """Cut a connection without closing it: closing frees memory that another thread may be using."""
    if not connection.closed:
        sockets.cut(connection)


class PsycopgConnection(psycopg.Connection[Any]):
    fuse: Fuse

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cursor_factory = PsycopgCursor

    def die(self) -> None:
        cut(self)

    def commit(self) -> None:
        if self.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            self.fuse.run(super().commit)


class OracleConnection(Connection):
    fuse: Fuse

    def die(self) -> None:
        cut(self.postgres)

    def step(self, what: str, run: Callable[[], Any], of: str = "") -> Any:
        if _UNEVENTFUL.match(what):
            return super().step(what, run, of)
        return self.fuse.run(lambda: super(OracleConnection, self).step(what, run, of))


# Steps that only read settings or the catalog when a connection is opened, or fetch more rows.
_UNEVENTFUL = re.compile(
    r"fetch|select sys_context|SELECT 1\.1|ALTER SESSION|SELECT parameter|SELECT tables_and_views",
    re.IGNORECASE,
)


class MysqlConnection:
    """A wrapper of any driver of MySQL; the engine recognizes its base class."""

    fuse: Fuse

    def die(self) -> None:
        with suppress(Exception):
            leave(self)
            self.close()  # type: ignore[attr-defined]

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        cursor = super().cursor(*args, **kwargs)  # type: ignore[misc]
        execute = cursor.execute
        cursor.execute = lambda *given: self.fuse.run(lambda: execute(*given))
        return cursor

    def commit(self) -> None:
        self.fuse.run(super().commit)  # type: ignore[misc]


def _connect_mysql(db: Db) -> Any:
    with closing(db.connect()) as connection:
        driver = type(connection)
    return connect_mysql(db.place, make=type("Mortal", (MysqlConnection, driver), {}))


def connect(db: Db, fuse: Fuse) -> Any:
    """Open a connection that the fuse can end."""
    connection: Any
    if db.kind == "oracle":
        connection = stand_in.server(db.place).connect(make=OracleConnection)
        connection.fuse = fuse
        return fuse.watch(connection)
    if db.kind == "mysql":
        connection = _connect_mysql(db)
        connection.fuse = fuse
        return fuse.watch(connection)
    if db.kind == "sqlite":
        connection = sqlite3.connect(db.place, factory=SqliteConnection)
    else:
        connection = PsycopgConnection.connect(db.place)
    connection.fuse = Fuse()
    if db.kind == "sqlite":
        connection.execute("PRAGMA synchronous = OFF")  # processes die here, not machines
    connection.fuse = fuse
    return fuse.watch(connection)
