"""A checkpoint in the course of a load: claimed, begun, advanced in the transaction of each batch, finished."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, suppress
from dataclasses import astuple
from datetime import datetime

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.model.checkpoint import Attempt, Checkpoint, Identity, Load
from airflow_checkpoint_provider.engine.model.decision import Action, Decision
from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    CheckpointDeletedError,
    CheckpointError,
    FencedError,
    StoppedError,
    one_line,
    with_class,
)
from airflow_checkpoint_provider.engine.model.events.batch_times import Stopwatch
from airflow_checkpoint_provider.engine.model.history_kind import Kind
from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store import row_changes
from airflow_checkpoint_provider.engine.store.history import History
from airflow_checkpoint_provider.engine.store.lease import Lease
from airflow_checkpoint_provider.engine.store.neighbours import Emptied, Neighbours
from airflow_checkpoint_provider.engine.store.protocol import Choose
from airflow_checkpoint_provider.engine.store.rejected.rejects import Rejects
from airflow_checkpoint_provider.engine.store.schema.tables import Tables, refuse_other_table

SAMPLE_EVERY = 5.0  # seconds between progress samples in the history


class SqlStore:
    """
    One checkpoint in the metadata tables, as one attempt sees it.

    :param connection: the destination's connection, so that a batch and its checkpoint commit together
    :param lock_timeout: seconds to wait for another attempt's transaction
    :param rejects: whether the table of rejected rows exists
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
        self._connection = connection
        self._tables = tables
        self._identity = identity
        self._attempt = attempt
        self._history = History(connection, tables)
        self._lease = Lease(connection, tables.checkpoint, identity, attempt, lock_timeout, self._deleted_by)
        self._rejects = Rejects(connection, tables, identity, there=rejects)
        self._neighbours = Neighbours(connection, tables.checkpoint, identity, lock_timeout)
        self._sampled = self._began = time.monotonic()
        self._idle_since: datetime | None = None

    @property
    def identity(self) -> Identity:
        """Whose checkpoint it is."""
        return self._identity

    @property
    def fence(self) -> int:
        return self._lease.fence

    @property
    def rejects(self) -> Rejects:
        return self._rejects

    def transaction(self) -> AbstractContextManager[None]:
        return self._lease.transaction()

    def stored(self) -> Checkpoint | None:
        with reading(self._connection):
            return self._lease.read()

    def claim(self, choose: Choose, load: Load) -> tuple[Checkpoint, Decision]:
        for last_try in (False, True):
            try:
                with self._lease.transaction():
                    return self._claim(choose, load)
            except sa.exc.IntegrityError:  # another attempt has inserted the row first
                if last_try:
                    raise
            except sa.exc.DBAPIError as error:
                if not error.connection_invalidated:
                    refuse_other_table(self._connection, self._tables)
                raise
        raise AssertionError("unreachable")

    def _claim(self, choose: Choose, load: Load) -> tuple[Checkpoint, Decision]:
        self._lease.limit_waiting()
        stored = self._lease.read(lock=True)
        request, seen = self._history.pending(self._identity, stored.request_seen if stored else 0)
        refuse_namesake(stored, self._identity, self._attempt)
        decision = choose(stored, request)
        if stored and decision.action is Action.NOTHING:
            return stored, decision
        changes = (
            row_changes.decided(stored, decision, self._attempt)
            if stored
            else row_changes.first_claimed(load, decision)
        )
        claimed = self._lease.take(stored, {**row_changes.claimed(self._attempt, load, seen), **changes})
        self._idle_since = stored.committed_at if stored and self._begins_again(stored) else None
        kind = Kind.RESUMED if decision.action is Action.RESUME else Kind.STARTED
        self._record(kind, claimed.rows, claimed.position, decision.reason)
        return claimed, decision

    def _begins_again(self, stored: Checkpoint) -> bool:
        """Return whether an attempt of the same load has ended without a record, and without a batch."""
        attempt = self._attempt
        same = (stored.run_id, stored.max_tries, stored.clear_number) == (
            attempt.run_id,
            attempt.max_tries,
            attempt.clear_number,
        )
        return same and stored.status is Status.RUNNING and not stored.batches

    def begin(self, load: Load, start: Position, upper: Key | None) -> None:
        self._lease.update(row_changes.begun(load, start, upper, self._idle_since))
        # Rejects of earlier runs stay, where this one starts from their mark.
        self._rejects.clear(self._attempt.run_id if start.key else None)

    def adopt(self, load: Load, upper: Key | None) -> None:
        self._lease.update(row_changes.adopted(load, upper))

    def note_marker(self, fingerprint: dict[str, str]) -> None:
        with self._lease.transaction():
            self._lease.update(row_changes.marked(fingerprint))

    def intend_to_start(self, checkpoint: Checkpoint, reason: str) -> None:
        with self._lease.transaction():
            self._lease.update(row_changes.restarting())
            self._record(Kind.STARTED, checkpoint.rows, checkpoint.position, reason)

    def note_opened(self, facts: LoadFacts, checkpoint: Checkpoint) -> None:
        self.hold()
        self._record(Kind.OPENED, checkpoint.rows, checkpoint.position, facts.as_text())

    def note_schema(
        self, changes: str, checkpoint: Checkpoint, fingerprint: dict[str, str] | None = None
    ) -> None:
        self._lease.update(row_changes.marked(fingerprint) if fingerprint else row_changes.held())
        self._record(Kind.SCHEMA_CHANGED, checkpoint.rows, checkpoint.position, changes)

    def note_key(self, kind: Kind, detail: str, checkpoint: Checkpoint) -> None:
        self._lease.update(row_changes.at_work())
        self._record(kind, checkpoint.rows, checkpoint.position, detail)

    def on(self, connection: sa.Connection) -> SqlStore:
        beside = SqlStore(connection, self._tables, self._identity, self._attempt)
        beside._lease.join(self.fence)
        return beside

    def hold(self) -> None:
        self._lease.update(row_changes.held())

    def hold_table(self, emptied: Emptied) -> None:
        self._lease.limit_waiting()
        # All in one order, so that two loads that begin at once do not deadlock.
        for identity in sorted([self._identity, *self._neighbours.unfinished(emptied)], key=astuple):
            if identity == self._identity:
                self.hold()
            else:
                self._neighbours.overtake(identity, emptied)

    def overtake_others(self, emptied: Emptied) -> None:
        """Overtake other loads as :meth:`hold_table` does, where the checkpoint is locked already."""
        for identity in sorted(self._neighbours.unfinished(emptied), key=astuple):
            self._neighbours.overtake(identity, emptied)

    def check_table(self, emptied: Emptied) -> None:
        self._neighbours.unfinished(emptied)

    def advance(self, now: Checkpoint, watch: Stopwatch) -> None:
        self._lease.update(row_changes.advanced(now))
        if time.monotonic() - self._sampled >= SAMPLE_EVERY:
            self._sample(now.rows, now.position, watch)

    def finish(self, rows: int, position: Position, detail: str | None, watch: Stopwatch) -> None:
        self._lease.update(row_changes.completed())
        if time.monotonic() - self._began >= SAMPLE_EVERY:
            self._sample(rows, position, watch)  # with the batches since the last one
        self._record(Kind.COMPLETED, rows, position, detail)

    def _sample(self, rows: int, position: Position, watch: Stopwatch) -> None:
        self._sampled = time.monotonic()
        self._record(Kind.PROGRESS, rows, position, watch.unsaid)

    def is_completed(self, fence: int) -> bool:
        self._lease.limit_waiting()
        stored = self._lease.read(lock=True)
        return stored is not None and (stored.status, stored.fence) == (Status.COMPLETED, fence)

    def give_up(self, error: BaseException, checkpoint: Checkpoint) -> None:
        reason = one_line(error)
        if isinstance(error, CheckpointDeletedError):
            with suppress(sa.exc.SQLAlchemyError, CheckpointError), self._lease.transaction():
                self._record(Kind.FAILED, checkpoint.rows, checkpoint.position, reason)
        if isinstance(error, FencedError):
            return
        if not isinstance(error, StoppedError):
            reason = with_class(error)
        # The cause of the failure may prevent this write, too; the error of the failure is the one to show.
        with suppress(sa.exc.SQLAlchemyError, CheckpointError), self._lease.transaction():
            self._lease.update(row_changes.failed(reason))
            self._record(Kind.FAILED, checkpoint.rows, checkpoint.position, reason)

    def lock(self) -> Checkpoint | None:
        """Lock the checkpoint in the caller's transaction, so that no attempt claims it, and return it."""
        return self._lease.read(lock=True)

    def is_published(self) -> bool:
        """Return whether another task has published the load that was completed last."""
        return self._history.is_published(self._identity)

    def note_published(self, rows: int, detail: str) -> None:
        """Record, in the transaction of the publication, that the staged rows are in the destination."""
        self._record(Kind.PUBLISHED, rows, None, detail)

    def note_replayed(self, stored: Checkpoint, rows: int, detail: str) -> None:
        """
        Record, in the transaction that writes them, that rejected rows are in the destination.

        :param stored: the checkpoint, locked in this transaction
        :param rows: how many
        :param detail: for the history
        """
        self._lease.join(stored.fence)
        self._lease.update(row_changes.replayed(stored.rows + rows))
        self._history.record(
            self._identity, Kind.REPLAYED, self._attempt.owner, rows=stored.rows + rows, detail=detail
        )

    def _deleted_by(self) -> str:
        entry = self._history.deletion(self._identity)
        return f" by {entry.who} at {entry.recorded_at:%Y-%m-%d %H:%M:%S} UTC" if entry else ""

    def _record(self, kind: Kind, rows: int, position: Position | None, detail: str | None = None) -> None:
        """Add a history entry of this attempt."""
        self._history.record(
            self._identity,
            kind,
            self._attempt.owner,
            try_number=self._attempt.try_number,
            rows=rows,
            position=position,
            detail=detail,
        )


def refuse_namesake(stored: Checkpoint | None, identity: Identity, attempt: Attempt) -> None:
    """
    Refuse a checkpoint whose name another task instance of this run has taken.

    After a clear the task may have been mapped anew, and the same name have another map index.

    :raises ArgumentError: names both map indexes
    """
    if stored is None or not identity.name or stored.run_id != attempt.run_id:
        return
    holder = stored.claimed_map_index
    mapped_anew = stored.clear_number != attempt.clear_number
    if holder is None or attempt.map_index in (None, holder) or mapped_anew:
        return
    raise ArgumentError(
        f"checkpoint_name: {identity.name!r} is the name of map index {holder} of this run as well as of "
        f"{attempt.map_index}: two task instances cannot share a checkpoint. Give each a name of its own, such as "
        "that of the table that it loads."
    )


def stored_map_indexes(connection: sa.Connection, tables: Tables, load: Identity) -> list[int]:
    """Return the map indexes of a task that have a checkpoint, in order; that of ``load`` is ignored."""
    columns = tables.checkpoint.c
    of_load = [columns[name] == getattr(load, name) for name in ("dag_id", "task_id", "run_id")]
    return sorted(connection.execute(sa.select(columns.map_index).where(*of_load)).scalars())
