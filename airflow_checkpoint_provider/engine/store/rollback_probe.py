"""A test whether an unknown database rolls a transaction back."""

from __future__ import annotations

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.model.checkpoint import Identity
from airflow_checkpoint_provider.engine.model.history_kind import Kind
from airflow_checkpoint_provider.engine.store.history import History
from airflow_checkpoint_provider.engine.store.row_mapper import is_identity
from airflow_checkpoint_provider.engine.store.schema.tables import Tables

_PROBE = Identity("airflow_checkpoint", "rollback_probe", "*")


def rolls_back(connection: sa.Connection, tables: Tables) -> bool:
    """Add a row to the history, roll back, and return whether it is gone; tested once for each connection."""
    known = connection.info.get("rolls_back")
    if known is None:
        known = connection.info["rolls_back"] = _try(connection, tables)
    return bool(known)


def _try(connection: sa.Connection, tables: Tables) -> bool:
    with connection.begin() as transaction:
        History(connection, tables).record(_PROBE, Kind.PROBED, "airflow_checkpoint")
        transaction.rollback()
    mine = is_identity(tables.event, _PROBE)
    with connection.begin():
        left = connection.execute(
            sa.select(sa.func.count()).select_from(tables.event).where(mine)
        ).scalar_one()
        if left:
            connection.execute(tables.event.delete().where(mine))
    return not left
