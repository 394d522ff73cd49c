"""The interface of a load to the store of its checkpoint, whether one is kept or not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Load
from airflow_checkpoint_provider.engine.model.decision import Decision, Request
from airflow_checkpoint_provider.engine.model.events.batch_times import Stopwatch
from airflow_checkpoint_provider.engine.model.history_kind import Kind
from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.store.neighbours import Emptied
from airflow_checkpoint_provider.engine.store.rejected.rejects import Rejects

Choose = Callable[[Checkpoint | None, Request | None], Decision]
"""Decides on the action of an attempt, by the stored checkpoint and the request."""


class CheckpointStore(Protocol):
    """The checkpoint of one load, in the order of its life: claimed, begun, advanced with each batch, finished."""

    @property
    def fence(self) -> int:
        """The number of this attempt's claim; a later attempt has a greater one."""

    @property
    def rejects(self) -> Rejects | None:
        """The rejected rows of the load, or ``None`` where none can be kept."""

    def transaction(self) -> AbstractContextManager[None]:
        """
        Commit at the end, roll back on an error.

        :raises CheckpointLockedError: when another attempt has held the checkpoint for too long
        """

    def stored(self) -> Checkpoint | None:
        """Return the checkpoint that earlier attempts have left, without a claim on it."""

    def claim(self, choose: Choose, load: Load) -> tuple[Checkpoint, Decision]:
        """
        Decide on the action and take the checkpoint over: from here on, older attempts cannot write.

        :return: the checkpoint as it is now, and the decision
        :raises CheckpointLockedError: when another attempt has held it for too long
        :raises FencedError: when another attempt has claimed it at the same moment
        :raises MetadataTableError: when the table of that name is not a metadata table
        """

    def begin(self, load: Load, start: Position, upper: Key | None) -> None:
        """Set the checkpoint to the start of a load; the caller's transaction empties the destination."""

    def adopt(self, load: Load, upper: Key | None) -> None:
        """Begin a load at the position that was seeded for it, in the caller's transaction."""

    def note_marker(self, fingerprint: dict[str, str]) -> None:
        """
        Record, in a transaction of its own, that a continued load has a marker in the task state store.

        :param fingerprint: of the load, with the marker
        :raises FencedError: when another attempt has taken it over
        """

    def intend_to_start(self, checkpoint: Checkpoint, reason: str) -> None:
        """Record that the load starts over, before anything is emptied for it."""

    def note_opened(self, facts: LoadFacts, checkpoint: Checkpoint) -> None:
        """
        Add the facts of the load to the history, in the caller's transaction.

        :raises FencedError: when another attempt has taken the checkpoint over
        """

    def note_schema(
        self, changes: str, checkpoint: Checkpoint, fingerprint: dict[str, str] | None = None
    ) -> None:
        """
        Add a change of the destination's table to the history, in the caller's transaction.

        :param changes: in words
        :param fingerprint: of a load that goes on, with the columns that it reads from now on
        :raises FencedError: when another attempt has taken the checkpoint over
        """

    def note_key(self, kind: Kind, detail: str, checkpoint: Checkpoint) -> None:
        """
        Add to the history how far the key of the destination's table has come, in the caller's transaction.

        :param detail: in words
        :raises FencedError: when another attempt has taken the checkpoint over
        """

    def on(self, connection: sa.Connection) -> CheckpointStore:
        """Return the store of the same attempt on another connection to its database."""

    def hold(self) -> None:
        """
        Lock the checkpoint before anything is written in this transaction.

        :raises FencedError: when another attempt has taken it over
        """

    def hold_table(self, emptied: Emptied) -> None:
        """
        Lock the checkpoint as :meth:`hold` does, before rows of other loads are deleted in this transaction.

        Other loads of these rows that have begun and are not at work cannot resume from then on: they start over.

        :raises TableInUseError: when another load of the table is at work
        """

    def check_table(self, emptied: Emptied) -> None:
        """
        Check, after the rows are deleted, that no other load has begun to write the table meanwhile.

        :raises TableInUseError: when one has
        """

    def advance(self, now: Checkpoint, watch: Stopwatch) -> None:
        """
        Move the checkpoint, in the transaction of the batch.

        :param now: the checkpoint as of the commit
        :param watch: the times of the batches before it, for the history
        :raises FencedError: when another attempt has taken it over
        """

    def finish(self, rows: int, position: Position, detail: str | None, watch: Stopwatch) -> None:
        """
        Mark the load as completed, in the caller's transaction.

        :param detail: for the history, if there is more to it
        :param watch: the times of its batches, for the history
        """

    def is_completed(self, fence: int) -> bool:
        """
        Lock the checkpoint; return whether the load is complete and no later attempt has begun it again.

        :param fence: of the attempt that has completed the load
        """

    def give_up(self, error: BaseException, checkpoint: Checkpoint) -> None:
        """Mark the load as failed, with the reason; the caller raises the error."""
