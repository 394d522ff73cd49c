"""One connection to one database: opened by Airflow's hook, with SQLAlchemy Core on top of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from airflow_checkpoint_provider.engine.databases.codec import keep_codec
from airflow_checkpoint_provider.engine.databases.dialect import Dialect, keep
from airflow_checkpoint_provider.engine.databases.limits import Limits, Watch
from airflow_checkpoint_provider.engine.databases.registry import (
    before_connecting,
    dialect_for,
    refused_driver,
    why_not_connected,
)
from airflow_checkpoint_provider.engine.databases.sockets import connect_soon, notice_gone_peer
from airflow_checkpoint_provider.engine.model.errors import (
    CannotConnectError,
    UnsupportedDatabaseError,
    one_line,
)

_SOON_S = 3.0


@dataclass(frozen=True, slots=True)
class Database:
    """
    A database to connect to.

    :param conn_id: the Airflow connection, for messages
    :param connect: opens a DB-API connection (a hook's ``get_conn``)
    :param scheme: names the SQLAlchemy dialect, if there is one, for drivers that the engine does not know itself
    :param limits: how long connecting may take, and a statement on a connection that only reads; ``None`` for no limit
    :param extra: reads the extra of the Airflow connection
    """

    conn_id: str
    connect: Callable[[], Any]
    scheme: Callable[[], str | None] = lambda: None
    limits: Limits | None = None
    extra: Callable[[], Mapping[str, Any]] = dict

    def open(
        self,
        *,
        lock_timeout: float = 60,
        for_writing: bool = False,
        bounded: bool = False,
        opened: Callable[[Any], None] = lambda raw: None,
    ) -> sa.Connection:
        """
        Open a connection.

        :param lock_timeout: seconds to wait for a lock, where that is a setting of the connection
        :param for_writing: begin transactions so that two writers queue instead of failing
        :param bounded: limit its statements as those of a connection that only reads, although it writes
        :param opened: called with the driver's connection before its first statement
        :raises CannotConnectError: when the database cannot be reached
        :raises UnsupportedDatabaseError: for a connection of psycopg2, and for one that is not a DB-API driver's
        """
        before_connecting()
        with self._connecting():
            raw = self.connect()
        dialect, url = self._dialect(raw)
        ready = [raw]
        limit = self.limits.statement if self.limits and (bounded or not for_writing) else 0
        watch = Watch(self.conn_id, dialect, limit) if limit else None

        def connected() -> Any:
            fresh = ready.pop() if ready else self._connect_again(dialect)
            notice_gone_peer(fresh)
            opened(fresh)
            with watch.over(fresh) if watch else nullcontext():
                allowed = dialect.prepare(fresh, lock_timeout, for_writing=for_writing, statement_limit=limit)
            if watch:
                watch.allow(allowed)
            return fresh

        # Nothing to reset: the pool closes a connection that is returned to it.
        engine = sa.create_engine(
            url, creator=connected, poolclass=NullPool, pool_reset_on_return=None, **dialect.engine_options
        )
        keep(dialect, engine.dialect)
        dialect.configure(engine, for_writing=for_writing)
        if watch:
            watch.listen(engine)
        with self._connecting():
            connection = engine.connect()
            keep_codec(dialect.codec(raw), engine.dialect)
            connection.info["lock_timeout"] = lock_timeout
            connection.info["extra"] = self.extra
            return connection

    def _dialect(self, raw: Any) -> tuple[Dialect, str]:
        if refused := refused_driver(raw):
            raw.close()
            driver, reason = refused
            raise UnsupportedDatabaseError(
                f"Connection {self.conn_id!r} uses the driver {driver}, which {reason}."
            )
        found = dialect_for(raw, self.scheme)
        if found is None:
            raw.close()
            package = type(raw).__module__.partition(".")[0]
            raise UnsupportedDatabaseError(
                f"Connection {self.conn_id!r} uses {package!r}, which is not a driver of Python's DB-API "
                "(PEP 249): it has no paramstyle."
            )
        return found

    def _connect_again(self, dialect: Dialect) -> Any:
        """Connect again to record the error: SQLAlchemy drops a connection whose statement was interrupted."""
        if dialect.remote:
            with self._connecting():
                return connect_soon(self.connect, _SOON_S)
        return self.connect()

    @contextmanager
    def _connecting(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            advice = why_not_connected(error)
            raise CannotConnectError(
                f"Connection {self.conn_id!r} cannot be opened: {one_line(error)}{f' {advice}' if advice else ''}"
            ) from error
