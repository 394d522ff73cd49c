"""The row of one checkpoint in the metadata table, which one attempt at a time may write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.model.checkpoint import Attempt, Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.errors import (
    CheckpointDeletedError,
    CheckpointError,
    CheckpointLockedError,
    FencedError,
)
from airflow_checkpoint_provider.engine.store.row_mapper import identity_values, is_identity
from airflow_checkpoint_provider.engine.store.row_reading import one_of


class Lease:
    """
    The row, as one attempt sees it: read by all, written by the attempt that took it last.

    Taking the row raises its ``fence`` by one; each later write names that fence, and finds no row once another attempt
    has taken it.

    :param connection: the destination's connection, so that a batch and its checkpoint commit together
    :param table: the metadata table
    :param identity: whose checkpoint it is
    :param attempt: who writes
    :param lock_timeout: seconds to wait for another attempt's transaction
    :param deleted_by: returns who deleted the checkpoint and when, as the end of "was deleted", or an empty text
    """

    def __init__(
        self,
        connection: sa.Connection,
        table: sa.Table,
        identity: Identity,
        attempt: Attempt,
        lock_timeout: float,
        deleted_by: Callable[[], str] = str,
    ) -> None:
        self._connection = connection
        self._table = table
        self._identity = identity
        self._attempt = attempt
        self._lock_timeout = lock_timeout
        self._deleted_by = deleted_by
        self._fence = 0
        self._is_mine = is_identity(table, identity)
        self._updates: dict[tuple[str, ...], sa.Update] = {}

    @property
    def fence(self) -> int:
        """The fence that this attempt has taken the row with; 0 before."""
        return self._fence

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """
        Commit at the end, roll back on an error.

        :raises CheckpointLockedError: when a lock was not granted in ``lock_timeout`` seconds; names the holder
        """
        try:
            with self._connection.begin():
                yield
        except sa.exc.DBAPIError as error:
            if not error.orig or not dialect_of(self._connection).is_lock_timeout(error.orig):
                raise
            holder = self._holder()
            self._connection.rollback()
            raise CheckpointLockedError(
                f"The checkpoint of {self._identity} is held by another attempt{holder}, which did not "
                f"let go within {self._lock_timeout:g} seconds (lock_timeout). If that process is stuck, end "
                "it; the next attempt goes on where it committed last."
            ) from error

    def limit_waiting(self) -> None:
        """Limit waits in this transaction to ``lock_timeout``, where the session has no such limit."""
        dialect_of(self._connection).limit_waiting(self._connection, self._lock_timeout)

    def read(self, *, lock: bool = False) -> Checkpoint | None:
        """Return the checkpoint, if there is one."""
        statement = sa.select(self._table).where(self._is_mine)
        if lock:
            statement = dialect_of(self._connection).locking(statement, self._lock_timeout)
        return one_of(self._connection, statement, self._identity)

    def take(self, stored: Checkpoint | None, values: dict[str, Any]) -> Checkpoint:
        """
        Write the row with the next fence, so that older attempts cannot write it any more.

        :param stored: the row as it was read in this transaction, or ``None`` to insert it
        :param values: its columns, but for identity and fence
        :return: the row as it is now
        :raises FencedError: when another attempt has taken it at the same moment
        """
        self._fence = stored.fence + 1 if stored else 1
        values = {**values, "fence": self._fence}
        if stored is None:
            values |= identity_values(self._identity)
            self._connection.execute(self._table.insert().values(**values))
        else:
            # Where rows cannot be locked, two attempts may have read the same fence: the first one takes the row.
            as_read = self._table.c.fence == stored.fence
            self._connection.execute(self._table.update().where(self._is_mine, as_read).values(**values))
        return self._taken()

    def join(self, fence: int) -> None:
        """
        Write the row under the fence of an attempt that has taken it.

        :param fence: as it was read in this transaction, or of the same attempt on another connection
        """
        self._fence = fence

    def update(self, values: dict[str, Any]) -> None:
        """
        Change columns of the row.

        :raises FencedError: when another attempt has taken it over
        :raises CheckpointDeletedError: when it was deleted
        """
        columns = tuple(values)
        if columns not in self._updates:
            # Built once: building and compiling a statement takes longer than the server needs for it.
            self._updates[columns] = (
                self._table.update()
                .where(self._is_mine, self._table.c.fence == sa.bindparam("my_fence"))
                .values({column: sa.bindparam(f"new_{column}") for column in columns})
            )
        parameters = {f"new_{column}": value for column, value in values.items()}
        updated = self._connection.execute(self._updates[columns], {**parameters, "my_fence": self._fence})
        if updated.rowcount == 1:
            return
        # Not all drivers count rows, and MySQL's leave out rows that an UPDATE has not changed.
        stored = self.read(lock=True)
        if stored is None:
            raise CheckpointDeletedError(
                f"The checkpoint of {self._identity} was deleted{self._deleted_by()}, while this attempt (try "
                f"{self._attempt.try_number}, {self._attempt.owner}) was at work: it has committed nothing since "
                "then and ends here. What was committed before is in the destination, and the next attempt starts "
                "from the beginning."
            )
        if stored.fence != self._fence:
            raise FencedError(
                f"Another attempt has taken over the checkpoint of {self._identity}{self._holder()}: "
                f"this attempt (try {self._attempt.try_number}, {self._attempt.owner}) has written nothing since "
                "then and ends here. Nothing needs to be done; the other attempt carries on."
            )

    def _taken(self) -> Checkpoint:
        """Read the row back, because the inserted or updated one may be another attempt's."""
        taken = self.read()
        if taken is None:
            raise FencedError(
                f"The checkpoint of {self._identity} was deleted while this attempt claimed it."
            )
        if (taken.fence, taken.owner) != (self._fence, self._attempt.owner):
            raise FencedError(
                f"Another attempt ({taken.owner}) claimed the checkpoint of {self._identity} at the same moment; this "
                "attempt has written nothing and ends here."
            )
        return taken

    def _holder(self) -> str:
        try:
            with reading(self._connection):
                other = self.read()
        except (sa.exc.SQLAlchemyError, CheckpointError):
            return ""
        return f" (try {other.try_number}, {other.owner})" if other else ""
