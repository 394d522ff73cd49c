"""The row of one checkpoint in the metadata table, which one attempt at a time may write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.model.checkpoint import Attempt, Checkpoint, Identity, Load, Status
from airflow_checkpoint_provider.engine.model.decision import Action, Decision, Request
from airflow_checkpoint_provider.engine.model.errors import CheckpointLockedError, FencedError
from airflow_checkpoint_provider.engine.model.position import BEGINNING, Position
from airflow_checkpoint_provider.engine.store.columns import FORMAT_VERSION
from airflow_checkpoint_provider.engine.store.history import History, Kind
from airflow_checkpoint_provider.engine.store.row_mapper import (
    attempt_values,
    from_row,
    identity_values,
    is_identity,
    key_text,
    position_values,
)
from airflow_checkpoint_provider.engine.store.tables import Tables, refuse_other_table


class FencedRow:
    """
    The row, as one attempt sees it.

    :param connection: the destination's connection, so that a batch and its checkpoint commit together
    :param lock_timeout: seconds to wait for another attempt's transaction
    """

    def __init__(
        self,
        connection: sa.Connection,
        tables: Tables,
        identity: Identity,
        attempt: Attempt,
        lock_timeout: float = 60,
    ) -> None:
        self.connection = connection
        self.tables = tables
        self.identity = identity
        self.attempt = attempt
        self.history = History(connection, tables)
        self.table = tables.checkpoint
        self.is_mine = is_identity(self.table, identity)
        self.fence = 0  # of the claim of this attempt
        self._lock_timeout = lock_timeout
        self._updates: dict[tuple[str, ...], sa.Update] = {}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end, roll back on an error; waiting too long for a lock says who holds it."""
        try:
            with self.connection.begin():
                yield
        except sa.exc.DBAPIError as error:
            if not error.orig or not dialect_of(self.connection).is_lock_timeout(error.orig):
                raise
            holder = self._holder()
            self.connection.rollback()
            raise CheckpointLockedError(
                f"The checkpoint of {self.identity} is held by another attempt{holder}, which did not "
                f"let go within {self._lock_timeout:g} seconds (lock_timeout). If that process is stuck, end "
                "it; the next attempt goes on where it committed last."
            ) from error

    def read(self, *, lock: bool = False) -> Checkpoint | None:
        """Read the checkpoint, if there is one."""
        statement = sa.select(self.table).where(self.is_mine)
        if lock:
            statement = dialect_of(self.connection).locking(statement, self._lock_timeout)
        row = self.connection.execute(statement).first()
        return from_row(row) if row else None

    def limit_waiting(self) -> None:
        """Wait in this transaction for no longer than ``lock_timeout``, where the session does not see to it."""
        dialect_of(self.connection).limit_waiting(self.connection, self._lock_timeout)

    def update(self, values: dict[str, Any]) -> None:
        """
        Change columns of the row.

        :raises FencedError: when another attempt has taken it over
        """
        columns = tuple(values)
        if columns not in self._updates:
            # Made once: to write and look up a statement takes longer than the server needs for it.
            self._updates[columns] = (
                self.table.update()
                .where(self.is_mine, self.table.c.fence == sa.bindparam("my_fence"))
                .values({column: sa.bindparam(f"new_{column}") for column in columns})
            )
        parameters = {f"new_{column}": value for column, value in values.items()}
        updated = self.connection.execute(self._updates[columns], {**parameters, "my_fence": self.fence})
        if updated.rowcount != 1 and not self._holds():
            raise FencedError(
                f"Another attempt has taken over the checkpoint of {self.identity}{self._holder()}: "
                f"this attempt (try {self.attempt.try_number}, {self.attempt.owner}) has written nothing since "
                "then and ends here. Nothing needs to be done; the other attempt carries on."
            )

    def _holds(self) -> bool:
        """Look, where the driver has not counted the row: not all can, and MySQL's leave out what is unchanged."""
        stored = self.read(lock=True)
        return stored is not None and stored.fence == self.fence

    def record(self, kind: Kind, rows: int, position: Position, detail: str | None = None) -> None:
        """Add an event to the history, in the name of this attempt."""
        self.history.record(
            self.identity,
            kind,
            self.attempt.owner,
            try_number=self.attempt.try_number,
            rows=rows,
            position=position,
            detail=detail,
        )

    def _holder(self) -> str:
        try:
            with reading(self.connection):
                other = self.read()
        except sa.exc.SQLAlchemyError:
            return ""
        return f" (try {other.try_number}, {other.owner})" if other else ""


