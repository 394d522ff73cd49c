"""One connection to one database: opened by Airflow's hook, with SQLAlchemy Core on top of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from airflow_checkpoint_provider.engine.databases.generic import sqlalchemy_dialect as ansi
from airflow_checkpoint_provider.engine.databases.mysql import drivers as mysql
from airflow_checkpoint_provider.engine.databases.mysql.dialect import prepare
from airflow_checkpoint_provider.engine.databases.oracle.dialect import prepare_session
from airflow_checkpoint_provider.engine.databases.postgres.dialect import _prepare_psycopg
from airflow_checkpoint_provider.engine.databases.sockets import (
    connect_soon,
    notice_gone_peer,
)
from airflow_checkpoint_provider.engine.databases.sqlite.dialect import _begin_immediate, _prepare_sqlite
from airflow_checkpoint_provider.engine.model.errors import (
    CannotConnectError,
    UnsupportedDatabaseError,
    one_line,
)

_URLS = {
    "sqlite3": "sqlite://",
    "psycopg": "postgresql+psycopg://",
    "oracledb": "oracle+oracledb://",
    **mysql.URLS,
}
_REMOTE = _URLS.keys() - {"sqlite3"}  # whose connections may be opened in another thread
_SOON_S = 3.0


@dataclass(frozen=True, slots=True)
class Database:
    """
    Where to connect to.

    :param conn_id: the Airflow connection, for messages
    :param connect: opens a DB-API connection (a hook's ``get_conn``)
    :param scheme: names the SQLAlchemy dialect, if there is one, for drivers that the engine does not know itself
    """

    conn_id: str
    connect: Callable[[], Any]
    scheme: Callable[[], str | None] = lambda: None

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
        :raises UnsupportedDatabaseError: for a connection that is not one of a DB-API driver
        """
        with self._connecting():
            raw = self.connect()
        driver = driver_of(raw)
        url, options = _URLS.get(driver), {}
        if url is None:
            if (dbapi := ansi.dbapi_of(raw)) is None:
                raw.close()
                raise UnsupportedDatabaseError(
                    f"Connection {self.conn_id!r} uses {driver!r}, which is not a driver as Python's DB-API (PEP 249) "
                    "has them: it says no paramstyle."
                )
            url = ansi.url_of(raw, self.scheme())
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
                prepare(fresh, lock_timeout, for_writing=for_writing)
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


def driver_of(raw: Any) -> str:
    """Name the driver's package; a hook may return a class of its own that stands on the driver's."""
    packages = [base.__module__.partition(".")[0] for base in type(raw).__mro__]
    return next((package for package in packages if package in _URLS), packages[0])
