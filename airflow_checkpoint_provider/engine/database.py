"""One connection to one database: opened by Airflow's hook, with SQLAlchemy Core on top of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from airflow_checkpoint_provider.engine import ansi, mysql
from airflow_checkpoint_provider.engine.errors import (
    CannotConnectError,
    CheckpointLockedError,
    UnsupportedDatabaseError,
    one_line,
)
from airflow_checkpoint_provider.engine.oracle import means_start_again, prepare_session
from airflow_checkpoint_provider.engine.sockets import (
    KEEPALIVE,
    connect_soon,
    goes_over_network,
    notice_gone_peer,
)

_URLS = {
    "sqlite3": "sqlite://",
    "psycopg": "postgresql+psycopg://",
    "oracledb": "oracle+oracledb://",
    **mysql.URLS,
}
# The general path would be slow on a server that has a driver of its own, and would create other tables.
_REFUSED = {
    "psycopg2": "is not supported; install psycopg 3 where Airflow runs (pip install "
    "'airflow-checkpoint-provider[postgres]') and restart it: Airflow's Postgres hook then takes that one",
}
_REMOTE = _URLS.keys() - {"sqlite3"}  # whose connections may be opened in another thread
_SOON_S = 3.0

# The server probes the client as the client probes the server, unless somebody has said how.
_PROBE_CLIENT = (
    "SELECT set_config(name, value, false) FROM pg_settings JOIN (VALUES ('tcp_keepalives_idle', '{TCP_KEEPIDLE}'), "
    "('tcp_keepalives_interval', '{TCP_KEEPINTVL}'), ('tcp_keepalives_count', '{TCP_KEEPCNT}')) "
    "AS wanted (name, value) USING (name) WHERE source = 'default'"
).format(**KEEPALIVE)


@dataclass(frozen=True, slots=True)
class Database:
    """
    Where to connect to.

    :param conn_id: the Airflow connection, for messages
    :param connect: opens a DB-API connection (a hook's ``get_conn``)
    :param scheme: the SQLAlchemy dialect that the hook names, for drivers that the engine does not know itself
    """

    conn_id: str
    connect: Callable[[], Any]
    scheme: str | None = None

    def open(
        self,
        *,
        lock_timeout: float = 60,
        for_writing: bool = False,
        opened: Callable[[Any], None] = lambda raw: None,
    ) -> sa.Connection:
        """
        Open a connection.

        :param lock_timeout: seconds to wait for a lock, where that is a setting of the connection
        :param for_writing: begin transactions so that two writers queue instead of failing
        :param opened: is told of the driver's connection before anything is asked of it
        :raises CannotConnectError: when the database cannot be reached
        :raises UnsupportedDatabaseError: for a connection of psycopg2, and for one that is not a DB-API driver's
        """
        with self._connecting():
            raw = self.connect()
        driver = driver_of(raw)
        if driver in _REFUSED:
            raw.close()
            raise UnsupportedDatabaseError(
                f"Connection {self.conn_id!r} uses the driver {driver}, which {_REFUSED[driver]}."
            )
        url, options = _URLS.get(driver), {}
        if url is None:
            if (dbapi := ansi.dbapi_of(raw)) is None:
                raw.close()
                raise UnsupportedDatabaseError(
                    f"Connection {self.conn_id!r} uses {driver!r}, which is not a driver as Python's DB-API (PEP 249) "
                    "has them: it says no paramstyle."
                )
            url = ansi.url_of(raw, self.scheme)
            options = {"module": dbapi, "paramstyle": dbapi.paramstyle}
        elif driver == "psycopg":
            options = {"use_native_hstore": False}  # its values stay text, as those of json do
        ready = [raw]

        def connected() -> Any:
            fresh = ready.pop() if ready else self._connect_again(driver)
            notice_gone_peer(fresh)
            opened(fresh)
            if driver == "sqlite3":
                _prepare_sqlite(fresh, lock_timeout)
            elif driver in mysql.URLS:
                mysql.prepare(fresh, lock_timeout, for_writing=for_writing)
            elif driver == "oracledb":
                prepare_session(fresh)
            elif driver == "psycopg":
                _prepare_psycopg(fresh)
            return fresh

        # Nothing to reset: the connection is closed when it is given back.
        engine = sa.create_engine(
            url, creator=connected, poolclass=NullPool, pool_reset_on_return=None, **options
        )
        if driver == "sqlite3" and for_writing:
            # IMMEDIATE, because a transaction that reads first and then writes cannot wait for its turn.
            sa.event.listen(engine, "begin", _begin_immediate)
        with self._connecting():
            return engine.connect()

    def _connect_again(self, driver: str) -> Any:
        """Connect after a statement was interrupted, which makes SQLAlchemy drop its connection: to note why."""
        if driver in _REMOTE:
            with self._connecting():
                return connect_soon(self.connect, _SOON_S)
        return self.connect()

    @contextmanager
    def _connecting(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            raise CannotConnectError(
                f"Connection {self.conn_id!r} cannot be opened: {one_line(error)}"
            ) from error


@contextmanager
def reading(connection: sa.Connection) -> Iterator[None]:
    """Read without waiting for those who write, where beginning a transaction would wait."""
    connection.info["reading"] = True
    try:
        with nullcontext() if connection.in_transaction() else connection.begin():
            yield
    finally:
        connection.info.pop("reading", None)


def driver_of(raw: Any) -> str:
    """Name the driver's package; a hook may return a class of its own that stands on the driver's."""
    packages = [base.__module__.partition(".")[0] for base in type(raw).__mro__]
    return next((package for package in packages if package in _URLS or package in _REFUSED), packages[0])


def raw_connection(connection: sa.Connection) -> Any:
    """Return the driver's own connection, in the same transaction as ``connection``."""
    return connection.connection.driver_connection


def paramstyle(connection: sa.Connection) -> str:
    """Return the DB-API paramstyle of the connection's driver."""
    return str(connection.dialect.loaded_dbapi.paramstyle)


def is_disconnect(connection: sa.Connection, error: BaseException) -> bool:
    """Tell whether an error means that the connection is gone."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, CheckpointLockedError):  # waiting on, or once more, is not what it asks for
            return False
        if isinstance(cause, sa.exc.DBAPIError) and cause.connection_invalidated:
            return True
        if isinstance(cause, connection.dialect.loaded_dbapi.Error) and (
            connection.dialect.is_disconnect(cause, _dbapi_connection(connection), None)
            or (connection.dialect.name == "mysql" and mysql.is_passing(cause))
        ):
            return True
        if connection.dialect.name == "oracle" and means_start_again(cause):
            return True
        cause = cause.__cause__
    return False


def is_closed(connection: sa.Connection) -> bool:
    """Tell whether it is known, without asking the server, that the connection is gone."""
    raw = _dbapi_connection(connection)
    return raw is None or getattr(raw, "closed", False) is True


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


def _prepare_sqlite(raw: Any, lock_timeout: float) -> None:
    # The driver begins transactions late and not at all before DDL: a preoperator would not be part of one.
    raw.isolation_level = None
    raw.execute(f"PRAGMA busy_timeout = {int(lock_timeout * 1000)}")


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN" if connection.info.get("reading") else "BEGIN IMMEDIATE")


def _prepare_psycopg(raw: Any) -> None:
    import psycopg
    from psycopg.rows import tuple_row

    # Extras of the Airflow connection may ask for dictionaries and autocommit, and servers have their own defaults.
    raw.row_factory = tuple_row
    raw.autocommit = True
    raw.execute(
        "SET client_encoding = 'UTF8';"
        # Without an order (DMY, YMD): that one is for reading literals, and so the user's own matter.
        "SET datestyle = 'ISO';"
        "SET intervalstyle = 'postgres'; SET lc_monetary = 'C';"
        # Another attempt's update is waited for, and then seen.
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED"
    )
    if goes_over_network(raw):
        # So that a worker that is gone, machine and all, does not hold its locks for the two hours of most systems.
        with suppress(psycopg.Error):  # what speaks like Postgres need not have these
            raw.execute(_PROBE_CLIENT)
    raw.autocommit = False
