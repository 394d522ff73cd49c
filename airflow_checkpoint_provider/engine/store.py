"""The metadata table: claim a checkpoint, advance it in the transaction of the batch, finish it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine import mysql
from airflow_checkpoint_provider.engine.checkpoint import Attempt, Checkpoint, Identity, Status
from airflow_checkpoint_provider.engine.database import reading
from airflow_checkpoint_provider.engine.decision import Action, Decision, Request
from airflow_checkpoint_provider.engine.errors import (
    CheckpointError,
    CheckpointLockedError,
    FencedError,
    StoppedError,
    one_line,
)
from airflow_checkpoint_provider.engine.history import History, Kind, is_identity
from airflow_checkpoint_provider.engine.misnamed import refuse_other_table
from airflow_checkpoint_provider.engine.oracle import ROWS_BUSY, error_code
from airflow_checkpoint_provider.engine.position import BEGINNING, Key, Position
from airflow_checkpoint_provider.engine.rejects import Rejects
from airflow_checkpoint_provider.engine.rows import (
    attempt_values,
    from_row,
    identity_values,
    key_text,
    position_values,
)
from airflow_checkpoint_provider.engine.schema import FORMAT_VERSION, Tables

SAMPLE_EVERY = 5.0  # seconds between progress samples in the history


@dataclass(frozen=True, slots=True)
class Load:
    """What is being loaded, as the checkpoint remembers it."""

    strategy: str
    key_columns: tuple[str, ...]
    fingerprint: dict[str, str]
    source_conn_id: str
    destination_conn_id: str
    destination_table: str

    def values(self) -> dict[str, Any]:
        """Columns of the metadata table."""
        return {
            "strategy": self.strategy,
            "key_columns": json.dumps(self.key_columns),
            "fingerprint": json.dumps(self.fingerprint),
            "source_conn_id": self.source_conn_id,
            "destination_conn_id": self.destination_conn_id,
            "destination_table": self.destination_table,
        }


Choose = Callable[[Checkpoint | None, Request | None], Decision]


class Store:
    """
    One checkpoint, as one attempt sees it.

    :param connection: the destination's connection, so that a batch and its checkpoint commit together
    :param lock_timeout: seconds to wait for another attempt's transaction
    :param rejects: whether the table of rejected rows is there
    """

    def __init__(
        self,
        connection: sa.Connection,
        tables: Tables,
        identity: Identity,
        attempt: Attempt,
        lock_timeout: float = 60,
        *,
        rejects: bool = False,
    ) -> None:
        self.connection = connection
        self.tables = tables
        self.identity = identity
        self.attempt = attempt
        self.history = History(connection, tables)
        self.rejects = Rejects(connection, tables, identity, there=rejects)
        self.fence = 0
        self._lock_timeout = lock_timeout
        self._table = tables.checkpoint
        self._mine = is_identity(self._table, identity)
        self._updates: dict[tuple[str, ...], sa.Update] = {}
        self._sampled = time.monotonic()

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

    def load(self, *, lock: bool = False) -> Checkpoint | None:
        """Read the checkpoint, if there is one."""
        statement = sa.select(self._table).where(self._mine)
        row = self.connection.execute(self._locking(statement) if lock else statement).first()
        return from_row(row) if row else None

    def claim(self, choose: Choose, load: Load) -> tuple[Checkpoint, Decision]:
        """
        Decide what to do and take the checkpoint over: from here on, older attempts cannot write.

        The intent to start over is part of the claim, so that a crash in the middle of starting leads to
        starting again and never to resuming into an emptied table.

        :raises CheckpointLockedError: when another attempt does not let go of it
        :raises MetadataTableError: when the table is there and is another one
        """
        for last_try in (False, True):
            try:
                with self.transaction():
                    self._limit_waiting()
                    return self._claim(choose, load)
            except sa.exc.IntegrityError:  # another attempt has inserted the row first
                if last_try:
                    raise
            except sa.exc.DBAPIError as error:
                if not error.connection_invalidated:
                    refuse_other_table(self.connection, self.tables)
                raise
        raise AssertionError("unreachable")

    def _claim(self, choose: Choose, load: Load) -> tuple[Checkpoint, Decision]:
        stored = self.load(lock=True)
        request, seen = self.history.pending(self.identity, stored.request_seen if stored else 0)
        decision = choose(stored, request)
        if stored and decision.action is Action.NOTHING:
            return stored, decision
        now = datetime.now(UTC)
        self.fence = stored.fence + 1 if stored else 1
        values = {
            **attempt_values(self.attempt),
            "status": Status.RUNNING.value,
            "fence": self.fence,
            "request_seen": seen,
            "updated_at": now,
            "completed_at": None,
            "last_error": None,
        }
        if stored is None:
            new = {
                **identity_values(self.identity),
                **load.values(),
                **position_values(BEGINNING),
                "rows_written": 0,
                "batches": 0,
                "restarting": 1,
                "forced": int(decision.forced),
                "created_at": now,
                "started_at": now,
                "format_version": FORMAT_VERSION,
            }
            self.connection.execute(self._table.insert().values(**values, **new))
        else:
            if decision.action is Action.START:
                values |= {
                    "start_position": key_text(stored.start.key) if decision.from_mark else None,
                    "restarting": 1,
                    "forced": int(decision.forced),
                }
            elif decision.action is Action.NEXT_RUN:
                values |= {
                    **position_values(Position(stored.position.key)),
                    "start_position": key_text(stored.position.key),
                    "restarting": 1,
                    "forced": 0,
                    "rows_written": 0,
                    "batches": 0,
                }
            # Where rows cannot be locked, two attempts may have read the same: the first one gets it.
            as_read = self._table.c.fence == stored.fence
            self.connection.execute(self._table.update().where(self._mine, as_read).values(**values))
        claimed = self.load()
        if claimed is None:
            raise FencedError(f"The checkpoint of {self.identity} was deleted while this attempt claimed it.")
        if (claimed.fence, claimed.owner) != (self.fence, self.attempt.owner):
            raise FencedError(
                f"Another attempt ({claimed.owner}) claimed the checkpoint of {self.identity} at the same moment; this "
                "attempt has written nothing and ends here."
            )
        kind = Kind.RESUMED if decision.action is Action.RESUME else Kind.STARTED
        self._record(kind, claimed.rows, claimed.position, decision.reason)
        return claimed, decision

    def begin(self, load: Load, start: Position, upper: Key | None) -> None:
        """Set the checkpoint to the start of a load; the caller's transaction empties the destination."""
        now = datetime.now(UTC)
        self._update(
            {
                **load.values(),
                **position_values(start),
                "start_position": key_text(start.key),
                "lower_bound": None,
                "upper_bound": key_text(upper),
                "rows_written": 0,
                "batches": 0,
                "restarting": 0,
                "started_at": now,
                "updated_at": now,
            }
        )
        # Those of earlier runs stay, where this one starts from their mark.
        self.rejects.clear(self.attempt.run_id if start.key else None)

    def adopt(self, load: Load, upper: Key | None) -> None:
        """Begin a load at the position that was seeded for it, in the caller's transaction."""
        now = datetime.now(UTC)
        self._update({**load.values(), "upper_bound": key_text(upper), "started_at": now, "updated_at": now})

    def intend_to_start(self, checkpoint: Checkpoint, reason: str) -> None:
        """Note down that the load starts over, before anything is emptied for it."""
        with self.transaction():
            self._update({"restarting": 1, "start_position": None})
            self._record(Kind.STARTED, checkpoint.rows, checkpoint.position, reason)

    def hold(self) -> None:
        """
        Lock the checkpoint before anything is written in this transaction.

        :raises FencedError: when another attempt has taken it over
        """
        self._update({"updated_at": datetime.now(UTC)})

    def advance(self, now: Checkpoint) -> None:
        """
        Move the checkpoint, in the transaction of the batch.

        :param now: what the commit will make true
        """
        self._update(
            {
                **position_values(now.position),
                "lower_bound": key_text(now.lower),
                "rows_written": now.rows,
                "batches": now.batches,
                "updated_at": datetime.now(UTC),
            }
        )
        if time.monotonic() - self._sampled >= SAMPLE_EVERY:
            self._sampled = time.monotonic()
            self._record(Kind.PROGRESS, now.rows, now.position)

    def finish(self, rows: int, position: Position, detail: str | None = None) -> None:
        """Mark the load as completed."""
        now = datetime.now(UTC)
        self._update({"status": Status.COMPLETED.value, "updated_at": now, "completed_at": now})
        self._record(Kind.COMPLETED, rows, position, detail)

    def is_completed(self, fence: int) -> bool:
        """Lock the checkpoint, and tell whether the load is complete and no later attempt has begun it again."""
        self._limit_waiting()
        stored = self.load(lock=True)
        return stored is not None and (stored.status, stored.fence) == (Status.COMPLETED, fence)

    def give_up(self, error: BaseException, checkpoint: Checkpoint) -> None:
        """Mark the load as failed, with the reason; the error itself is the caller's to raise."""
        if isinstance(error, FencedError):
            return
        reason = one_line(error)
        # Of others, such as Airflow's timeout, the name says most.
        if not isinstance(error, (Exception, StoppedError)):
            reason = f"{type(error).__name__}: {reason}"
        values = {"status": Status.FAILED.value, "updated_at": datetime.now(UTC), "last_error": reason}
        # What went wrong may well keep this from being written, and is the error to show.
        with suppress(sa.exc.SQLAlchemyError, CheckpointError), self.transaction():
            self._update(values)
            self._record(Kind.FAILED, checkpoint.rows, checkpoint.position, reason)

    def _update(self, values: dict[str, Any]) -> None:
        columns = tuple(values)
        if columns not in self._updates:
            # Made once: to write and look up a statement takes longer than the server needs for it.
            self._updates[columns] = (
                self._table.update()
                .where(self._mine, self._table.c.fence == sa.bindparam("my_fence"))
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
        stored = self.load(lock=True)
        return stored is not None and stored.fence == self.fence

    def _record(self, kind: Kind, rows: int, position: Position, detail: str | None = None) -> None:
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

    def _limit_waiting(self) -> None:
        if self.connection.dialect.name == "postgresql":
            milliseconds = max(int(self._lock_timeout * 1000), 1)
            self.connection.exec_driver_sql(f"SET LOCAL lock_timeout = {milliseconds}")

    def _holder(self) -> str:
        try:
            with reading(self.connection):
                other = self.load()
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
