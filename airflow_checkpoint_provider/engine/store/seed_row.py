"""The row of a checkpoint whose position was set by a person, and not by an attempt."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.model.checkpoint import SEEDED, Attempt, Checkpoint, Identity, Load
from airflow_checkpoint_provider.engine.model.errors import shortened
from airflow_checkpoint_provider.engine.model.history_kind import Kind
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.store import row_changes
from airflow_checkpoint_provider.engine.store.history import History
from airflow_checkpoint_provider.engine.store.row_mapper import from_row, identity_values, is_identity
from airflow_checkpoint_provider.engine.store.schema.tables import Tables


class SeedRow:
    """
    The row of one checkpoint, on a connection whose transactions are the caller's.

    :param identity: whose checkpoint it is
    """

    def __init__(self, connection: sa.Connection, tables: Tables, identity: Identity) -> None:
        self._connection = connection
        self._table = tables.checkpoint
        self._history = History(connection, tables)
        self._identity = identity
        self._is_mine = is_identity(self._table, identity)

    def describe_stored(self) -> str | None:
        """Return the status and rows of an existing checkpoint, even of a damaged one."""
        columns = self._table.c
        statement = sa.select(columns.status, columns.rows_written).where(self._is_mine)
        row = self._connection.execute(statement).first()
        if not row:
            return None
        rows = row.rows_written
        number = f"{rows:,}" if isinstance(rows, int) else shortened(repr(rows))
        return f"{shortened(str(row.status))}, {number} rows committed"

    def write(self, load: Load, position: Position, who: str, detail: str) -> Checkpoint:
        """
        Write the position, in place of any existing checkpoint.

        :param position: of the last row in the destination
        :param who: the person, for the history
        :param detail: for the history
        :return: the checkpoint as it is now
        """
        _, seen = self._history.pending(self._identity, 0)  # earlier requests are not meant for the seed
        nobody = Attempt(self._identity.run_id, None, 0, 0, 0, 0, who)
        marked = replace(load, fingerprint={**load.fingerprint, SEEDED: who})
        values = row_changes.seeded(marked, nobody, position, seen)
        table = self._table
        if self.describe_stored():
            # The next fence, so that a running attempt finds itself overtaken.
            overtaking = table.update().where(self._is_mine).values(**values, fence=table.c.fence + 1)
            self._connection.execute(overtaking)
        else:
            row = {**identity_values(self._identity), **values, "fence": 0}
            self._connection.execute(table.insert().values(**row))
        self._history.record(
            self._identity, Kind.SEEDED, who, rows=position.rows, position=position, detail=detail
        )
        return from_row(self._connection.execute(sa.select(table).where(self._is_mine)).one())
