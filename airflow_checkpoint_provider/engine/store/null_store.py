"""The null store, of a load without a checkpoint: the same calls, and nothing stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.model.checkpoint import Attempt, Checkpoint, Identity, Load
from airflow_checkpoint_provider.engine.model.decision import Action, Decision
from airflow_checkpoint_provider.engine.model.events.batch_times import Stopwatch
from airflow_checkpoint_provider.engine.model.history_kind import Kind
from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.model.position import BEGINNING, Position
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.neighbours import Emptied
from airflow_checkpoint_provider.engine.store.protocol import Choose


class NullStore:
    """
    The store of a load whose every attempt starts over.

    :param connection: the destination's
    :param identity: whose load it is
    :param attempt: who loads
    """

    def __init__(self, connection: sa.Connection, identity: Identity, attempt: Attempt) -> None:
        self._connection = connection
        self._identity = identity
        self._attempt = attempt

    @property
    def fence(self) -> int:
        return 0

    @property
    def rejects(self) -> None:
        return None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._connection.begin():
            yield

    def stored(self) -> None:
        return None

    def claim(self, choose: Choose, load: Load) -> tuple[Checkpoint, Decision]:
        now = datetime.now(UTC)
        attempt = self._attempt
        checkpoint = Checkpoint(
            identity=self._identity,
            status=Status.RUNNING,
            strategy=load.strategy,
            key_columns=load.key_columns,
            position=BEGINNING,
            start=BEGINNING,
            lower=None,
            upper=None,
            rows=0,
            batches=0,
            fence=0,
            restarting=True,
            forced=False,
            request_seen=0,
            run_id=attempt.run_id,
            run_after=attempt.run_after,
            claimed_map_index=attempt.map_index,
            try_number=attempt.try_number,
            max_tries=attempt.max_tries,
            retries=attempt.retries,
            clear_number=attempt.clear_number,
            owner=attempt.owner,
            fingerprint=load.fingerprint,
            source_conn_id=load.source_conn_id,
            destination_conn_id=load.destination_conn_id,
            destination_table=load.destination_table,
            catalog=load.catalog,
            created_at=now,
            started_at=now,
            updated_at=now,
            committed_at=now,
            completed_at=None,
            last_error=None,
        )
        return checkpoint, Decision(Action.START, "No checkpoint is kept: starting from the beginning")

    def begin(self, load: Load, start: Position, upper: Key | None) -> None:
        """Keep nothing."""

    def adopt(self, load: Load, upper: Key | None) -> None:
        """Keep nothing."""

    def note_marker(self, fingerprint: dict[str, str]) -> None:
        """Keep nothing."""

    def intend_to_start(self, checkpoint: Checkpoint, reason: str) -> None:
        """Keep nothing."""

    def note_opened(self, facts: LoadFacts, checkpoint: Checkpoint) -> None:
        """Keep nothing."""

    def note_schema(
        self, changes: str, checkpoint: Checkpoint, fingerprint: dict[str, str] | None = None
    ) -> None:
        """Keep nothing."""

    def note_key(self, kind: Kind, detail: str, checkpoint: Checkpoint) -> None:
        """Keep nothing."""

    def on(self, connection: sa.Connection) -> NullStore:
        """Return a store that keeps nothing, either."""
        return NullStore(connection, self._identity, self._attempt)

    def hold(self) -> None:
        """Keep nothing."""

    def hold_table(self, emptied: Emptied) -> None:
        """Keep nothing."""

    def check_table(self, emptied: Emptied) -> None:
        """Keep nothing."""

    def advance(self, now: Checkpoint, watch: Stopwatch) -> None:
        """Keep nothing."""

    def finish(self, rows: int, position: Position, detail: str | None, watch: Stopwatch) -> None:
        """Keep nothing."""

    def is_completed(self, fence: int) -> bool:
        """Return true: there is no checkpoint with which another attempt could begin again."""
        return True

    def give_up(self, error: BaseException, checkpoint: Checkpoint) -> None:
        """Keep nothing."""
