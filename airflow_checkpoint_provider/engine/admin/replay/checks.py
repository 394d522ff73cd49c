"""Checks before rejected rows are written again: of the load, its table, and the corrected values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.admin.replay.request import Replay
from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.model.checkpoint import RESOLVED, Checkpoint
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.checkpoint_store import SqlStore
from airflow_checkpoint_provider.engine.store.later_loads import emptied_by
from airflow_checkpoint_provider.engine.store.rejected.rejects import Rejects
from airflow_checkpoint_provider.engine.store.rejected.rows import UnknownValueError
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.engine.transfer.fingerprint import resolved_table
from airflow_checkpoint_provider.engine.transfer.starting.guarantee import hazard_of
from airflow_checkpoint_provider.engine.transfer.starting.table_checks import check_table


@dataclass(frozen=True, slots=True)
class _Written:
    """How the rows are written, for the checks of a load's start."""

    write_mode: str
    part: Partition | None = None


def check_load(
    checkpoint: Checkpoint | None, store: SqlStore, connection: sa.Connection, tables: Tables
) -> Checkpoint:
    """
    Return the checkpoint, if its rejected rows may be written now.

    :param checkpoint: locked in this transaction
    :raises ArgumentError: when they may not; the message has the reason and the remedy
    """
    identity = store.identity
    if checkpoint is None:
        raise ArgumentError(f"There is no checkpoint of {identity}, so it has no rejected rows.")
    if checkpoint.status is Status.RUNNING:
        raise ArgumentError(
            f"An attempt of {identity} is at work, or was killed (try {checkpoint.try_number}, {checkpoint.owner}). "
            "Write its rejected rows when it has ended; after a kill, when the next attempt has."
        )
    if checkpoint.restarting or checkpoint.status is Status.SEEDED:
        raise ArgumentError(
            f"The next attempt of {identity} begins anew, and reads all rows again, the rejected ones among them."
        )
    if checkpoint.stages:
        raise ArgumentError(
            f"The rows of {identity} are staged, where the constraints that refuse a row do not hold. Load it again."
        )
    if other := emptied_by(connection, tables, checkpoint, store.rejects.oldest()):
        raise ArgumentError(
            f"{other}, which has begun after {identity}, has emptied {checkpoint.destination_table}, or may have: the "
            "rejected rows would be the only ones of their load. Load it again."
        )
    return checkpoint


def check_corrected(asked: Replay, rejects: Rejects) -> tuple[list[int], list[int]]:
    """
    Return the ids of the corrected rows that are meant, and of those that are no longer rejected.

    A mistake in a correction is found before the row is tried, so the row keeps the destination's reason.

    :raises ArgumentError: when the values of a row cannot be restored; the message has its number
    """
    meant, gone = [], []
    for id_, values in (asked.corrected or {}).items():
        kept, _ = rejects.read(id_)
        if kept is None:
            gone.append(id_)
        elif asked.wants(kept.error):
            if not kept.row.readable:
                raise ArgumentError(
                    f"Row {kept.number}: its stored text is no row of columns and values. Write it by hand, from "
                    f"row_data of {rejects.table}."
                )
            try:
                kept.row.restored(values)
            except UnknownValueError as error:
                raise ArgumentError(f"Row {kept.number}: {error}.") from error
            meant.append(id_)
    return meant, gone


def find_table(connection: sa.Connection, checkpoint: Checkpoint, conn_id: str) -> TableName:
    """
    Return the table of a load, as the catalog has its name.

    :raises ArgumentError: when it is not there
    """
    known = checkpoint.catalog
    written = TableName.parse(checkpoint.destination_table, argument="destination_table")
    exactly = (
        TableName(known.table, known.schema, quoted=True, schema_quoted=True) if known.table else written
    )
    # Catalogs fold names that were not written in quotes.
    folded = TableName(known.table, known.schema) if known.table else written
    inspector = sa.inspect(connection)
    for name in (exactly, folded, written):
        if found := name.resolve(inspector):
            return found
    raise ArgumentError(
        f"destination_table: there is no table {checkpoint.destination_table} in {conn_id!r} any more."
    )


def prepare(
    destination: Destination,
    columns: Sequence[str],
    facts: LoadFacts,
    checkpoint: Checkpoint,
    tables: Tables,
) -> None:
    """
    Prepare a destination for rows, and check it as the start of a load does.

    :raises ArgumentError: when it cannot be written as the load has, or another table is meant by now
    :raises DestinationError: when a column or a right is missing
    """
    connection, mode = destination.connection, destination.write_mode
    with reading(connection):
        destination.prepare(columns, facts.conflict_columns, partial(check_table, _Written(mode)))
        meant = resolved_table(destination, with_database=False)
        before = checkpoint.fingerprint.get(RESOLVED)
        if before and meant != before:
            raise ArgumentError(
                f"destination_table: {checkpoint.destination_table} means {meant} on this connection, and the load "
                f"has written {before}."
            )
        if hazard := hazard_of(destination, tables, rejecting=True):
            raise ArgumentError(
                f"{hazard.reason}. So a rejected row and its removal cannot be one transaction: write it by hand."
            )
