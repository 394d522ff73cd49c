"""Publishing the partitions of a mapped task together, once all of them are complete."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.registry import open_destination
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.model.checkpoint import Attempt, Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.errors import MetadataTableError, StageError
from airflow_checkpoint_provider.engine.model.events import Observer, Published, Warned
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.model.steps import StepBegun
from airflow_checkpoint_provider.engine.store.checkpoint_store import SqlStore, stored_map_indexes
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.engine.transfer.fingerprint import emptied_table
from airflow_checkpoint_provider.engine.transfer.staging.publish import StagedLoad, swap
from airflow_checkpoint_provider.engine.transfer.staging.stage import Stage
from airflow_checkpoint_provider.engine.transfer.starting.table_checks import (
    check_publishing,
    hidden_references,
)

_MOST_TOLD = 5  # partitions that an error names


@dataclass(frozen=True, slots=True)
class PublicationResult:
    """
    The result of a publication.

    :param status: ``published``, or ``nothing`` when an earlier attempt has published
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
    One attempt to publish the staged rows of all partitions of a mapped task.

    :param load: the load of the partitions; its ``map_index`` is ignored
    :param parts: the number of partitions that must exist; ``None`` for those that have a checkpoint
    :param attempt: who publishes, for the history
    :param observe: receives the transfer events
    """

    database: Database
    destination_table: str
    checkpoint_table: str
    load: Identity
    parts: int | None
    attempt: Attempt
    observe: Observer
    lock_timeout: float = 60
    auto_create: bool = True

    def run(self) -> PublicationResult:
        """
        Publish, unless an earlier attempt has.

        :raises TableInUseError: when another load of the table is at work
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
        table = TableName.parse(self.destination_table, argument="destination_table")
        destination = open_destination(connection, table, self.database.conn_id, "replace_atomic")
        with connection.begin():
            destination.find(sa.inspect(connection))
            destination.ask_facts()
        check_publishing(destination)
        with connection.begin():
            identities = self._identities(connection, tables)
        stores = [
            SqlStore(connection, tables, identity, self.attempt, self.lock_timeout) for identity in identities
        ]
        with stores[0].transaction():
            # Locked, so that a partition that is cleared now begins after this.
            checkpoints = self._complete([(store, store.lock()) for store in stores], destination)
            rows = sum(checkpoint.rows for checkpoint in checkpoints)
            if all(store.is_published() for store in stores):
                result = PublicationResult("nothing", len(stores), rows, None)
            else:
                warnings = hidden_references(destination)
                for warning in warnings:
                    self.observe(Warned(warning))
                emptied = emptied_table(destination, separate=False)
                stores[0].overtake_others(emptied)
                self.observe(StepBegun.publishing(rows, destination.table))
                published = self._publish(stores, checkpoints, destination, warnings)
                stores[0].check_table(emptied)
                self.observe(published)
                result = PublicationResult("published", len(stores), published.rows, published.before)
        self._discard(stores, checkpoints, destination)
        return result

    def _identities(self, connection: sa.Connection, tables: Tables) -> Sequence[Identity]:
        found = stored_map_indexes(connection, tables, self.load)
        if self.parts == 1 and found == [-1]:
            indexes = found  # a task that is not mapped
        elif self.parts is not None:
            indexes = list(range(self.parts))
        else:
            indexes = list(range(found[-1] + 1)) if found and found[-1] >= 0 else found
        if not indexes:
            raise StageError(
                f"There is no checkpoint of {self.load} in {tables.name} of {self.database.conn_id!r}, so nothing can "
                "be published. Check transfer_task_id (with the task groups it is in), and parts."
            )
        load = self.load
        return [Identity(load.dag_id, load.task_id, load.run_id, index) for index in indexes]

    def _complete(
        self, stored: Sequence[tuple[SqlStore, Checkpoint | None]], destination: Destination
    ) -> list[Checkpoint]:
        missing = [_missing(store.identity, checkpoint) for store, checkpoint in stored]
        if told := [text for text in missing if text]:
            more = f"; and {len(told) - _MOST_TOLD:,} more" if len(told) > _MOST_TOLD else ""
            raise StageError(
                f"Nothing is published, and {destination.table} has its old rows, because not all {len(stored):,} "
                f"partitions of {self.load} are complete: {'; '.join(told[:_MOST_TOLD])}{more}. Let them end, then run "
                "this task again."
            )
        checkpoints = [checkpoint for _, checkpoint in stored if checkpoint]
        for checkpoint in checkpoints:
            if checkpoint.destination_table != str(destination.table):
                raise StageError(
                    f"destination_table: {checkpoint.identity} loads into {checkpoint.destination_table}, and this "
                    f"task would publish into {destination.table}. Give both the same table, written the same way."
                )
        return checkpoints

    def _publish(
        self,
        stores: Sequence[SqlStore],
        checkpoints: Sequence[Checkpoint],
        destination: Destination,
        warnings: Sequence[str],
    ) -> Published:
        stages = [Stage(destination, store.identity) for store in stores]
        if gone := [stage for stage in stages if not stage.is_there()]:
            raise StageError(
                f"Nothing is published, and {destination.table} has its rows, because {len(gone):,} of {len(stages):,} "
                f"stages of {self.load} are not there, such as {gone[0].table}. They are dropped once they are "
                "published: clear all partitions of the mapped task, not only some. Otherwise see that the "
                "partitions have write_mode='replace_atomic' and publish=False."
            )
        rows = [checkpoint.rows for checkpoint in checkpoints]
        published = swap(destination, [StagedLoad(*part) for part in zip(stages, rows, strict=True)])
        for store, number in zip(stores, rows, strict=True):
            store.note_published(number, " ".join([published.line, *warnings]))
        return published

    def _discard(
        self, stores: Sequence[SqlStore], checkpoints: Sequence[Checkpoint], destination: Destination
    ) -> None:
        for store, checkpoint in zip(stores, checkpoints, strict=True):
            with suppress(Exception), store.transaction():  # the rows are there; a retry drops what stays
                if store.is_completed(checkpoint.fence):
                    Stage(destination, store.identity).drop()


def _missing(identity: Identity, checkpoint: Checkpoint | None) -> str | None:
    part = f"partition {identity.map_index}" if identity.map_index >= 0 else "the task"
    if checkpoint is None:
        return f"{part} has not started"
    if checkpoint.status is Status.COMPLETED:
        return None
    if checkpoint.status is Status.FAILED:
        return f"{part} has failed ({checkpoint.last_error})"
    return f"{part} is not complete ({checkpoint.rows:,} rows)"
