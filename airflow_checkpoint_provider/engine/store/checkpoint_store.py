"""A checkpoint in the course of a load: begun, advanced in the transaction of each batch, finished."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.model.checkpoint import Attempt, Checkpoint, Identity, Load, Status
from airflow_checkpoint_provider.engine.model.decision import Decision
from airflow_checkpoint_provider.engine.model.errors import (
    CheckpointError,
    FencedError,
    StoppedError,
    one_line,
)
from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.store.history import Kind
from airflow_checkpoint_provider.engine.store.lease import Choose, FencedRow, claim
from airflow_checkpoint_provider.engine.store.rejects import Rejects
from airflow_checkpoint_provider.engine.store.row_mapper import key_text, position_values
from airflow_checkpoint_provider.engine.store.tables import Tables

SAMPLE_EVERY = 5.0  # seconds between progress samples in the history


class Store(FencedRow):
    """
    One checkpoint, as one attempt sees it.

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
        super().__init__(connection, tables, identity, attempt, lock_timeout)
        self.rejects = Rejects(connection, tables, identity, there=rejects)
        self._sampled = time.monotonic()

    def claim(self, choose: Choose, load: Load) -> tuple[Checkpoint, Decision]:
        """Decide what to do, and take the checkpoint over."""
        return claim(self, choose, load)

    def begin(self, load: Load, start: Position, upper: Key | None) -> None:
        """Set the checkpoint to the start of a load; the caller's transaction empties the destination."""
        now = datetime.now(UTC)
        self.update(
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
        self.update({**load.values(), "upper_bound": key_text(upper), "started_at": now, "updated_at": now})

    def intend_to_start(self, checkpoint: Checkpoint, reason: str) -> None:
        """Note down that the load starts over, before anything is emptied for it."""
        with self.transaction():
            self.update({"restarting": 1, "start_position": None})
            self.record(Kind.STARTED, checkpoint.rows, checkpoint.position, reason)

    def hold(self) -> None:
        """
        Lock the checkpoint before anything is written in this transaction.

        :raises FencedError: when another attempt has taken it over
        """
        self.update({"updated_at": datetime.now(UTC)})

    def advance(self, now: Checkpoint) -> None:
        """
        Move the checkpoint, in the transaction of the batch.

        :param now: what the commit will make true
        """
        self.update(
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
            self.record(Kind.PROGRESS, now.rows, now.position)

    def finish(self, rows: int, position: Position, detail: str | None = None) -> None:
        """Mark the load as completed."""
        now = datetime.now(UTC)
        self.update({"status": Status.COMPLETED.value, "updated_at": now, "completed_at": now})
        self.record(Kind.COMPLETED, rows, position, detail)

    def is_completed(self, fence: int) -> bool:
        """Lock the checkpoint, and tell whether the load is complete and no later attempt has begun it again."""
        self.limit_waiting()
        stored = self.read(lock=True)
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
            self.update(values)
            self.record(Kind.FAILED, checkpoint.rows, checkpoint.position, reason)
