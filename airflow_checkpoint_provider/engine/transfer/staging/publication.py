"""Publishing the staged rows of one table or of several, once all of them are complete, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from itertools import combinations
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.registry import open_destination
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.model.checkpoint import Attempt
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, MetadataTableError, StageError
from airflow_checkpoint_provider.engine.model.events.steps import StepBegun
from airflow_checkpoint_provider.engine.model.events.transfer import Observer, Warned
from airflow_checkpoint_provider.engine.store.checkpoint_store import SqlStore
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.engine.transfer.fingerprint import (
    default_schema,
    emptied_table,
    resolved_table,
)
from airflow_checkpoint_provider.engine.transfer.staging.key_order import parents_first
from airflow_checkpoint_provider.engine.transfer.staging.publish import Swap, swap_together
from airflow_checkpoint_provider.engine.transfer.staging.publish_parts import PublishedTable, StagedTable
from airflow_checkpoint_provider.engine.transfer.starting.table_checks import (
    check_publishing,
    hidden_references,
)


@dataclass(frozen=True, slots=True)
class PublicationResult:
    """
    The result of a publication.

    :param status: ``published``, or ``nothing`` when an earlier attempt has published
    :param parts: partitions of all tables
    :param rows_before: rows of the destination before, where the driver counts them
    """

    status: str
    parts: int
    rows: int
    rows_before: int | None

    def as_dict(self) -> dict[str, Any]:
        """Return a form that JSON, and so XCom, can hold."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Publication:
    """
    One attempt to publish the staged rows of tables, all of them or none.

    :param attempt: who publishes, for the history
    :param observe: receives the transfer events
    """

    database: Database
    tables: Sequence[PublishedTable]
    checkpoint_table: str
    attempt: Attempt
    observe: Observer
    lock_timeout: float = 60
    auto_create: bool = True

    def run(self) -> PublicationResult:
        """
        Publish, unless an earlier attempt has.

        :raises TableInUseError: when another load of a table is at work
        :raises StageError: when a partition is not complete, or its stage does not hold the rows written to it
        :raises DestinationError: when the destination refuses the rows; it keeps its old ones
        """
        connection = self.database.open(lock_timeout=self.lock_timeout, for_writing=True)
        try:
            return self._run(connection)
        finally:
            connection.close()

    def _run(self, connection: sa.Connection) -> PublicationResult:
        tables = Tables.named(self.checkpoint_table)
        if not tables.exist(connection):
            raise MetadataTableError(
                f"There is no metadata table {tables.name} in {self.database.conn_id!r}, which the transfers create in "
                "their destination. Check destination_conn_id and checkpoint_table."
            )
        tables.require(connection, create=self.auto_create, seconds=self.lock_timeout)
        staged = [self._find(connection, tables, table) for table in self.tables]
        staged = _in_order(staged)
        stores = [store for one in staged for store in one.stores]
        with stores[0].transaction():
            # Locked, so that a partition that is cleared now begins after this; all in one order, against deadlocks.
            locked = {
                store.identity: store.lock()
                for store in sorted(stores, key=lambda store: astuple(store.identity))
            }
            for one in staged:
                one.take([locked[store.identity] for store in one.stores])
            rows = sum(one.rows for one in staged)
            published = [one for one in staged if one.is_published()]
            if len(published) == len(staged):
                result = PublicationResult("nothing", len(stores), rows, None)
            else:
                _refuse_some(published, staged)
                result = PublicationResult("published", len(stores), *self._publish(staged))
        for one in staged:
            one.discard()
        return result

    def _find(self, connection: sa.Connection, tables: Tables, wanted: PublishedTable) -> StagedTable:
        table = TableName.parse(wanted.destination_table, argument="destination_table")
        destination = open_destination(connection, table, self.database.conn_id, "replace_atomic")
        with connection.begin():
            destination.find(sa.inspect(connection))
            destination.ask_facts()
        check_publishing(destination)
        with connection.begin():
            identities = wanted.identities(connection, tables, self.database.conn_id)
        stores = [
            SqlStore(connection, tables, identity, self.attempt, self.lock_timeout) for identity in identities
        ]
        return StagedTable(destination, wanted.load, stores, hidden_references(destination))

    def _publish(self, staged: Sequence[StagedTable]) -> tuple[int, int | None]:
        """Swap the rows of all tables; return the rows, and those before."""
        emptied = [emptied_table(one.destination, separate=False) for one in staged]
        for one, table in zip(staged, emptied, strict=True):
            for warning in one.warnings:
                self.observe(Warned(warning))
            one.stores[0].overtake_others(table)
            self.observe(StepBegun.publishing(one.rows, one.destination.table))
        swaps = [Swap(one.destination, one.loads()) for one in staged]
        done = swap_together(swaps)
        for one, table, published in zip(staged, emptied, done, strict=True):
            one.note(published)
            one.stores[0].check_table(table)
            self.observe(published)
        before = [published.before for published in done]
        known = [number for number in before if number is not None]
        return sum(published.rows for published in done), sum(known) if len(known) == len(before) else None


def _in_order(staged: Sequence[StagedTable]) -> list[StagedTable]:
    """Return the tables, those that others refer to first."""
    if len(staged) == 1:
        return list(staged)
    destinations = [one.destination for one in staged]
    names = [resolved_table(one, with_database=False) for one in destinations]
    _refuse_same(staged, names)
    with destinations[0].connection.begin():
        order = parents_first(destinations, names)
    return [staged[place] for place in order]


def _refuse_same(staged: Sequence[StagedTable], names: Sequence[str | None]) -> None:
    connection = staged[0].destination.connection
    known = not dialect_of(connection).has_schemas or default_schema(connection) is not None
    for (one, name), (other, name_of_other) in combinations(zip(staged, names, strict=True), 2):
        if name == name_of_other:
            told = "is there twice; each table is published once."
        elif not known and _may_be_same(str(name), str(name_of_other)):
            told = (
                "may be one table, and each is published once. Write both with their schemas, or publish them by tasks "
                "of their own."
            )
        else:
            continue
        spelt = dict.fromkeys(str(table.destination.table) for table in (one, other))
        raise ArgumentError(f"tables: {' and '.join(spelt)} {told}")


def _may_be_same(name: str, other: str) -> bool:
    short, long = sorted((name.lower(), other.lower()), key=len)
    return long == short or long.endswith(f".{short}")


def _refuse_some(published: Sequence[StagedTable], staged: Sequence[StagedTable]) -> None:
    if published:
        raise StageError(
            f"Nothing is published, because {published[0].destination.table} was published before, and not all of the "
            f"{len(staged):,} tables were: they have one state together. Clear the tasks that load all of them."
        )
