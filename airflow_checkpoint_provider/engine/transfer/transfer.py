"""The transfer: resume -> read a batch -> write it and its checkpoint, commit -> next."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.rows.blocks import READ_AT_ONCE
from airflow_checkpoint_provider.engine.databases.rows.lines import NoLineError
from airflow_checkpoint_provider.engine.databases.rows.routes import VALUES
from airflow_checkpoint_provider.engine.databases.sockets import cutter
from airflow_checkpoint_provider.engine.model.checkpoint import Attempt, Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.decision import Action
from airflow_checkpoint_provider.engine.model.errors import (
    BadRowsError,
    CannotConnectError,
    MomentGoneAgainError,
    MomentGoneError,
    SourceOrderError,
    interruption,
)
from airflow_checkpoint_provider.engine.model.events import Completed, Observer, Verified
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.model.steps import StepBegun
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.batches.batch_writer import (
    Writer,
    check_rejecting,
    open_writer,
)
from airflow_checkpoint_provider.engine.transfer.batches.batching import Tally, as_one_batch, batches, take
from airflow_checkpoint_provider.engine.transfer.batches.garbage import few_collections
from airflow_checkpoint_provider.engine.transfer.batches.row_shaping import shaped
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns
from airflow_checkpoint_provider.engine.transfer.fingerprint import describe_load
from airflow_checkpoint_provider.engine.transfer.reconnects import Reconnects
from airflow_checkpoint_provider.engine.transfer.report import Report
from airflow_checkpoint_provider.engine.transfer.result import Result
from airflow_checkpoint_provider.engine.transfer.session import LostError, Session, open_session, open_store
from airflow_checkpoint_provider.engine.transfer.staging.publish import complete, discard
from airflow_checkpoint_provider.engine.transfer.staging.stage import Stage
from airflow_checkpoint_provider.engine.transfer.starting.guarantee import state_guarantee
from airflow_checkpoint_provider.engine.transfer.starting.marker import leave_marker
from airflow_checkpoint_provider.engine.transfer.starting.moment import is_renewed
from airflow_checkpoint_provider.engine.transfer.starting.new_table import plan_table
from airflow_checkpoint_provider.engine.transfer.starting.startup import StartingPoint, Startup
from airflow_checkpoint_provider.engine.transfer.starting.table_checks import check_server
from airflow_checkpoint_provider.engine.transfer.starting.type_pairs import PassedValues
from airflow_checkpoint_provider.engine.transfer.strategies.choose import choose_strategy
from airflow_checkpoint_provider.engine.transfer.verification.verification import Verification


class Transfer:
    """
    One attempt to load what ``spec`` describes.

    :param keeper: the database of the metadata table, where it is not the destination
    :param observe: receives the transfer events
    """

    def __init__(
        self,
        spec: TransferSpec,
        *,
        source: Database,
        destination: Database,
        keeper: Database | None = None,
        identity: Identity,
        attempt: Attempt,
        observe: Observer,
    ) -> None:
        self._spec = spec
        self._databases = (source, destination, keeper)
        self._identity = identity
        self._attempt = attempt
        self._report = Report(observe)
        self._began = time.monotonic()
        self._fence = 0
        self._reconnects = Reconnects(spec, observe)
        self._cutters: list[Callable[[], None]] = []
        self._route = VALUES
        self._by_values = ""
        self._renewed: BaseException | None = None
        self._verified: Verified | None = None
        self._noted: LoadFacts | None = None

    def run(self) -> Result:
        """
        Transfer the remaining rows, across lost connections.

        :raises CheckpointError: when it cannot; the message has the reason and the remedy
        """
        source, destination, _ = self._databases
        self._report.describe(self._spec, source.conn_id, destination.conn_id)
        try:
            with few_collections():
                return self._run_connected()
        except BaseException as error:
            stopped = interruption(error) or error
            self._report.failed(stopped, self._attempt, kept=self._spec.keeps_checkpoint)
            raise

    def _run_connected(self) -> Result:
        while True:
            try:
                self._cutters.clear()
                with open_session(self._spec, *self._databases, self._opened) as session:
                    return self._run(session)
            except LostError as lost:
                self._reconnects.wait(lost)
            except (NoLineError, BadRowsError, MomentGoneError) as error:
                if self._goes_on_by_values(error) or self._goes_on_at_new_moment(error):
                    continue
                if self._renewed and isinstance(error, MomentGoneError):
                    raise MomentGoneAgainError(f"A moment was gone twice in this attempt: {error}") from error
                raise
            except CannotConnectError as error:
                if not self._reconnects.in_a_row:
                    raise
                self._reconnects.wait(error)

    def abandon(self) -> None:
        """Cut the connections, from another thread: a stopped attempt that waits for one ends now."""
        self._reconnects.given_up = True
        for cut in list(self._cutters):
            cut()

    def _opened(self, raw: Any) -> None:
        self._cutters.append(cutter(raw))
        if self._reconnects.given_up:
            self._cutters[-1]()

    def _run(self, session: Session) -> Result:
        spec = self._spec
        session.destination.raised_before = self._reconnects.raised
        check_rejecting(spec, session)
        check_server(session)
        strategy, chosen = choose_strategy(spec, session)
        if not self._reconnects.number and not self._by_values:
            self._report.observe(chosen)
        columns = Columns.of(spec, session)
        new_table = plan_table(spec, session, strategy, columns)
        load = describe_load(spec, session, strategy, columns).marked_by(self._attempt)
        store = open_store(spec, session, self._identity, self._attempt)
        stage = Stage(session.destination, self._identity) if spec.stages else None
        self._route = VALUES
        context = AttemptContext(
            spec, session, strategy, columns, load, store, stage, self._attempt, self._by_values, new_table
        )
        start = Startup(context, self._report.observe)
        start.prepare()
        self._report.guarantees(state_guarantee(spec, session, is_there=context.is_settled))
        checkpoint, decision = start.claim(self._fence)
        self._fence = store.fence
        self._report.claimed(checkpoint, decision)
        if decision.action is Action.NOTHING:
            if context.published_stage:
                discard(context, context.published_stage, checkpoint.fence)
            beginning = StartingPoint(checkpoint, decision, iter(()))
            self._report.started(context, beginning)
            return self._result(beginning, checkpoint, Writer(context))
        try:
            context = leave_marker(context, checkpoint, decision)
            self._attempt = context.attempt
            beginning = Startup(context, self._report.observe).begin(checkpoint, decision)
            checkpoint, self._route = beginning.checkpoint, beginning.route
            if not context.is_settled:
                self._report.guarantees(state_guarantee(spec, session, is_there=True))
            self._note(context, beginning)
            self._report.started(context, beginning)
            writer = open_writer(context, beginning.route)
            verification = Verification(context) if spec.verify else None
            if verification:
                verification.check(checkpoint)
            for committed in self._copy(context, writer, beginning):
                checkpoint = committed
                self._reconnects.progressed()
                session.destination.raised_before = False
            self._end(context, verification, checkpoint, beginning.warnings)
        except BaseException as error:
            stopped = interruption(error)
            again = self._goes_on_at_new_moment(error)
            if again or isinstance(error, SourceOrderError):
                with suppress(Exception):  # the order, or the moment, is the error to show
                    store.intend_to_start(checkpoint, str(error))
            if stopped or not (again or session.has_lost(error) or self._goes_on_by_values(error)):
                store.give_up(stopped or error, checkpoint)
            raise
        result = self._result(beginning, checkpoint, writer)
        self._report.observe(Completed(result.rows, result.rows_total, result.batches, result.duration_s))
        return result

    def _note(self, context: AttemptContext, beginning: StartingPoint) -> None:
        """Record the facts of the load in the history, for people."""
        facts = self._report.facts(self._spec, beginning.route, context.session.destination)
        if facts != self._noted:  # after a lost connection they are mostly the same
            with context.store.transaction():
                context.store.note_opened(facts, beginning.checkpoint)
            self._noted = facts

    def _end(
        self,
        context: AttemptContext,
        verification: Verification | None,
        checkpoint: Checkpoint,
        warnings: Sequence[str],
    ) -> None:
        """Verify, publish and complete the load."""
        observe = self._report.observe
        if verification:
            observe(StepBegun(f"Verifying by {context.spec.verify}"))
            self._verified = verification.run(checkpoint)
            observe(self._verified)
        if context.published_stage:
            observe(StepBegun.publishing(checkpoint.rows, context.session.destination.table))
        if published := complete(context, checkpoint, warnings):
            observe(published)

    def _result(self, beginning: StartingPoint, end: Checkpoint, writer: Writer) -> Result:
        guarantee = self._report.guarantee.guarantee if self._report.guarantee else ""
        rejected = (self._report.rejected, writer.total)
        result = Result.of(
            self._report.first or beginning, end, guarantee, self._reconnects.number, self._began, rejected
        )
        return result.with_verified(self._verified).with_warnings(beginning.warnings)

    def _copy(
        self, context: AttemptContext, writer: Writer, beginning: StartingPoint
    ) -> Iterator[Checkpoint]:
        """Copy batch after batch, and yield the checkpoint committed with each."""
        session, store = context.session, context.store
        now = beginning.checkpoint
        process = self._spec.rows_processor
        watch = PassedValues.of(session, context.columns) if process else None
        chunks = shaped(beginning.chunks, context.columns.pick, process, watch)
        for batch in batches(as_one_batch(chunks) if self._spec.commits_at_once else chunks):
            known, whole = take(batch, 2 * READ_AT_ONCE)
            tally = Tally(now.position, now.lower)
            tally.add(*known)
            if self._spec.on_bad_row == "reject":  # the number of good rows is known after the last one
                whole = False
            with session.destination.commit_errors(), store.transaction():
                # Before any row is written the checkpoint is locked and the fence checked. A small batch is known to
                # its end by then, and needs no second update.
                if whole:
                    now = now.after_batch(tally.rows, tally.end, tally.first)
                    store.advance(now)
                else:
                    store.hold()
                with session.writing(), writer.batch(now.rows) as write:
                    for chunk in known:
                        write(chunk.rows)
                    known.clear()
                    for chunk in batch:
                        tally.add(chunk)
                        write(chunk.rows)
                    beginning.read_on()
                good = tally.rows - len(writer.newest)
                if not whole:
                    now = now.after_batch(good, tally.end, tally.first)
                    store.advance(now)
            self._report.committed(context, now, good)
            self._report.rejects(context, writer)
            yield now

    def _goes_on_by_values(self, error: BaseException) -> bool:
        """Return whether the load goes on by Python values, and keep the reason."""
        if isinstance(error, NoLineError):
            self._by_values = f"the source cannot write {error}"
        elif isinstance(error, BadRowsError) and self._route.provisional:
            self._by_values = f"the destination has refused what the source has written: {error.reason}"
        else:
            return False
        return True

    def _goes_on_at_new_moment(self, error: BaseException) -> bool:
        """Return whether the load begins again: only once in an attempt, because later moments may be gone as early."""
        if not is_renewed(self._spec, error) or not self._spec.may_begin_again:
            return False
        self._renewed = self._renewed or error
        return self._renewed is error
