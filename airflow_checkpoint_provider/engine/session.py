"""The connections of one attempt, and what stands on them; lost ones are replaced as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.database import Database, is_disconnect, reading, same_file
from airflow_checkpoint_provider.engine.destinations import open_destination
from airflow_checkpoint_provider.engine.destinations.dbapi import Destination
from airflow_checkpoint_provider.engine.errors import CannotConnectError, CheckpointError, SourceError
from airflow_checkpoint_provider.engine.names import TableName
from airflow_checkpoint_provider.engine.query import Query
from airflow_checkpoint_provider.engine.sources import open_source
from airflow_checkpoint_provider.engine.sources.dbapi import Source
from airflow_checkpoint_provider.engine.spec import TransferSpec


class LostError(Exception):
    """A connection of the session is gone; the cause says how."""


@dataclass(frozen=True)
class Session:
    """
    Open connections.

    :param keeper: the connection of the metadata table: the destination's, unless it is kept elsewhere
    :param at_end: what is to be closed before the connections are
    """

    source: Source
    destination: Destination
    keeper: sa.Connection
    at_end: ExitStack

    def has_lost(self, error: BaseException) -> bool:
        """Tell whether an error means that one of the connections is gone."""
        return _has_lost((self.source.connection, self.destination.connection, self.keeper), error)

    @property
    def separate(self) -> bool:
        return self.keeper is not self.destination.connection

    def writing(self) -> Any:
        """The destination's own transaction, where it is not the checkpoint's as well."""
        return self.destination.connection.begin() if self.separate else nullcontext()


@contextmanager
def open_session(
    spec: TransferSpec, source: Database, destination: Database, keeper: Database | None
) -> Iterator[Session]:
    """
    Open the connections and close them at the end.

    :raises LostError: from an error that means a connection is gone
    """
    connections: list[sa.Connection] = []
    with ExitStack() as stack, _noticing_loss(connections):

        def opened(database: Database, for_writing: bool) -> sa.Connection:
            connection = database.open(lock_timeout=spec.lock_timeout, for_writing=for_writing)
            connections.append(connection)
            stack.callback(_close, connection)
            return connection

        writer = opened(destination, True)
        reader = opened(source, False)
        if same_file(reader, writer):
            # SQLite cannot commit to a file while another connection reads from it.
            reader = writer
        yield Session(
            source=open_source(reader, _query(spec, reader), source.conn_id, exact=not spec.rows_processor),
            destination=open_destination(writer, _table(spec), destination.conn_id, spec.write_mode),
            keeper=opened(keeper, True) if keeper and spec.keeps_checkpoint else writer,
            at_end=stack,
        )


@contextmanager
def _noticing_loss(connections: Sequence[sa.Connection]) -> Iterator[None]:
    try:
        yield
    except CannotConnectError:  # one that was never there is not lost
        raise
    except Exception as error:
        if _has_lost(connections, error):
            raise LostError from _told_first(error)
        raise


def _told_first(error: BaseException) -> BaseException:
    """Rolling back on a lost connection fails as well, and says less than what came before it."""
    before = error.__context__
    while before is not None and not isinstance(before, CheckpointError):
        before = before.__context__
    return before or error


def _has_lost(connections: Iterable[sa.Connection], error: BaseException) -> bool:
    return any(is_disconnect(connection, error) for connection in connections)


def _table(spec: TransferSpec) -> TableName:
    return TableName.parse(spec.destination_table, argument="destination_table")


def _query(spec: TransferSpec, connection: sa.Connection) -> Query:
    if spec.source_table is None:
        return Query.parse(spec.sql or "", spec.parameters, connection.dialect.name)
    table = TableName.parse(spec.source_table, argument="source_table")
    with reading(connection):
        found = table.resolve(sa.inspect(connection))
    if found is None:
        raise SourceError(
            f"source_table: there is no table {table} at the source; check the schema and the spelling."
        )
    return Query(f"SELECT * FROM {found.quote(connection.dialect)}")


def _close(connection: sa.Connection) -> None:
    with suppress(Exception):
        connection.close()
    # A connection that is lost is not given back in good order, and would stay open.
    with suppress(Exception):
        connection.detach()
