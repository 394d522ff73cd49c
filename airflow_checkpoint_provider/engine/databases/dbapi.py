"""Functions on an open connection, whatever its driver."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.model.errors import (
    BadRowsError,
    CheckpointLockedError,
    ConnectionGoneError,
)


@contextmanager
def reading(connection: sa.Connection) -> Iterator[None]:
    """Read without waiting for writers, where beginning a transaction would wait for them."""
    info = connection.info  # read once: a connection that is lost meanwhile no longer returns it
    info["reading"] = True
    try:
        with nullcontext() if connection.in_transaction() else connection.begin():
            yield
    finally:
        info.pop("reading", None)


@contextmanager
def any_type() -> Iterator[None]:
    """Read the catalog without SQLAlchemy's warnings about what it does not know, which is left to the database."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Did not recognize type", sa.exc.SAWarning)
        # Of MySQL: a PERIOD, or a column whose name has a line break, which is then reported as missing.
        warnings.filterwarnings("ignore", "Unknown (schema content|column)", sa.exc.SAWarning)
        yield


def raw_connection(connection: sa.Connection) -> Any:
    """Return the driver's own connection, in the same transaction as ``connection``."""
    return connection.connection.driver_connection


def paramstyle(connection: sa.Connection) -> str:
    """Return the DB-API paramstyle of the connection's driver."""
    return str(connection.dialect.loaded_dbapi.paramstyle)


def is_disconnect(connection: sa.Connection, error: BaseException) -> bool:
    """Return whether an error means that the connection is gone, or that a new one cures it."""
    return is_gone(connection, error, dialect_of(connection).starts_again)


def is_gone(
    connection: sa.Connection,
    error: BaseException,
    or_else: Callable[[BaseException], bool] = lambda _: False,
) -> bool:
    """
    Return whether an error means that the connection is gone.

    :param or_else: whether another error of the driver counts as well
    """
    cause: BaseException | None = error
    while cause is not None:
        # The remedy of one is neither a longer wait nor a retry; the other is about rows, whatever its number.
        if isinstance(cause, (CheckpointLockedError, BadRowsError)):
            return False
        if isinstance(cause, ConnectionGoneError):
            return True
        if isinstance(cause, sa.exc.DBAPIError) and cause.connection_invalidated:
            return True
        if isinstance(cause, connection.dialect.loaded_dbapi.Error) and (
            connection.dialect.is_disconnect(cause, _dbapi_connection(connection), None) or or_else(cause)
        ):
            return True
        cause = cause.__cause__
    return False


def is_closed(connection: sa.Connection) -> bool:
    """Return whether the connection is known to be gone, without a question to the server."""
    raw = _dbapi_connection(connection)
    return raw is None or getattr(raw, "closed", False) is True


def _dbapi_connection(connection: sa.Connection) -> Any:
    if connection.closed or connection.invalidated:
        return None
    return connection.connection.dbapi_connection


def described_type(connection: sa.Connection, column: sa.Column[Any]) -> Any:
    """Return the driver's type code of a column of an existing table."""
    result = connection.execute(sa.select(column).where(sa.text("1 = 0")))
    type_ = result.cursor.description[0][1] if result.cursor else None
    result.all()
    return type_
