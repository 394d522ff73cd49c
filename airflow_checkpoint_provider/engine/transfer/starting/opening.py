"""Opening the source at the position of the checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain

from airflow_checkpoint_provider.engine.databases.rows.blocks import Rows
from airflow_checkpoint_provider.engine.databases.rows.routes import RowRoute
from airflow_checkpoint_provider.engine.databases.source import Prefetch
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.events.transfer import Observer, RouteChosen
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.batches.batching import Chunk
from airflow_checkpoint_provider.engine.transfer.batches.prefetch import (
    ReadAhead,
    ReadInPauses,
    ReadPackedAhead,
)
from airflow_checkpoint_provider.engine.transfer.row_route import choose_route


def open_source(
    context: AttemptContext, checkpoint: Checkpoint, observe: Observer
) -> tuple[Iterator[Chunk], Callable[[], None], RowRoute]:
    """
    Open the source; the first read proves that the checkpoint still fits.

    :return: the rows left to transfer, a call to read on while the destination is waited for, and the route
    """
    session, spec, strategy = context.session, context.spec, context.strategy
    position = checkpoint.position
    if spec.lookback and checkpoint.batches == 0:
        position = strategy.behind(Position(checkpoint.start.key), spec.lookback)
    route = choose_route(spec, session, strategy, context.columns, context.by_values)
    observe(RouteChosen(route.name, route.reason))
    chunks = strategy.chunks(position, checkpoint.upper, route)
    # From here on the connection is in use: the chunks must be closed before it.
    session.at_end.push(closing(chunks))
    first = next(chunks, None)
    source = session.source
    begun = [first] if first else []
    prefetch = source.prefetch(route) if session.destination.dialect.waits else Prefetch.NEVER
    if prefetch is Prefetch.NEVER:
        return chain(begun, chunks), lambda: None, route
    packed = first is not None and not isinstance(first.rows, Rows)
    always = ReadPackedAhead if packed else ReadAhead
    reader = ReadInPauses if prefetch is Prefetch.WHILE_WAITING else always
    ahead = reader(chunks, source.interrupt, source.cut)
    session.at_end.push(closing(ahead))
    return chain(begun, ahead), ahead.read_on, route
