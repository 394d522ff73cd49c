"""The newest checkpoints of a metadata table, for facts about the tables that they load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.admin.readable import DagsThere, Readable
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.bounded_queries import in_order, reaching
from airflow_checkpoint_provider.engine.store.history import History
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry
from airflow_checkpoint_provider.engine.store.row_reading import UnreadableRow, read_page, table_itself
from airflow_checkpoint_provider.engine.store.schema.tables import Tables

_ORDER = "-committed_at"


@dataclass(frozen=True, slots=True)
class Newest:
    """
    The newest checkpoints of a metadata table.

    :param checkpoints: newest commit first
    :param unreadable: rows among them that cannot be read
    :param more: whether there are older ones
    :param completed: of checkpoints that span runs and are not complete now, the entry of their last completed run
    :param table: the first and last row of the table, to recognise two connections that lead to one table
    """

    checkpoints: list[Checkpoint]
    unreadable: list[UnreadableRow]
    more: bool
    completed: dict[Identity, HistoryEntry]
    table: tuple[Any, ...]


def newest(connection: sa.Connection, tables: Tables, readable: Readable, limit: int) -> Newest:
    """
    Read the newest checkpoints.

    :param readable: selects the DAGs that may be seen
    :param limit: at most so many
    """
    table = tables.checkpoint
    conditions = DagsThere.of(connection, table, readable).conditions
    conditions = [*conditions, *reaching(connection, table, conditions, _ORDER, limit + 1)]
    statement = sa.select(table).where(*conditions).order_by(*in_order(table, _ORDER, table))
    found = list(read_page(connection, table, table, statement, limit + 1, 0))
    some = found[:limit]
    checkpoints = [one for one in some if isinstance(one, Checkpoint)]
    spanning = [
        one.identity
        for one in checkpoints
        if one.identity.run_id == ALL_RUNS and one.status is not Status.COMPLETED
    ]
    return Newest(
        checkpoints,
        [one for one in some if isinstance(one, UnreadableRow)],
        len(found) > limit,
        History(connection, tables).last_completed(spanning),
        table_itself(connection, table),
    )
