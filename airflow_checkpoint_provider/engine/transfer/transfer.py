"""The transfer: resume -> read a batch -> write it and its checkpoint, commit -> next."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.rows.lines import NoLineError
from airflow_checkpoint_provider.engine.databases.rows.routes import VALUES
from airflow_checkpoint_provider.engine.databases.sockets import cutter
from airflow_checkpoint_provider.engine.model.checkpoint import (
    ALL_RUNS,
    MOMENT,
    Attempt,
    Checkpoint,
    Identity,
)
from airflow_checkpoint_provider.engine.model.decision import Action
from airflow_checkpoint_provider.engine.model.errors import (
    BadRowsError,
    CannotConnectError,
    MomentGoneAgainError,
    MomentGoneError,
    SourceOrderError,
    interruption,
)
from airflow_checkpoint_provider.engine.model.events.batch_times import Stopwatch
from airflow_checkpoint_provider.engine.model.events.steps import StepBegun
from airflow_checkpoint_provider.engine.model.events.transfer import Completed, Observer, Verified, Warned
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.batches.batch_writer import (
    Writer,
    check_rejecting,
    open_writer,
)
from airflow_checkpoint_provider.engine.transfer.batches.copying import copy
from airflow_checkpoint_provider.engine.transfer.batches.garbage import few_collections
from airflow_checkpoint_provider.engine.transfer.ending.found_table import FoundTable
from airflow_checkpoint_provider.engine.transfer.late_key.building import build_key
from airflow_checkpoint_provider.engine.transfer.reconnects import Reconnects
from airflow_checkpoint_provider.engine.transfer.report import Report
from airflow_checkpoint_provider.engine.transfer.result import Result
from airflow_checkpoint_provider.engine.transfer.schema_changes.settlement import settle_columns
from airflow_checkpoint_provider.engine.transfer.session import LostError, Session, open_session, open_store
from airflow_checkpoint_provider.engine.transfer.staging.publish import complete, discard
from airflow_checkpoint_provider.engine.transfer.staging.stage import Stage
from airflow_checkpoint_provider.engine.transfer.starting.guarantee import state_guarantee
from airflow_checkpoint_provider.engine.transfer.starting.marker import leave_marker
from airflow_checkpoint_provider.engine.transfer.starting.moment import is_renewed
from airflow_checkpoint_provider.engine.transfer.starting.preoperator import with_slices
from airflow_checkpoint_provider.engine.transfer.starting.startup import StartingPoint, Startup
from airflow_checkpoint_provider.engine.transfer.starting.table_checks import check_server
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
        self._watch = Stopwatch()
        self._found: FoundTable | None = None
        self._moment: str | None = None

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
        settled = settle_columns(
            spec,
            session,
            strategy,
            self._attempt,
            lambda: open_store(spec, session, self._identity, self._attempt),
        )
        load, store = settled.load.marked_by(self._attempt), settled.store
        load = with_slices(load, spec.preoperator, session.destination)
        stage = Stage(session.destination, self._identity) if spec.stages else None
        self._route = VALUES
        context = AttemptContext(
            spec,
            session,
            strategy,
            settled.columns,
            load,
            store,
            stage,
            self._attempt,
            self._by_values,
            settled.new_table,
            self._watch,
            settled.change,
            settled.key,
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
            self._moment = checkpoint.fingerprint.get(MOMENT)
            self._report.started(context, beginning)
            return self._result(beginning, checkpoint, Writer(context))
        try:
            context = leave_marker(context, checkpoint, decision)
            self._attempt = context.attempt
            startup = Startup(context, self._report.observe, renewed=self._renewed is not None)
            beginning = startup.begin(checkpoint, decision)
            checkpoint, self._route = beginning.checkpoint, beginning.route
            self._moment = session.source.moment
            if not context.is_settled:
                self._report.guarantees(state_guarantee(spec, session, is_there=True))
            self._note(context, beginning)
            self._report.started(context, beginning)
            writer = open_writer(context, beginning.route)
            verification = Verification(context) if spec.verify else None
            if verification:
                verification.check(checkpoint)

            def report(now: Checkpoint, rows: int) -> None:
                self._report.committed(context, now, rows)
                self._report.rejects(context, writer)

            if not stage:
                self._found = self._found or FoundTable.of(session.destination)
            first: Checkpoint | None = None
            for committed in copy(context, writer, beginning, report):
                first, checkpoint = first or committed, committed
                self._reconnects.progressed()
                session.destination.raised_before = self._reconnects.raised
            changed = self._changes(context, beginning.checkpoint, first, checkpoint)
            beginning = replace(beginning, warnings=(*beginning.warnings, *changed))
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

    def _changes(
        self, context: AttemptContext, before: Checkpoint, first: Checkpoint | None, last: Checkpoint
    ) -> list[str]:
        """Warn of changes to the destination's table while rows were written to it."""
        told = self._found.changes(context, before, first, last) if self._found and first else []
        for text in told:
            self._report.observe(Warned(text))
        return told

    def _note(self, context: AttemptContext, beginning: StartingPoint) -> None:
        """Record the facts of the load in the history, for people."""
        facts = self._report.facts(self._spec, beginning.route, context.session.destination)
        if self._identity.run_id == ALL_RUNS:
            facts = replace(facts, run_id=self._attempt.run_id)
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
        """Build the key that the table lacks, verify, publish and complete the load."""
        observe = self._report.observe
        if context.may_lack_key and context.key.waits:
            build_key(context, checkpoint, observe)
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
        result = result.with_verified(self._verified).with_moment(self._moment)
        return result.with_warnings(beginning.warnings)

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
