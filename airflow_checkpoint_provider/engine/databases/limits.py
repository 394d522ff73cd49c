"""Time limits for a database's answers, on connections that only read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dialect import Dialect
from airflow_checkpoint_provider.engine.databases.sockets import cutter
from airflow_checkpoint_provider.engine.model.errors import NoAnswerError, one_line

_GRACE_S = 5.0  # for the server, or the driver, to end a statement by itself


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How long a database may take.

    :param connect: seconds for connecting, where the driver takes a limit for that
    :param statement: seconds for one statement
    """

    connect: float = 10.0
    statement: float = 60.0


class Watch:
    """
    Ends statements of one connection that get no answer, and names the error that follows.

    A server that is alive ends them by itself; for one that is gone, the connection is cut.

    :param conn_id: the Airflow connection, for the error
    :param statement_limit: seconds for one statement
    """

    def __init__(self, conn_id: str, dialect: Dialect, statement_limit: float) -> None:
        self._conn_id = conn_id
        self._dialect = dialect
        self._limit = statement_limit
        self._timer: threading.Timer | None = None
        self._cut = False

    def allow(self, seconds: float) -> None:
        """Set the seconds that a statement of the connection may take, 0 for no limit."""
        self._limit = seconds

    def listen(self, engine: sa.Engine) -> None:
        """Watch the statements of an engine."""
        sa.event.listen(engine, "before_cursor_execute", self._begin)
        sa.event.listen(engine, "after_cursor_execute", self._end)
        sa.event.listen(engine, "handle_error", self._name)

    @contextmanager
    def over(self, raw: Any) -> Iterator[None]:
        """Watch statements that run on the driver's connection itself."""
        self._start(raw)
        try:
            yield
        finally:
            self._stop()

    def _begin(self, connection: sa.Connection, *_: Any) -> None:
        self._stop()
        self._start(connection.connection.driver_connection)

    def _end(self, *_: Any) -> None:
        self._stop()

    def _name(self, context: sa.ExceptionContext) -> BaseException | None:
        self._stop()
        error = context.original_exception
        if self._cut or self._dialect.is_time_limit(error):
            context.is_disconnect = True  # closing it properly might take as long again
            return NoAnswerError(f"Connection {self._conn_id!r} did not answer in time: {one_line(error)}")
        return None

    def _start(self, raw: Any) -> None:
        if self._limit:
            self._timer = threading.Timer(self._limit + _GRACE_S, self._give_up, [cutter(raw)])
            self._timer.daemon = True
            self._timer.start()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self, cut: Callable[[], None]) -> None:
        self._cut = True
        cut()
