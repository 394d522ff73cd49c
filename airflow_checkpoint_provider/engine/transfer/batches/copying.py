"""Batch after batch: read, written and committed with its checkpoint in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from airflow_checkpoint_provider.engine.databases.rows.blocks import READ_AT_ONCE
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.events.batch_times import COMMITTING, PROCESSING, WRITING
from airflow_checkpoint_provider.engine.model.position import describe_position
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.batches.batch_writer import Writer
from airflow_checkpoint_provider.engine.transfer.batches.batching import Tally, as_one_batch, batches, take
from airflow_checkpoint_provider.engine.transfer.batches.row_shaping import shaped
from airflow_checkpoint_provider.engine.transfer.starting.startup import StartingPoint
from airflow_checkpoint_provider.engine.transfer.starting.type_pairs import PassedValues

Committed = Callable[[Checkpoint, int], None]
"""Receives the checkpoint as it was committed with a batch, and the rows of the batch."""


def copy(
    context: AttemptContext, writer: Writer, beginning: StartingPoint, report: Committed
) -> Iterator[Checkpoint]:
    """Copy batch after batch, and yield the checkpoint committed with each."""
    spec, session, store, watch = context.spec, context.session, context.store, context.watch
    now = beginning.checkpoint
    process = spec.rows_processor
    passed = PassedValues.of(session, context.columns) if process else None
    chunks = shaped(watch.reading(beginning.chunks), context.columns.pick, process, passed)
    watch.begin()
    for batch in batches(as_one_batch(chunks) if spec.commits_at_once else chunks):
        before = now
        known, whole = take(batch, 2 * READ_AT_ONCE)
        tally = Tally(now.position, now.lower)
        tally.add(*known)
        if spec.on_bad_row == "reject":  # the number of good rows is known after the last one
            whole = False
        watch.enter(WRITING)
        with session.destination.commit_errors(), store.transaction():
            # Before any row is written the checkpoint is locked and the fence checked. A small batch is known to
            # its end by then, and needs no second update.
            if whole:
                now = now.after_batch(tally.rows, tally.end, tally.first)
                store.advance(now, watch)
            else:
                store.hold()
            with session.writing(), writer.batch(now.rows) as write:
                for chunk in known:
                    write(chunk.rows)
                known.clear()
                watch.enter(PROCESSING)
                for chunk in batch:
                    tally.add(chunk)
                    watch.enter(WRITING)
                    write(chunk.rows)
                    watch.enter(PROCESSING)
                watch.enter(WRITING)
                beginning.read_on()
            good = tally.rows - len(writer.newest)
            if not whole:
                now = now.after_batch(good, tally.end, tally.first)
                store.advance(now, watch)
            watch.enter(COMMITTING)
        watch.committed(partial(_between, context, before, now))
        report(now, good)
        yield now
        watch.begin()


def _between(context: AttemptContext, start: Checkpoint, end: Checkpoint) -> tuple[str, str]:
    columns = context.strategy.columns
    return describe_position(columns, start.position), describe_position(columns, end.position)
