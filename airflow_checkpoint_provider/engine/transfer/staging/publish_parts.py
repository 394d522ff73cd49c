"""The staged rows of one table, of all partitions of a mapped task: complete, and not yet published."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.errors import StageError
from airflow_checkpoint_provider.engine.model.events.transfer import Published
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.checkpoint_store import SqlStore, stored_map_indexes
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.engine.transfer.staging.publish import StagedLoad
from airflow_checkpoint_provider.engine.transfer.staging.stage import Stage

_MOST_TOLD = 5  # partitions that an error names


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """
    A table to publish.

    :param destination_table: the table, spelt as in the task that loads it
    :param load: the load of the partitions; its ``map_index`` is ignored
    :param parts: the number of partitions that must exist; ``None`` for those that have a checkpoint
    """

    destination_table: str
    load: Identity
    parts: int | None = None

    def identities(self, connection: sa.Connection, tables: Tables, conn_id: str) -> Sequence[Identity]:
        """
        Return whose stages they are.

        :raises StageError: when there is no checkpoint of the load
        """
        load = self.load
        found = stored_map_indexes(connection, tables, load)
        if self.parts == 1 and found == [-1]:
            indexes = found  # a task that is not mapped
        elif self.parts is not None:
            indexes = list(range(self.parts))
        else:
            indexes = list(range(found[-1] + 1)) if found and found[-1] >= 0 else found
        if not indexes:
            raise StageError(
                f"There is no checkpoint of {load} in {tables.name} of {conn_id!r}, so nothing can "
                "be published. Check transfer_task_id (with the task groups it is in), and parts."
            )
        return [Identity(load.dag_id, load.task_id, load.run_id, index) for index in indexes]


@dataclass(slots=True)
class StagedTable:
    """
    The stages of a table.

    :param stores: the checkpoints of its partitions
    :param warnings: for a person
    :param checkpoints: as they are stored, once they are locked
    """

    destination: Destination
    load: Identity
    stores: Sequence[SqlStore]
    warnings: Sequence[str] = ()
    checkpoints: Sequence[Checkpoint] = ()

    @property
    def rows(self) -> int:
        """The rows of all stages."""
        return sum(checkpoint.rows for checkpoint in self.checkpoints)

    def take(self, stored: Sequence[Checkpoint | None]) -> None:
        """
        Take the checkpoints, which are locked.

        :raises StageError: when a partition is not complete, or loads another table
        """
        table = self.destination.table
        missing = [_missing(store.identity, one) for store, one in zip(self.stores, stored, strict=True)]
        if told := [text for text in missing if text]:
            more = f"; and {len(told) - _MOST_TOLD:,} more" if len(told) > _MOST_TOLD else ""
            raise StageError(
                f"Nothing is published, and {table} has its old rows, because not all {len(stored):,} "
                f"partitions of {self.load} are complete: {'; '.join(told[:_MOST_TOLD])}{more}. Let them end, then run "
                "this task again."
            )
        self.checkpoints = [checkpoint for checkpoint in stored if checkpoint]
        for checkpoint in self.checkpoints:
            if checkpoint.destination_table != str(table):
                raise StageError(
                    f"destination_table: {checkpoint.identity} loads into {checkpoint.destination_table}, and this "
                    f"task would publish into {table}. Give both the same table, written the same way."
                )

    def is_published(self) -> bool:
        """Return whether all of its stages were published."""
        return all(store.is_published() for store in self.stores)

    def loads(self) -> list[StagedLoad]:
        """
        Return the stages with the rows that they must hold.

        :raises StageError: when a stage is not there
        """
        stages = [Stage(self.destination, store.identity) for store in self.stores]
        if gone := [stage for stage in stages if not stage.is_there()]:
            raise StageError(
                f"Nothing is published, and {self.destination.table} has its rows, because {len(gone):,} of "
                f"{len(stages):,} stages of {self.load} are not there, such as {gone[0].table}. They are dropped once "
                "they are published: clear all partitions of the mapped task, not only some. Otherwise see that the "
                "partitions have write_mode='replace_atomic' and publish=False."
            )
        return [
            StagedLoad(*part) for part in zip(stages, (one.rows for one in self.checkpoints), strict=True)
        ]

    def note(self, published: Published) -> None:
        """Record the publication in the history of each partition."""
        detail = " ".join([published.line, *self.warnings])
        for store, checkpoint in zip(self.stores, self.checkpoints, strict=True):
            store.note_published(checkpoint.rows, detail)

    def discard(self) -> None:
        """Drop the stages, whose rows are published; a retry drops what stays."""
        for store, checkpoint in zip(self.stores, self.checkpoints, strict=True):
            with suppress(Exception), store.transaction():
                if store.is_completed(checkpoint.fence):
                    Stage(self.destination, store.identity).drop()


def _missing(identity: Identity, checkpoint: Checkpoint | None) -> str | None:
    part = f"partition {identity.map_index}" if identity.map_index >= 0 else "the task"
    if checkpoint is None:
        return f"{part} has not started"
    if checkpoint.status is Status.COMPLETED:
        return None
    if checkpoint.status is Status.FAILED:
        return f"{part} has failed ({checkpoint.last_error})"
    return f"{part} is not complete ({checkpoint.rows:,} rows)"
