"""The connections of one attempt, with its source and its destination; after a loss, all are replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.dbapi import is_closed, is_disconnect, is_gone
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.registry import open_destination, open_source, query_of
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.model.checkpoint import Attempt, Identity
from airflow_checkpoint_provider.engine.model.errors import (
    CannotConnectError,
    CheckpointError,
    DestinationError,
    SourceError,
    interruption,
    one_line,
)
from airflow_checkpoint_provider.engine.store.checkpoint_store import SqlStore
from airflow_checkpoint_provider.engine.store.null_store import NullStore
from airflow_checkpoint_provider.engine.store.protocol import CheckpointStore
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec

_SOURCE, _DESTINATION, _KEEPER = "source", "destination", "checkpoint database"


class LostError(Exception):
    """
    The session has to be opened again; the message names a connection and has the driver's error.

    :param ended: the connections are still there, and a statement was ended
    """

    what = "A connection was lost"

    def __init__(self, message: str, *, ended: bool = False) -> None:
        super().__init__(message)
        if ended:
            self.what = "A statement was ended"


@dataclass(frozen=True)
class Session:
    """
    Open connections.

    :param keeper: the connection of the metadata table: the destination's, unless it is kept elsewhere
    :param at_end: closed before the connections are
    :param beside: opens a further connection to the destination, for its caller to close
    """

    source: Source
    destination: Destination
    keeper: sa.Connection
    at_end: ExitStack
    beside: Callable[[], sa.Connection]

    def has_lost(self, error: BaseException) -> bool:
        """Return whether an error means that one of the connections is lost."""
        return _has_lost((self.source.connection, self.destination.connection, self.keeper), error)

    @property
    def separate(self) -> bool:
        return self.keeper is not self.destination.connection

    def writing(self) -> Any:
        """Return the destination's own transaction, where it is not the checkpoint's as well."""
        return self.destination.connection.begin() if self.separate else nullcontext()


@contextmanager
def open_session(
    spec: TransferSpec,
    source: Database,
    destination: Database,
    keeper: Database | None,
    opened: Callable[[Any], None],
) -> Iterator[Session]:
    """
    Open the connections and close them at the end.

    :param opened: called with the driver's connections
    :raises LostError: from an error that means that a connection is lost
    """
    connections: dict[str, sa.Connection] = {}
    with ExitStack() as stack, _noticing_loss(connections):

        def connect(database: Database, what: str) -> sa.Connection:
            connection = database.open(
                lock_timeout=spec.lock_timeout, for_writing=what != _SOURCE, opened=opened
            )
            connections[f"{what} {database.conn_id!r}"] = connection
            stack.callback(_close, connection)
            return connection

        writer = connect(destination, _DESTINATION)
        reader = connect(source, _SOURCE)
        if dialect_of(reader).is_same_file(reader, writer):
            # A commit to the file would wait for the connection that reads from it.
            reader = writer
        read = source_of(spec, reader, source.conn_id)
        yield Session(
            source=read,
            destination=destination_of(spec, writer, destination.conn_id, read.packed_forms),
            keeper=connect(keeper, _KEEPER) if keeper and spec.keeps_checkpoint else writer,
            at_end=stack,
            beside=partial(destination.open, lock_timeout=spec.lock_timeout, for_writing=True, opened=opened),
        )


def source_of(spec: TransferSpec, connection: sa.Connection, conn_id: str) -> Source:
    """
    Return the source that a transfer reads.

    :raises SourceError: when the query cannot be run, or the table is not there
    """
    query = query_of(spec, connection, spec.columns)
    return open_source(connection, query, conn_id, exact=not spec.rows_processor)


def destination_of(
    spec: TransferSpec, connection: sa.Connection, conn_id: str, forms: frozenset[str]
) -> Destination:
    """
    Return the destination that a transfer writes.

    :param forms: names of the forms of whole rows that the source writes
    """
    written = open_destination(connection, _table(spec), conn_id, spec.write_mode)
    written.written_forms = forms
    return written


@contextmanager
def _noticing_loss(connections: Mapping[str, sa.Connection]) -> Iterator[None]:
    try:
        yield
    except CannotConnectError:  # one that was never open is not lost
        raise
    except Exception as error:
        if stopped := interruption(error):  # the cleanup has failed as well, and is no reason to go on
            raise stopped from None
        if _has_lost(connections.values(), error):
            first = _told_first(error)
            ended = not any(is_gone(connection, error) for connection in connections.values())
            raise LostError(_describe_loss(connections, first), ended=ended) from first
        raise


def _describe_loss(connections: Mapping[str, sa.Connection], error: BaseException) -> str:
    reason = one_line(error)
    if isinstance(error, (SourceError, DestinationError)):  # these name the connection
        return reason
    gone = [name for name, connection in connections.items() if is_closed(connection)]
    return f"{' and '.join(gone)}: {reason}" if gone else reason


def _told_first(error: BaseException) -> BaseException:
    """Return the first error: rolling back on a lost connection fails as well, with a less exact one."""
    before = error.__context__
    while before is not None and not isinstance(before, CheckpointError):
        before = before.__context__
    return before or error


def _has_lost(connections: Iterable[sa.Connection], error: BaseException) -> bool:
    return any(is_disconnect(connection, error) for connection in connections)


def _table(spec: TransferSpec) -> TableName:
    return TableName.parse(spec.destination_table, argument="destination_table")


def _close(connection: sa.Connection) -> None:
    with suppress(Exception):
        connection.close()
    # A lost connection is not returned to the pool in good order, and would stay open.
    with suppress(Exception):
        connection.detach()


def open_store(spec: TransferSpec, session: Session, identity: Identity, attempt: Attempt) -> CheckpointStore:
    """
    Open the metadata table, creating it when it does not exist.

    :raises MetadataTableError: when it does not exist and cannot or may not be created
    """
    if not spec.keeps_checkpoint:
        return NullStore(session.destination.connection, identity, attempt)
    tables = Tables.named(spec.checkpoint_table)
    rejecting = spec.on_bad_row == "reject"
    tables.require(session.keeper, create=spec.auto_create, rejects=rejecting, seconds=spec.lock_timeout)
    rejects = rejecting or tables.keeps_rejects(session.keeper)
    return SqlStore(session.keeper, tables, identity, attempt, spec.lock_timeout, rejects=rejects)
