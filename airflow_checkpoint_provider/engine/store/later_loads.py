"""Later loads of a table that have deleted the rows of an earlier one."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.store.bounded_queries import page
from airflow_checkpoint_provider.engine.store.history import History
from airflow_checkpoint_provider.engine.store.row_mapper import identity_of_row
from airflow_checkpoint_provider.engine.store.schema.tables import Tables

_MOST_READ = 100


def emptied_by(
    connection: sa.Connection, tables: Tables, checkpoint: Checkpoint, refused_at: datetime | None
) -> Identity | None:
    """
    Return a load, of another task or run, that has emptied the table since a load of it began, or may have.

    A load that ended before it recorded its facts may have, and one that began earlier and committed later, as it
    empties the table where it publishes. The newest 100 such loads of the table are read.

    :param refused_at: when the first of the load's rejected rows was refused, in an earlier run perhaps
    """
    table, mine = tables.checkpoint, checkpoint.identity
    name = checkpoint.catalog.values()
    same = (
        [
            table.c[column].is_(None) if value is None else table.c[column] == value
            for column, value in name.items()
        ]
        if checkpoint.catalog.table
        else [table.c.destination_table == checkpoint.destination_table]
    )
    siblings = [table.c[column] == getattr(mine, column) for column in ("dag_id", "task_id", "run_id")]
    identity = [table.c[column] for column in Identity.__slots__]
    since = min(checkpoint.started_at, refused_at or checkpoint.started_at)
    later = (
        sa.select(*identity)
        .where(*same, sa.or_(table.c.started_at > since, table.c.committed_at > since), ~sa.and_(*siblings))
        .order_by(table.c.started_at.desc())
    )
    history = History(connection, tables)
    for other in map(identity_of_row, list(page(connection, later, _MOST_READ, 0))):
        facts = history.facts(other)
        if facts is None or facts.empties:
            return other
    return None
