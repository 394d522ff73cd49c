"""The connections of a plan: each is opened by itself, and none may write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.planning.problems import Problems
from airflow_checkpoint_provider.engine.transfer.session import Session, destination_of, source_of
from airflow_checkpoint_provider.engine.transfer.starting.table_checks import check_writable


@dataclass(frozen=True, slots=True)
class Ends:
    """
    The databases of a plan, as far as they can be reached.

    :param reader: the connection to the source, as ``writer`` is that to the destination
    :param source: ``None`` where it cannot be read as asked
    :param keeper: the connection of the metadata table
    :param beside: opens a further connection to the destination
    """

    reader: sa.Connection | None
    writer: sa.Connection | None
    keeper: sa.Connection | None
    source: Source | None
    destination: Destination | None
    at_end: ExitStack
    beside: Callable[[], sa.Connection]

    @property
    def session(self) -> Session | None:
        """All of them, where all are there."""
        if not (self.source and self.destination and self.keeper):
            return None
        return Session(self.source, self.destination, self.keeper, self.at_end, self.beside)


Databases = tuple[Database, Database, Database | None]
"""Source, destination, and the database of the metadata table where it is another one."""


@contextmanager
def open_ends(
    spec: TransferSpec, databases: Databases, problems: Problems, opened: Callable[[Any], None]
) -> Iterator[Ends]:
    """
    Open the connections, and roll back and close them at the end.

    :param problems: those of the connections are added
    :param opened: called with the driver's connections
    """
    from_, to, elsewhere = databases
    with ExitStack() as stack:

        def connect(database: Database, about: str) -> sa.Connection | None:
            def ask() -> sa.Connection:
                connection = database.open(lock_timeout=spec.lock_timeout, opened=opened)
                stack.callback(_close, connection)
                problems.connections.append(connection)
                return connection

            return problems.take(about, ask)

        writer = connect(to, "destination")
        reader = connect(from_, "source")
        separate = elsewhere if elsewhere and spec.keeps_checkpoint else None
        keeper = connect(separate, "checkpoint") if separate else writer
        for connection, name in (
            (writer, f"Destination {to.conn_id!r}"),
            (keeper if separate else None, "The checkpoint database"),
        ):
            if connection:
                with problems.of("destination"):
                    check_writable(connection, name)
        if reader and writer and dialect_of(reader).is_same_file(reader, writer):
            reader = writer
        for connection in dict.fromkeys(filter(None, (reader, writer, keeper))):
            dialect_of(connection).plan.refuse_writes(connection, explains=connection is writer)
        source = problems.take("source", lambda: source_of(spec, reader, from_.conn_id)) if reader else None
        forms = source.packed_forms if source else frozenset()
        destination = (
            problems.take("destination", lambda: destination_of(spec, writer, to.conn_id, forms))
            if writer
            else None
        )
        beside = partial(to.open, lock_timeout=spec.lock_timeout, opened=opened)
        yield Ends(reader, writer, keeper, source, destination, stack, beside)


def _close(connection: sa.Connection) -> None:
    with suppress(Exception):
        connection.connection.driver_connection.rollback()  # type: ignore[union-attr]
    with suppress(Exception):
        connection.rollback()
    with suppress(Exception):
        connection.close()
