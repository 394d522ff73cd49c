"""Publishing staged rows: they replace the destination's rows in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from hashlib import sha256
from math import ceil

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.errors import StageError
from airflow_checkpoint_provider.engine.model.events.transfer import Published
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.fingerprint import emptied_table
from airflow_checkpoint_provider.engine.transfer.schema_changes.comparison import why_not_published
from airflow_checkpoint_provider.engine.transfer.schema_changes.plan import columns_there
from airflow_checkpoint_provider.engine.transfer.staging.stage import Stage, run_statement


@dataclass(frozen=True, slots=True)
class StagedLoad:
    """
    A stage to publish.

    :param rows: the number of rows it must hold; ``None`` where that is not known for certain
    """

    stage: Stage
    rows: int | None


@dataclass(frozen=True, slots=True)
class Swap:
    """A table, and the stages whose rows replace its own."""

    destination: Destination
    parts: Sequence[StagedLoad]


def swap(destination: Destination, parts: Sequence[StagedLoad]) -> Published:
    """Do what :func:`swap_together` does, for one table."""
    return swap_together([Swap(destination, parts)])[0]


def swap_together(swaps: Sequence[Swap]) -> list[Published]:
    """
    Replace the rows of tables by those of their stages; the caller's transaction commits all of it.

    The tables themselves stay, and with them grants, indexes, foreign keys, triggers and views. DELETE, because
    TRUNCATE commits by itself in some databases, and keeps readers waiting in others.

    :param swaps: all on one connection; a table that others refer to comes before them
    :raises DestinationError: when the database refuses the rows
    :raises StageError: when a stage does not hold the rows that were written to it
    """
    # Of two publications at once the second must see all rows of the first, to delete them.
    for one in sorted(swaps, key=lambda one: str(one.destination.table)):
        with _refusals(one.destination):
            lock_writers(one.destination)
    first = swaps[0].destination
    if first.dialect.defer_constraints:
        with _refusals(first):
            run_statement(first, first.dialect.defer_constraints)
    before = [_delete(one.destination) for one in reversed(swaps)][::-1]
    rows = [_insert_all(one) for one in swaps]
    if first.dialect.check_constraints:
        with _refusals(swaps[-1].destination):  # here, so that an error names a table
            run_statement(first, first.dialect.check_constraints)
    return [
        Published(number, str(one.destination.table), earlier if earlier >= 0 else None)
        for one, number, earlier in zip(swaps, rows, before, strict=True)
    ]


def _refusals(destination: Destination) -> AbstractContextManager[None]:
    return destination.errors("refused the rows that are staged for it", "its old rows are all still there")


def _delete(destination: Destination) -> int:
    table = destination.table.quote(destination.connection.dialect)
    with _refusals(destination):
        with destination.all_rows():
            before = run_statement(destination, f"DELETE FROM {table}")
        destination.check_deleted(f"SELECT COUNT(*) FROM {table}", ())
    return before


def _insert_all(swap: Swap) -> int:
    destination = swap.destination
    table = destination.table.quote(destination.connection.dialect)
    with _refusals(destination):
        there = columns_there(destination, destination.table)
        for part in swap.parts:
            if narrowed := why_not_published(destination, there, part.stage.table):
                raise StageError(
                    f"{narrowed}. Nothing is published, and the load has to start over: where a task of its own "
                    "publishes, clear the tasks that load the table."
                )
        return sum(_insert(destination, table, part) for part in swap.parts)


def lock_writers(destination: Destination) -> None:
    """Make other publications, and where the server can lock a table other writers, wait for the transaction's end."""
    lock = destination.dialect.publishing_lock
    if lock:
        table = destination.table.quote(destination.connection.dialect)
        digest = sha256(table.encode()).hexdigest()[:32]
        seconds = max(ceil(destination.connection.info.get("lock_timeout", 60)), 1)
        run_statement(destination, lock.format(table=table, digest=digest, seconds=seconds))


def insertion(destination: Destination, table: str, stage: Stage, columns: Sequence[str]) -> str:
    """
    Return the statement that writes the rows of a stage into its table.

    :param table: the table, quoted
    :param columns: of the stage
    """
    names = ", ".join(map(destination.quote, columns))
    # A GENERATED ALWAYS column takes the values of the source, as it does from COPY.
    overriding = destination.dialect.override_identity
    into = f"{destination.insertion()} {table} ({names}) {overriding}"
    return f"{into}SELECT {names} FROM {stage.name}"


def _insert(destination: Destination, table: str, part: StagedLoad) -> int:
    stage = part.stage
    rows = stage.run(insertion(destination, table, stage, stage.columns()))
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
            store.finish(checkpoint.rows, checkpoint.position, " ".join(told) or None, context.watch)
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
