"""One moment of a source for the loads of several tables: taken, or held by a session as long as they read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.moments import newest_moment
from airflow_checkpoint_provider.engine.model.errors import SourceError, one_line

Opened = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class HeldMoment:
    """A moment that can be read as long as its connection is open."""

    moment: str
    conn_id: str
    connection: sa.Connection

    def check(self) -> None:
        """
        Make sure that it is still held.

        :raises SourceError: when the connection is lost
        """
        with _errors(self.connection, self.conn_id):
            self.connection.exec_driver_sql("SELECT 1")


def take(source: Database, opened: Opened = lambda raw: None) -> str | None:
    """
    Return the newest moment of a source; ``None`` where a session has to hold it, by :func:`hold`.

    :param opened: called with the driver's connection
    :raises ArgumentError: when the database has no moments
    :raises SourceError: when it cannot be asked
    """
    with closing(source.open(opened=opened)) as connection, _errors(connection, source.conn_id):
        return None if dialect_of(connection).holds_moments else newest_moment(connection, source.conn_id)


@contextmanager
def hold(source: Database, opened: Opened = lambda raw: None) -> Iterator[HeldMoment | None]:
    """
    Hold the present moment of a source until the end of the block; ``None`` where no session has to.

    :param opened: called with the driver's connection
    :raises SourceError: when the source cannot be asked
    """
    with closing(source.open(opened=opened)) as connection:
        dialect, moment = dialect_of(connection), ""
        if dialect.holds_moments:
            with _errors(connection, source.conn_id):
                moment = dialect.hold_moment(connection)
        yield HeldMoment(moment, source.conn_id, connection) if moment else None


def is_held(source: Database, moment: str, opened: Opened = lambda raw: None) -> bool:
    """
    Return whether a session of the source holds a moment.

    :param opened: called with the driver's connection
    :raises SourceError: when it cannot be asked
    """
    with closing(source.open(opened=opened)) as connection, _errors(connection, source.conn_id):
        return dialect_of(connection).is_held(connection, moment)


@contextmanager
def _errors(connection: sa.Connection, conn_id: str) -> Iterator[None]:
    try:
        yield
    except (sa.exc.DBAPIError, connection.dialect.loaded_dbapi.Error) as error:
        raise SourceError(f"Source {conn_id!r}: {one_line(error)}") from error
