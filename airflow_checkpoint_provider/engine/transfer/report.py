"""The transfer events of an attempt."""

from __future__ import annotations

import time
from dataclasses import replace

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.rows.routes import RowRoute
from airflow_checkpoint_provider.engine.model.checkpoint import Attempt, Checkpoint
from airflow_checkpoint_provider.engine.model.decision import Action, Decision
from airflow_checkpoint_provider.engine.model.events.failure import Failed
from airflow_checkpoint_provider.engine.model.events.steps import LoadDescribed, RangeFixed
from airflow_checkpoint_provider.engine.model.events.transfer import (
    BatchCommitted,
    GuaranteeStated,
    Observer,
    RowsRejected,
    Started,
)
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.model.position import (
    BEGINNING,
    Position,
    describe_position,
    describe_range,
    fraction,
)
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.batches.batch_writer import Writer
from airflow_checkpoint_provider.engine.transfer.fingerprint import match_tables
from airflow_checkpoint_provider.engine.transfer.starting.preoperator import empties
from airflow_checkpoint_provider.engine.transfer.starting.startup import StartingPoint


class Report:
    """
    The transfer events of one attempt, across all of its connections.

    :param observe: receives the events
    """

    def __init__(self, observe: Observer) -> None:
        self.observe = observe
        self.first: StartingPoint | None = None
        """The starting point of the attempt, before any connection was lost."""
        self.rejected = 0
        """Rows rejected by this attempt."""
        self.guarantee: GuaranteeStated | None = None
        self._claimed: Checkpoint | None = None
        self._at = BEGINNING  # where the next attempt goes on
        self._rows = self._batches = self._rows_total = 0

    def describe(self, spec: TransferSpec, source_conn_id: str, destination_conn_id: str) -> None:
        """Report the load that is about to begin."""
        part = spec.part.as_words() if spec.part else ""
        event = LoadDescribed(spec.facts, source_conn_id, destination_conn_id, spec.destination_table, part)
        self.observe(event)

    def guarantees(self, stated: GuaranteeStated) -> None:
        """Report the guarantee, unless it was reported before."""
        if stated != self.guarantee:
            self.guarantee = stated
            self.observe(stated)

    def facts(self, spec: TransferSpec, route: RowRoute, destination: Destination) -> LoadFacts:
        """Return the facts of the load, with those that are known once the source is open."""
        stated = self.guarantee or GuaranteeStated("", "")
        given = spec.facts
        return replace(
            given,
            empties=given.empties or bool(spec.preoperator and empties(spec.preoperator, destination)),
            guarantee=stated.guarantee,
            guarantee_reason=stated.reason,
            route=route.name,
            route_reason=route.reason,
        )

    def claimed(self, checkpoint: Checkpoint, decision: Decision) -> None:
        """Remember where the next attempt begins, should this one end before it has begun."""
        self._claimed = checkpoint
        self._at = checkpoint.position
        if decision.action is Action.START:
            self._at = checkpoint.start if decision.from_mark else BEGINNING

    def started(self, context: AttemptContext, start: StartingPoint) -> None:
        """Report the starting point."""
        checkpoint = start.checkpoint
        if self.first is None:
            self.first = start
            self.observe(match_tables(context.spec, context.session, context.columns))
        done = fraction(checkpoint.lower, checkpoint.position.key, checkpoint.upper)
        self._done_at_start = done or 0.0
        self._copying_since = time.monotonic()
        self._rows_at_start = self._rows_total = checkpoint.rows
        self._at = checkpoint.position
        self.observe(
            Started(
                action=start.decision.action.value,
                reason=start.decision.reason,
                place=context.strategy.describe(checkpoint.position),
                try_number=context.attempt.try_number,
                rows=checkpoint.rows,
                # Too small a share gives no estimate.
                rows_expected=int(float(f"{checkpoint.rows / done:.3g}")) if done and done > 0.001 else None,
                again=checkpoint.fence > 1,
            )
        )
        if checkpoint.upper and start.decision.action is not Action.NOTHING:
            self.observe(
                RangeFixed(describe_range(checkpoint.key_columns, checkpoint.start, checkpoint.upper))
            )

    def committed(self, context: AttemptContext, checkpoint: Checkpoint, rows: int) -> None:
        """
        Report a batch.

        :param checkpoint: as it was committed with the batch
        :param rows: of the batch
        """
        self._batches += 1
        self._rows += rows
        self._rows_total, self._at = checkpoint.rows, checkpoint.position
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

    def failed(self, error: BaseException, attempt: Attempt, *, kept: bool) -> None:
        """
        Report the error that ends the attempt, and how far it has come.

        :param kept: whether a checkpoint is kept
        """
        columns = self._claimed.key_columns if self._claimed else ()
        self.observe(
            Failed(
                error,
                self._batches,
                self._rows,
                self._rows_total,
                describe_position(columns, self._at) if _is_past_beginning(self._at) else "",
                kept,
                self._claimed is not None,
                attempt.try_number,
                attempt.max_tries + 1,
            )
        )

    def rejects(self, context: AttemptContext, writer: Writer) -> None:
        """Report the rejected rows of a batch, if there are any."""
        if not writer.newest:
            return
        rows, first = len(writer.newest), writer.newest[0]
        self.rejected += rows
        table = context.store.rejects.table if context.store.rejects else ""
        self.observe(RowsRejected(rows, writer.total, table, first.number, first.error))


def _is_past_beginning(position: Position) -> bool:
    return bool(position.key or position.rows)
