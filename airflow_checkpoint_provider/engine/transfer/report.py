"""What an attempt tells those who watch it."""

from __future__ import annotations

import time

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.events import (
    BatchCommitted,
    GuaranteeStated,
    Observer,
    RowsRejected,
    Started,
)
from airflow_checkpoint_provider.engine.model.position import describe_position, fraction
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.batches.batch_writer import Writer
from airflow_checkpoint_provider.engine.transfer.fingerprint import match_tables
from airflow_checkpoint_provider.engine.transfer.startup import StartingPoint


class Report:
    """
    What happens in one attempt, through all of its connections.

    :param observe: is told
    """

    def __init__(self, observe: Observer) -> None:
        self.observe = observe
        self.first: StartingPoint | None = None
        """Where the attempt has started, before any connection was lost."""
        self.rejected = 0
        """Rows that this attempt has rejected."""
        self.guarantee: GuaranteeStated | None = None

    def guarantees(self, stated: GuaranteeStated) -> None:
        """Tell what is guaranteed, unless that was told before."""
        if stated != self.guarantee:
            self.guarantee = stated
            self.observe(stated)

    def started(self, context: AttemptContext, start: StartingPoint) -> None:
        """Tell where the load goes on."""
        checkpoint = start.checkpoint
        if self.first is None:
            self.first = start
            self.observe(match_tables(context.spec, context.session, context.columns))
        done = fraction(checkpoint.lower, checkpoint.position.key, checkpoint.upper)
        self._done_at_start = done or 0.0
        self._copying_since = time.monotonic()
        self._rows_at_start = checkpoint.rows
        self.observe(
            Started(
                action=start.decision.action.value,
                reason=start.decision.reason,
                place=context.strategy.describe(checkpoint.position),
                try_number=context.attempt.try_number,
                rows=checkpoint.rows,
                # Too small a share tells nothing.
                rows_expected=int(float(f"{checkpoint.rows / done:.3g}")) if done and done > 0.001 else None,
                again=checkpoint.fence > 1,
            )
        )

    def committed(self, context: AttemptContext, checkpoint: Checkpoint, rows: int) -> None:
        """
        Tell of a batch.

        :param checkpoint: as it was committed with it
        :param rows: of the batch
        """
        self.observe(
            BatchCommitted(
                number=checkpoint.batches,
                rows=rows,
                attempt_rows=checkpoint.rows - self._rows_at_start,
                rows_total=checkpoint.rows,
                place=describe_position(context.strategy.columns, checkpoint.position),
                seconds=time.monotonic() - self._copying_since,
                done=fraction(checkpoint.lower, checkpoint.position.key, checkpoint.upper),
                at_start=self._done_at_start,
            )
        )

    def rejects(self, context: AttemptContext, writer: Writer) -> None:
        """Tell of the rows of a batch that were rejected, if there are any."""
        if not writer.newest:
            return
        rows, first = len(writer.newest), writer.newest[0]
        self.rejected += rows
        table = context.store.rejects.table if context.store.rejects else ""
        self.observe(RowsRejected(rows, writer.total, table, first.number, first.error))
