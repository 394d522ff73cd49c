"""Other loads of the table that a load is about to empty: at work, or to be kept from going on."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.errors import TableInUseError
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store import row_changes
from airflow_checkpoint_provider.engine.store.row_mapper import from_row, is_identity

AT_WORK_FOR = timedelta(minutes=10)
"""How long after its last commit a running load counts as at work; one that wakes up later finds itself overtaken."""


class Neighbours:
    """
    The checkpoints of other loads of one table, in the caller's transaction.

    :param identity: the load that empties the table, which is none of them
    :param lock_timeout: seconds to wait for another attempt's transaction
    """

    def __init__(
        self, connection: sa.Connection, table: sa.Table, identity: Identity, lock_timeout: float
    ) -> None:
        self._connection = connection
        self._table = table
        self._identity = identity
        self._lock_timeout = lock_timeout

    def unfinished(self, names: Collection[str], conn_id: str | None) -> list[Identity]:
        """
        Return whose loads of a table are begun and not complete.

        :param names: how the table may be written
        :param conn_id: its connection, where the metadata table is in another database
        :raises TableInUseError: when one is at work
        """
        rows = self._connection.execute(sa.select(self._table).where(self._loads(names, conn_id))).all()
        found = [neighbour for neighbour in map(from_row, rows) if "stage" not in neighbour.fingerprint]
        for neighbour in found:
            self._refuse(neighbour)
        return [neighbour.identity for neighbour in found]

    def overtake(self, identity: Identity) -> None:
        """
        Keep the attempts of a load from writing, and let its next one start from the beginning.

        :raises TableInUseError: when it has begun meanwhile
        """
        dialect = dialect_of(self._connection)
        statement = sa.select(self._table).where(is_identity(self._table, identity))
        row = self._connection.execute(dialect.locking(statement, self._lock_timeout)).first()
        if row is None or row.status == Status.COMPLETED or row.restarting:
            return  # one that is about to begin waits for this row, and then finds this load at work
        self._refuse(from_row(row))
        overtaking = self._table.update().where(is_identity(self._table, identity))
        values = row_changes.overtaken(f"{row.destination_table} was emptied by {self._identity}")
        self._connection.execute(overtaking.values(**values, fence=self._table.c.fence + 1))

    def _loads(self, names: Collection[str], conn_id: str | None) -> sa.ColumnElement[bool]:
        columns = self._table.c
        ours = sa.and_(
            columns.destination_table.in_(sorted(names)), ~is_identity(self._table, self._identity)
        )
        if conn_id is not None:
            ours = sa.and_(ours, columns.destination_conn_id == conn_id)
        begun = sa.and_(columns.status == Status.FAILED.value, columns.restarting == 0)
        return sa.and_(ours, sa.or_(columns.status == Status.RUNNING.value, begun))

    def _refuse(self, other: Checkpoint) -> None:
        since = datetime.now(UTC) - other.updated_at
        if other.status is not Status.RUNNING or other.restarting or since > AT_WORK_FOR:
            return
        raise TableInUseError(
            f"{other.destination_table} would be emptied while {other.identity} (try {other.try_number}, "
            f"{other.owner}) loads it; its last commit was {since.total_seconds():.0f} seconds ago. Let one run at a "
            "time load the table, by max_active_runs=1 in the DAG, or order the tasks. If that attempt was killed, it "
            f"counts as over {AT_WORK_FOR.total_seconds() / 60:.0f} minutes after its last commit."
        )