Choose = Callable[[Checkpoint | None, Request | None], Decision]


def claim(row: FencedRow, choose: Choose, load: Load) -> tuple[Checkpoint, Decision]:
    """
    Decide what to do and take the checkpoint over: from here on, older attempts cannot write.

    The intent to start over is part of the claim, so that a crash in the middle of starting leads to
    starting again and never to resuming into an emptied table.

    :raises CheckpointLockedError: when another attempt does not let go of it
    :raises MetadataTableError: when the table is there and is another one
    """
    for last_try in (False, True):
        try:
            with row.transaction():
                row.limit_waiting()
                return _claim(row, choose, load)
        except sa.exc.IntegrityError:  # another attempt has inserted the row first
            if last_try:
                raise
        except sa.exc.DBAPIError as error:
            if not error.connection_invalidated:
                refuse_other_table(row.connection, row.tables)
            raise
    raise AssertionError("unreachable")


def _claim(row: FencedRow, choose: Choose, load: Load) -> tuple[Checkpoint, Decision]:
    stored = row.read(lock=True)
    request, seen = row.history.pending(row.identity, stored.request_seen if stored else 0)
    decision = choose(stored, request)
    if stored and decision.action is Action.NOTHING:
        return stored, decision
    now = datetime.now(UTC)
    row.fence = stored.fence + 1 if stored else 1
    values = {
        **attempt_values(row.attempt),
        "status": Status.RUNNING.value,
        "fence": row.fence,
        "request_seen": seen,
        "updated_at": now,
        "completed_at": None,
        "last_error": None,
    }
    if stored is None:
        values |= {
            **identity_values(row.identity),
            **_fresh(load, decision),
            "created_at": now,
            "started_at": now,
        }
        row.connection.execute(row.table.insert().values(**values))
    else:
        # Where rows cannot be locked, two attempts may have read the same: the first one gets it.
        as_read = row.table.c.fence == stored.fence
        values |= _changes(stored, decision)
        row.connection.execute(row.table.update().where(row.is_mine, as_read).values(**values))
    claimed = _claimed(row)
    kind = Kind.RESUMED if decision.action is Action.RESUME else Kind.STARTED
    row.record(kind, claimed.rows, claimed.position, decision.reason)
    return claimed, decision


def _fresh(load: Load, decision: Decision) -> dict[str, Any]:
    return {
        **load.values(),
        **position_values(BEGINNING),
        "rows_written": 0,
        "batches": 0,
        "restarting": 1,
        "forced": int(decision.forced),
        "format_version": FORMAT_VERSION,
    }


def _changes(stored: Checkpoint, decision: Decision) -> dict[str, Any]:
    if decision.action is Action.START:
        return {
            "start_position": key_text(stored.start.key) if decision.from_mark else None,
            "restarting": 1,
            "forced": int(decision.forced),
        }
    if decision.action is Action.NEXT_RUN:
        return {
            **position_values(Position(stored.position.key)),
            "start_position": key_text(stored.position.key),
            "restarting": 1,
            "forced": 0,
            "rows_written": 0,
            "batches": 0,
        }
    return {}


def _claimed(row: FencedRow) -> Checkpoint:
    """Read what was written, for what was inserted or updated may be another attempt's."""
    claimed = row.read()
    if claimed is None:
        raise FencedError(f"The checkpoint of {row.identity} was deleted while this attempt claimed it.")
    if (claimed.fence, claimed.owner) != (row.fence, row.attempt.owner):
        raise FencedError(
            f"Another attempt ({claimed.owner}) claimed the checkpoint of {row.identity} at the same moment; this "
            "attempt has written nothing and ends here."
        )
    return claimed
