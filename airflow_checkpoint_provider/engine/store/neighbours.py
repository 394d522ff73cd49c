"""Other loads of the table that a load is about to empty: a running one is an error, others must start over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.model.checkpoint import (
    ALL_RUNS,
    PARTITION,
    RESOLVED,
    SLICE,
    Checkpoint,
    Identity,
)
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, CheckpointError, TableInUseError
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store import row_changes
from airflow_checkpoint_provider.engine.store.row_mapper import from_row, is_identity

AT_WORK_FOR = timedelta(minutes=10)
"""How long after its last write a running load counts as at work; one that goes on later finds itself overtaken."""


@dataclass(frozen=True, slots=True)
class Emptied:
    """
    A table that is about to lose its rows.

    :param resolved: the table as the server resolves its name; ``None`` where it does not exist yet
    :param written: the spellings of its name, for loads whose resolved table is not known
    :param conn_id: its connection, where the metadata table is in another database
    :param part: the partition whose rows are deleted, if not all are
    :param slices: a digest of each statement that deletes some rows, if not all are deleted
    """

    resolved: str | None
    written: tuple[str, ...]
    conn_id: str | None
    part: Partition | None
    slices: frozenset[str] = frozenset()


class Neighbours:
    """
    The checkpoints of other loads of one table, in the caller's transaction.

    :param identity: the load that empties the table, which is not one of them
    :param lock_timeout: seconds to wait for another attempt's transaction
    """

    def __init__(
        self, connection: sa.Connection, table: sa.Table, identity: Identity, lock_timeout: float
    ) -> None:
        self._connection = connection
        self._table = table
        self._identity = identity
        self._lock_timeout = lock_timeout

    def unfinished(self, emptied: Emptied) -> list[Identity]:
        """
        Return the identities of loads of these rows that have begun and are not complete.

        :raises TableInUseError: when one is at work
        :raises ArgumentError: when one is of another mapped instance of this task, complete or not
        :raises InvalidCheckpointError: when the row of one is damaged
        """
        rows = self._connection.execute(sa.select(self._table).where(self._begun(emptied))).all()
        found = [checkpoint for row in rows if (checkpoint := _loads(row, emptied))]
        for neighbour in found:
            self._refuse(neighbour, emptied)
        return [neighbour.identity for neighbour in found if neighbour.status is not Status.COMPLETED]

    def overtake(self, identity: Identity, emptied: Emptied) -> None:
        """
        Fence off the attempts of a load, and let its next one start from the beginning.

        :raises TableInUseError: when it has begun meanwhile
        :raises ArgumentError: when it has, and is of another mapped instance of this task
        """
        dialect = dialect_of(self._connection)
        statement = sa.select(self._table).where(is_identity(self._table, identity))
        row = self._connection.execute(dialect.locking(statement, self._lock_timeout)).first()
        if row is None or row.restarting:
            return  # one that is about to begin waits for this row, and then finds this load at work
        self._refuse(from_row(row), emptied)
        if row.status == Status.COMPLETED:
            return
        overtaking = self._table.update().where(is_identity(self._table, identity))
        values = row_changes.overtaken(f"{row.destination_table} was emptied by {self._identity}")
        self._connection.execute(overtaking.values(**values, fence=self._table.c.fence + 1))

    def _begun(self, emptied: Emptied) -> sa.ColumnElement[bool]:
        columns, mine = self._table.c, self._identity
        of_task = sa.and_(
            *(columns.dag_id == mine.dag_id, columns.task_id == mine.task_id), columns.run_id == mine.run_id
        )
        failed = sa.and_(columns.status == Status.FAILED.value, columns.restarting == 0)
        begun = [columns.status == Status.RUNNING.value, failed]
        if emptied.part is None:
            begun.append(sa.and_(columns.status == Status.COMPLETED.value, columns.restarting == 0, of_task))
        conditions = [sa.or_(*begun), ~is_identity(self._table, mine)]
        if emptied.conn_id is not None:
            conditions.append(columns.destination_conn_id == emptied.conn_id)
        if emptied.slices:
            conditions.append(columns.fingerprint.contains(SLICE))
        if emptied.part is not None:  # partitions of this plan share no row with it, and may be many
            conditions.append(columns.fingerprint.contains(PARTITION))
            conditions.append(
                ~sa.and_(columns.fingerprint.contains(emptied.part.plan, autoescape=True), of_task)
            )
        return sa.and_(*conditions)

    def _refuse(self, other: Checkpoint, emptied: Emptied) -> None:
        if emptied.part is not None and self._is_of_task(other.identity):
            return  # of an earlier plan of this task
        if self._is_sibling(other) and not other.restarting:
            raise _overwrites(other, emptied)
        since = datetime.now(UTC) - other.updated_at
        if other.status is not Status.RUNNING or other.restarting or since > AT_WORK_FOR:
            return
        table, else_ = other.destination_table, ""
        what = f"{table} would be emptied"
        if emptied.slices:
            what = f"preoperator: rows of {table} would be deleted by the same statement"
            else_ = ", or delete other rows by a task of its own"
        raise TableInUseError(
            f"{what} while {other.identity} (try {other.try_number}, {other.owner}) loads it, and was last active "
            f"{since.total_seconds():.0f} seconds ago. Let one run at a time load the table, by max_active_runs=1 in "
            f"the DAG, or order the tasks{else_}. If that attempt was killed, it "
            f"counts as over {AT_WORK_FOR.total_seconds() / 60:.0f} minutes after it was last active."
        )

    def _is_of_task(self, other: Identity) -> bool:
        mine = self._identity
        return (mine.dag_id, mine.task_id, mine.run_id) == (other.dag_id, other.task_id, other.run_id)

    def _is_sibling(self, other: Checkpoint) -> bool:
        """Return whether a load is of another mapped instance of this task, and not of another pass of a loop."""
        mine, its = self._identity, other.identity
        if not (self._is_of_task(its) and mine.within_task and its.within_task):
            return False
        return other.iteration is None or its.run_id == ALL_RUNS or its.name != mine.name


def _overwrites(other: Checkpoint, emptied: Emptied) -> ArgumentError:
    table, its = other.destination_table, other.identity
    what, instead = (
        ("preoperator: it would delete", "Name what the task is mapped over in the WHERE")
        if emptied.slices
        else (f"{table} would be emptied, and lose", "Append to it, or upsert")
    )
    return ArgumentError(
        f"{what} rows of {table} that {its} has loaded: another mapped instance of this task in the same run. "
        f"{instead}, and delete what they have in common in a task before this one. If the rows of {its} are to go, "
        "clear it as well: a retry goes on when it has begun again; or delete its checkpoint."
    )


def _loads(row: Any, emptied: Emptied) -> Checkpoint | None:
    """Return the checkpoint of a row, if its load writes rows that are about to be deleted."""
    try:
        other = from_row(row)
    except CheckpointError:
        if row.destination_table in emptied.written:
            raise
        return None  # damaged, and of another table as far as it can be read
    resolved = other.fingerprint.get(RESOLVED)
    known = resolved is not None and emptied.resolved is not None
    is_of = resolved == emptied.resolved if known else other.destination_table in emptied.written
    if not is_of or "stage" in other.fingerprint:
        return None
    if emptied.slices:
        return None if emptied.slices.isdisjoint(other.fingerprint.get(SLICE, "").split()) else other
    if emptied.part is None:
        return other
    part = Partition.of_text(other.fingerprint.get(PARTITION))
    return other if part is not None and emptied.part.overlaps(part) else None
