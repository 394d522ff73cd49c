"""The moments of a source: times in its past as of which it can still be read."""

from __future__ import annotations

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dialect import Dialect, dialect_of
from airflow_checkpoint_provider.engine.model.errors import ArgumentError


def newest_moment(connection: sa.Connection, conn_id: str) -> str:
    """
    Return a moment as of which other connections can read the database, at least for a while.

    :param conn_id: the Airflow connection, for messages
    :raises ArgumentError: when the database has no such moments
    :raises SourceMismatchError: when the user may not ask for one
    """
    dialect = dialect_of(connection)
    found = dialect.newest_moment(connection)
    if found is None:
        raise without_moments(dialect, conn_id)
    return found


def without_moments(dialect: Dialect, conn_id: str) -> ArgumentError:
    """Return the error for a database that has no moments."""
    group = ", or give it to a CheckpointedTransferGroup, a task of which holds a moment for all tables"
    return ArgumentError(
        f"as_of: {dialect.title} ({conn_id!r}) cannot be read as it was at an earlier moment, which an attempt that "
        f"goes on would need. Leave as_of out{group if dialect.holds_moments else ''}."
    )
