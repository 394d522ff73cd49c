"""Connections that die at a chosen statement, before it, after it, or with its acknowledgement lost."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Callable
from typing import Any

import psycopg

from tests.databases import Db


class Crash(BaseException):
    """The process is gone: nothing after this runs, and nothing uncommitted stays."""


class Fuse:
    """
    Counts statements and burns through at one of them.

    :param at: at which statement, counted from 0; ``None`` for never
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
        # A dead process holds no lock; a closed connection does while a statement of it has rows left.
        for cursor in self.cursors:
            cursor.close()
        self.rollback()
        self.close()

    def executemany(self, *args: Any) -> Any:
        return self.cursor().executemany(*args)

    def commit(self) -> None:
        # Committing nothing is not a statement that can be lost.
        if self.in_transaction:
            self.fuse.run(super().commit)


class PsycopgConnection(psycopg.Connection[Any]):
    fuse: Fuse

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cursor_factory = PsycopgCursor

    def die(self) -> None:
        if self.closed:
            return
        # Closing it would free what the thread that reads ahead is using, which no death of a process does.
        with socket.socket(fileno=os.dup(self.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    def commit(self) -> None:
        if self.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            self.fuse.run(super().commit)


def connect(db: Db, fuse: Fuse) -> Any:
    """Open a connection that the fuse can end."""
    connection: Any
    if db.kind == "sqlite":
        connection = sqlite3.connect(db.place, factory=SqliteConnection)
    else:
        connection = PsycopgConnection.connect(db.place)
    connection.fuse = Fuse()
    if db.kind == "sqlite":
        connection.execute("PRAGMA synchronous = OFF")  # processes die here, not machines
    connection.fuse = fuse
    return fuse.watch(connection)
