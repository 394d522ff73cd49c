"""The driver's connection: transactions as Oracle has them."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import oracledb
import psycopg

from tests.support.oracle_standin.cursor import Cursor
from tests.support.oracle_standin.errors import dpy, from_postgres, ora
from tests.support.oracle_standin.faults import Faults
from tests.support.oracle_standin.moments import Moments
from tests.support.oracle_standin.sql import Statement
from tests.support.oracle_standin.types import FetchInfo


class Connection(oracledb.Connection):
    """
    One session.

    A transaction begins with the first statement that writes or locks, so that a session that only reads
    blocks no other; a failed statement is undone, and the transaction continues.

    ``CHECKPOINT_TEST_ORACLE_MODE=thick`` stands for a driver in thick mode, which has buffers for all values of a block.
    """

    thin = os.environ.get("CHECKPOINT_TEST_ORACLE_MODE") != "thick"
    version = "23.9.0.25.7"
    max_identifier_length = 128
    call_timeout = 0
    stmtcachesize = 20
    outputtypehandler: Any = None
    inputtypehandler: Any = None
    module = ""
    username = "SCOTT"
    dsn = "standin"
    autocommit = False
    moments: Moments
    """The server's."""

    def __init__(self, postgres: psycopg.Connection[Any], faults: Faults) -> None:
        self._impl = None
        self.postgres = postgres
        self.faults = faults
        self._lost = False
        self._schema: str | None = None
        self._schema_to_set: str | None = None
        self.parallel_dml = False
        self._written_in_parallel: set[str] = set()
        self.session: list[str] = []
        self.described: dict[str, tuple[Any, list[FetchInfo]]] = {}

    @property
    def current_schema(self) -> Any:
        return self._schema

    @current_schema.setter
    def current_schema(self, name: str) -> None:
        self._schema = name  # sent to the server with the next statement
        self._schema_to_set = name.upper()

    def _set_schema(self) -> None:
        name, self._schema_to_set = self._schema_to_set, None
        if name is None:
            return
        if not self.postgres.execute("SELECT to_regnamespace(%s)", [f'"{name}"']).fetchone()[0]:
            raise ora(1435)
        self.postgres.execute(f'SET search_path = "{name}", "SYS"')

    def cursor(self, scrollable: bool = False) -> Cursor:
        self._check_open()
        return Cursor(self)

    def commit(self) -> None:
        self._check_open()
        self.step("commit", lambda: self._end("COMMIT"))

    def rollback(self) -> None:
        self._check_open()
        self._end("ROLLBACK")

    def close(self, *_: Any) -> None:
        if self.postgres.closed and not self._lost:
            raise dpy(1001)
        self.lose()

    def cancel(self) -> None:
        """Cancel the statement running in another thread."""
        self._check_open()
        self.postgres.cancel_safe()

    def ping(self) -> None:
        self._check_open()

    def lose(self) -> None:
        """Lose the session: uncommitted changes are undone."""
        self._lost = True
        with suppress(psycopg.Error):
            self.postgres.execute("ROLLBACK")
        self.postgres.close()

    def step(self, what: str, run: Callable[[], Any], of: str = "") -> Any:
        """Do one step that uses the network."""
        return self.faults.run(what, self.lose, run, of)

    def run(self, statement: Statement, run: Callable[[psycopg.RawCursor[Any]], Any]) -> Any:
        """Run a statement in its transaction."""
        self._check_open()
        self._set_schema()
        self._check_parallel(statement)
        cursor = psycopg.RawCursor(self.postgres)
        try:
            if statement.kind == "query" and not self.in_transaction:
                return run(cursor)
            if statement.kind == "control":
                if not self.in_transaction:
                    cursor.execute("BEGIN")
                return run(cursor)
            if statement.kind == "ddl":
                return self._alone(cursor, run)
            return self._in_transaction(cursor, statement.wait, run)
        except psycopg.Error as error:
            if self.postgres.closed:
                self._lost = True
            raise from_postgres(error, waits=bool(statement.wait)) from error

    def set(self, statement: str) -> None:
        """Apply an ALTER SESSION."""
        self._set_schema()
        self.session.append(statement)
        if "PARALLEL DML" in statement.upper():
            self.parallel_dml = "ENABLE" in statement.upper()

    def _check_parallel(self, statement: Statement) -> None:
        """Refuse a table that this transaction has written with parallel DML, and record such a write."""
        if self._written_in_parallel.intersection(statement.tables):
            raise ora(12838)
        if self.parallel_dml and statement.kind == "dml" and not statement.inserts and statement.tables:
            self._written_in_parallel.add(statement.tables[0])

    def _in_transaction(
        self, cursor: psycopg.RawCursor[Any], wait: float | None, run: Callable[[Any], Any]
    ) -> Any:
        if not self.in_transaction:
            cursor.execute("BEGIN")
        cursor.execute("SAVEPOINT standin")
        try:
            if wait is not None:
                cursor.execute(f"SET LOCAL lock_timeout = {max(int(wait * 1000), 1)}")
            result = run(cursor)
        except psycopg.Error:
            if not self.postgres.closed:
                self.postgres.execute("ROLLBACK TO standin")
            raise
        if wait is not None:
            self.postgres.execute("SET LOCAL lock_timeout = 0")
        self.postgres.execute("RELEASE standin")
        return result

    def _alone(self, cursor: psycopg.RawCursor[Any], run: Callable[[Any], Any]) -> Any:
        """Run DDL, which commits before and after, with a short wait for locks."""
        self._end("COMMIT")
        self.postgres.execute("SET lock_timeout = '2s'")
        try:
            with self.postgres.transaction():
                return run(cursor)
        finally:
            self.postgres.execute("RESET lock_timeout")

    @property
    def in_transaction(self) -> bool:
        return self.postgres.info.transaction_status != psycopg.pq.TransactionStatus.IDLE

    def _end(self, how: str) -> None:
        self._written_in_parallel.clear()
        try:
            if self.in_transaction:
                self.postgres.execute(how)
        except psycopg.Error as error:
            self._lost = True
            raise from_postgres(error, waits=False) from error

    def _check_open(self) -> None:
        if self._lost or self.postgres.closed:
            raise dpy(1001)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        self.postgres.close()
