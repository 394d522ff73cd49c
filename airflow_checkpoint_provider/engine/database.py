"""One connection to one database: opened by Airflow's hook, with SQLAlchemy Core on top of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from airflow_checkpoint_provider.engine.errors import CannotConnectError, UnsupportedDatabaseError

_URLS = {"sqlite3": "sqlite://", "psycopg": "postgresql+psycopg://"}


@dataclass(frozen=True, slots=True)
class Database:
    """
    Where to connect to.

    :param conn_id: the Airflow connection, for messages
    :param connect: opens a DB-API connection (a hook's ``get_conn``)
    """

    conn_id: str
    connect: Callable[[], Any]

    def open(self, *, lock_timeout: float = 60, for_writing: bool = False) -> sa.Connection:
        """
        Open a connection.

        :param lock_timeout: seconds to wait for a lock, where that is a setting of the connection
        :param for_writing: begin transactions so that two writers queue instead of failing
        :raises CannotConnectError: when the database cannot be reached
        :raises UnsupportedDatabaseError: for a driver that the engine does not know
        """
        try:
            raw = self.connect()
        except Exception as error:
            raise CannotConnectError(f"Connection {self.conn_id!r} cannot be opened: {error}") from error
        driver = type(raw).__module__.partition(".")[0]
        url = _URLS.get(driver)
        if url is None:
            raw.close()
            raise UnsupportedDatabaseError(
                f"Connection {self.conn_id!r} uses the driver {driver!r}; "
                f"the supported drivers are {', '.join(sorted(_URLS))}."
            )
        engine = sa.create_engine(url, creator=lambda: raw, poolclass=NullPool)
        if driver == "sqlite3":
            _prepare_sqlite(raw, engine, lock_timeout, for_writing)
        else:
            _prepare_psycopg(raw)
        return engine.connect()


@contextmanager
def reading(connection: sa.Connection) -> Iterator[None]:
    """Read without waiting for those who write, where beginning a transaction would wait."""
    connection.info["reading"] = True
    try:
        yield
    finally:
        connection.info.pop("reading", None)


def raw_connection(connection: sa.Connection) -> Any:
    """Return the driver's own connection, in the same transaction as ``connection``."""
    return connection.connection.driver_connection


def paramstyle(connection: sa.Connection) -> str:
    """Return the DB-API paramstyle of the connection's driver."""
    driver = type(raw_connection(connection)).__module__.partition(".")[0]
    return str(sys.modules[driver].paramstyle)


def is_disconnect(connection: sa.Connection, error: BaseException) -> bool:
    """Tell whether an error means that the connection is gone."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, sa.exc.DBAPIError) and cause.connection_invalidated:
            return True
        if isinstance(cause, connection.dialect.loaded_dbapi.Error) and connection.dialect.is_disconnect(
            cause, _dbapi_connection(connection), None
        ):
            return True
        cause = cause.__cause__
    return False


def _dbapi_connection(connection: sa.Connection) -> Any:
    if connection.closed or connection.invalidated:
        return None
    return connection.connection.dbapi_connection


def same_file(one: sa.Connection, other: sa.Connection) -> bool:
    """Tell whether two SQLite connections are open on one file."""
    if one.dialect.name != "sqlite" or other.dialect.name != "sqlite":
        return False
    paths = [raw_connection(c).execute("PRAGMA database_list").fetchone()[2] for c in (one, other)]
    return bool(paths[0]) and paths[0] == paths[1]


def _prepare_sqlite(raw: Any, engine: sa.Engine, lock_timeout: float, for_writing: bool) -> None:
    # The driver begins transactions late and not at all before DDL: a preoperator would not be part of one.
    raw.isolation_level = None
    raw.execute(f"PRAGMA busy_timeout = {int(lock_timeout * 1000)}")
    if for_writing:
        # IMMEDIATE, because a transaction that reads first and then writes cannot wait for its turn.
        sa.event.listen(engine, "begin", _begin_immediate)


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN" if connection.info.get("reading") else "BEGIN IMMEDIATE")


def _prepare_psycopg(raw: Any) -> None:
    from psycopg.rows import tuple_row

    # Extras of the Airflow connection may ask for dictionaries and autocommit.
    raw.row_factory = tuple_row
    raw.autocommit = False
