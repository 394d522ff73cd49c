"""Publishing staged rows: they replace the destination's rows in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from math import ceil

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.errors import StageError
from airflow_checkpoint_provider.engine.model.events import Published
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.fingerprint import emptied_table
from airflow_checkpoint_provider.engine.transfer.staging.stage import Stage, run_statement


@dataclass(frozen=True, slots=True)
class StagedLoad:
    """
    A stage to publish.

    :param rows: the number of rows it must hold; ``None`` where that is not known for certain
    """

    stage: Stage
    rows: int | None


def swap(destination: Destination, parts: Sequence[StagedLoad]) -> Published:
    """
    Replace the rows of the destination by those of the stages; the caller's transaction commits it.

    The table itself stays, and with it its grants, indexes, foreign keys, triggers and views. DELETE, because
    TRUNCATE commits by itself in some databases, and keeps readers waiting in others.

    :raises DestinationError: when the database refuses the rows
    :raises StageError: when a stage does not hold the rows that were written to it
    """
    dialect = destination.dialect
    table = destination.table.quote(destination.connection.dialect)
    run = parts[0].stage.run
    with destination.errors("refused the rows that are staged for it", "its old rows are all still there"):
        # Of two publications at once the second must see all rows of the first, to delete them.
        lock_writers(destination)
        if dialect.defer_constraints:
            run(dialect.defer_constraints)
        with destination.all_rows():
            before = run(f"DELETE FROM {table}")
        destination.check_deleted(f"SELECT COUNT(*) FROM {table}", ())
        rows = sum(_insert(destination, table, part) for part in parts)
        if dialect.check_constraints:
            run(dialect.check_constraints)  # here, so that an error names the table
    return Published(rows, str(destination.table), before if before >= 0 else None)


def lock_writers(destination: Destination) -> None:
    """Make other publications, and where the server can lock a table other writers, wait for the transaction's end."""
    lock = destination.dialect.publishing_lock
    if lock:
        table = destination.table.quote(destination.connection.dialect)
        digest = sha256(table.encode()).hexdigest()[:32]
        seconds = max(ceil(destination.connection.info.get("lock_timeout", 60)), 1)
        run_statement(destination, lock.format(table=table, digest=digest, seconds=seconds))


def _insert(destination: Destination, table: str, part: StagedLoad) -> int:
    stage = part.stage
    names = ", ".join(map(destination.quote, stage.columns()))
    # A GENERATED ALWAYS column takes the values of the source, as it does from COPY.
    overriding = destination.dialect.override_identity
    rows = stage.run(f"INSERT INTO {table} ({names}) {overriding}SELECT {names} FROM {stage.name}")
    if rows == part.rows:
        return rows
    # Not every driver counts rows: those of the stage are counted by a query.
    staged = stage.count()
    if part.rows is not None and staged != part.rows:
        raise StageError(
            f"The stage {stage.table} holds {staged:,} rows, and {part.rows:,} were written to it: somebody else has "
            f"changed it. Nothing is published, and {destination.table} has its old rows; the load has to start over."
        )
    if rows >= 0:
        destination.compare(staged, rows)
    return staged


def complete(
    context: AttemptContext, checkpoint: Checkpoint, warnings: Sequence[str] = ()
) -> Published | None:
    """
    End a load: publish the staged rows and complete the checkpoint, in one transaction.

    :param warnings: warnings for a person, for the history
    :return: the publication, if this task publishes
    """
    session, store, stage = context.session, context.store, context.published_stage
    published = None
    try:
        with session.destination.commit_errors(), store.transaction():
            if stage:
                emptied = emptied_table(session.destination, separate=session.separate)
                store.hold_table(emptied)
                # With a separate checkpoint, a batch may be staged twice and counted once.
                rows = None if session.separate else checkpoint.rows
                with session.writing():
                    published = swap(session.destination, [StagedLoad(stage, rows)])
                store.check_table(emptied)
            told = [*([published.line] if published else []), *warnings]
            store.finish(checkpoint.rows, checkpoint.position, " ".join(told) or None)
    except StageError as error:
        store.intend_to_start(checkpoint, str(error))
        raise
    if stage:
        discard(context, stage, store.fence)
    return published


def discard(context: AttemptContext, stage: Stage, fence: int) -> None:
    """
    Drop the stage of a load that is published; one that stays behind is dropped by the next attempt.

    :param fence: of the attempt that has completed the load; a later one may be filling the stage again
    """
    session, store = context.session, context.store
    with suppress(Exception), store.transaction():  # the rows are published; a stage that stays is harmless
        if store.is_completed(fence):
            with session.writing():
                session.destination.find(sa.inspect(session.destination.connection))
                stage.drop()
