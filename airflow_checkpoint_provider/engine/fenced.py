"""The row of one checkpoint in the metadata table, which one attempt at a time may write."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine import mysql
from airflow_checkpoint_provider.engine.checkpoint import Attempt, Checkpoint, Identity
from airflow_checkpoint_provider.engine.database import reading
from airflow_checkpoint_provider.engine.errors import CheckpointLockedError, FencedError
from airflow_checkpoint_provider.engine.history import History, Kind, is_identity
from airflow_checkpoint_provider.engine.oracle import ROWS_BUSY, error_code
from airflow_checkpoint_provider.engine.position import Position
from airflow_checkpoint_provider.engine.rows import from_row
from airflow_checkpoint_provider.engine.schema import Tables


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
            if not _is_lock_timeout(error):
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
        row = self.connection.execute(self._locking(statement) if lock else statement).first()
        return from_row(row) if row else None

    def limit_waiting(self) -> None:
        """Wait in this transaction for no longer than ``lock_timeout``, where the session does not see to it."""
        if self.connection.dialect.name == "postgresql":
            milliseconds = max(int(self._lock_timeout * 1000), 1)
            self.connection.exec_driver_sql(f"SET LOCAL lock_timeout = {milliseconds}")

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

    def _locking(self, statement: Any) -> Any:
        statement = statement.with_for_update()
        if self.connection.dialect.name != "oracle":
            return statement
        # Without it Oracle waits for ever; it counts whole seconds.
        return statement.suffix_with(f"WAIT {max(math.ceil(self._lock_timeout), 1)}")

    def _holder(self) -> str:
        try:
            with reading(self.connection):
                other = self.read()
        except sa.exc.SQLAlchemyError:
            return ""
        return f" (try {other.try_number}, {other.owner})" if other else ""


def _is_lock_timeout(error: sa.exc.DBAPIError) -> bool:
    if error_code(error.orig) in ROWS_BUSY:
        return True
    text = str(error.orig).lower()
    if error.orig and mysql.error_number(error.orig) == mysql.LOCK_WAIT_TIMEOUT:
        return True
    return getattr(error.orig, "sqlstate", None) == "55P03" or "database is locked" in text
