"""The start of an attempt: claim the checkpoint, and prepare the destination for the first row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from airflow_checkpoint_provider.engine.databases.rows.routes import VALUES, RowRoute
from airflow_checkpoint_provider.engine.model.checkpoint import RESOLVED, Checkpoint, Load
from airflow_checkpoint_provider.engine.model.decision import Action, Decision, Request
from airflow_checkpoint_provider.engine.model.errors import (
    FencedError,
    MomentGoneError,
    SourceChangedError,
    StageError,
)
from airflow_checkpoint_provider.engine.model.events.steps import (
    KeyBuilt,
    PreoperatorRun,
    RowsDeleted,
    StepBegun,
)
from airflow_checkpoint_provider.engine.model.events.transfer import Observer, Warned
from airflow_checkpoint_provider.engine.model.position import BEGINNING, Position
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.batches.batching import Chunk
from airflow_checkpoint_provider.engine.transfer.fingerprint import resolved_table
from airflow_checkpoint_provider.engine.transfer.late_key.building import build_emptied, build_key
from airflow_checkpoint_provider.engine.transfer.partitioning.delete_range import delete_part
from airflow_checkpoint_provider.engine.transfer.schema_changes.alteration import change_table, refuse_change
from airflow_checkpoint_provider.engine.transfer.schema_changes.plan import SchemaChange
from airflow_checkpoint_provider.engine.transfer.starting.guarantee import state_guarantee
from airflow_checkpoint_provider.engine.transfer.starting.moment import take_moment
from airflow_checkpoint_provider.engine.transfer.starting.opening import open_source
from airflow_checkpoint_provider.engine.transfer.starting.preoperator import run_preoperator
from airflow_checkpoint_provider.engine.transfer.starting.preparation import (
    begin_instead,
    check_resuming,
    choose_action,
    emptied_by,
    find_range,
    preparations,
    table_warnings,
)
from airflow_checkpoint_provider.engine.transfer.starting.table_creation import create_table
from airflow_checkpoint_provider.engine.transfer.starting.table_preparation import (
    look_at_table,
    prepare_table,
)


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """
    The starting point of an attempt.

    :param checkpoint: the checkpoint as it is now
    :param chunks: the rows left to transfer
    :param read_on: to be called before a wait for the destination, to read ahead meanwhile
    :param route: the route of the rows
    :param warnings: warnings for a person
    """

    checkpoint: Checkpoint
    decision: Decision
    chunks: Iterator[Chunk]
    read_on: Callable[[], None] = lambda: None
    route: RowRoute = VALUES
    warnings: tuple[str, ...] = ()


class Startup:
    """
    The steps of an attempt before its first row.

    :param renewed: the attempt begins again, because the moment that its load shares with others is gone
    """

    def __init__(self, context: AttemptContext, observe: Observer, *, renewed: bool = False) -> None:
        self._context = context
        self._observe = observe
        self._renewed = renewed
        self._changed = False

    def prepare(self) -> None:
        """Check what can be checked before anything is changed."""
        for check in preparations(self._context).values():
            check()
        context = self._context
        # The table may yet be created, or changed.
        if context.new_table or context.spec.preoperator or context.awaits_key:
            return
        look_at_table(context, context.columns.without(context.change.read) if context.change else None)

    def claim(self, fence: int) -> tuple[Checkpoint, Decision]:
        """
        Claim the checkpoint.

        :param fence: the fence of this attempt, when it claims again after a lost connection
        """

        def choose(stored: Checkpoint | None, request: Request | None) -> Decision:
            if fence and (stored is None or stored.fence != fence):
                raise FencedError(
                    "Another attempt has taken over the checkpoint while this one had lost its connection; "
                    "this attempt ends here, and the other one carries on."
                )
            decision = choose_action(self._context, stored, request)
            refuse_change(self._context, decision)
            return decision

        return self._context.store.claim(choose, self._context.load)

    def begin(self, checkpoint: Checkpoint, decision: Decision) -> StartingPoint:
        """Start over or resume, as decided; a source that has changed may turn resuming into starting over."""
        if decision.action is Action.RESUME:
            if self._context.change:
                checkpoint = self._change(self._context.change, checkpoint, goes_on=True)
            self._build_key(checkpoint)
            if not self._context.is_settled:
                look_at_table(self._context)
            try:
                lost = check_resuming(self._context, checkpoint, self._observe)
                if checkpoint.is_seeded:
                    checkpoint = self._adopt(checkpoint)
                warnings = self._warned([*lost, *self._of_table(deletes=bool(self._context.published_stage))])
                return StartingPoint(
                    checkpoint, decision, *open_source(self._context, checkpoint, self._observe), warnings
                )
            except (StageError, SourceChangedError) as error:
                decision = begin_instead(self._context, checkpoint, error)
                self._renewed = self._renewed or isinstance(error, MomentGoneError)
            self._context.store.intend_to_start(checkpoint, decision.reason)
        checkpoint, warnings = self._start_over(checkpoint, decision)
        return StartingPoint(
            checkpoint, decision, *open_source(self._context, checkpoint, self._observe), warnings
        )

    def _start_over(self, checkpoint: Checkpoint, decision: Decision) -> tuple[Checkpoint, tuple[str, ...]]:
        context, session = self._context, self._context.session
        spec, store = context.spec, context.store
        load, apart = take_moment(context, self._observe, renewed=self._renewed)
        keeps_mark = decision.from_mark or decision.action is Action.NEXT_RUN
        start = checkpoint.start if keeps_mark else BEGINNING
        upper, found = find_range(context, start)
        warnings = self._warned([*apart, *found])
        destination = session.destination
        # Earlier rows may be there twice, and are about to go.
        builds_behind = context.key.is_first and not context.key.needed and self._empties_all(start)
        self._make_table(checkpoint, builds_key=not builds_behind)
        emptied = emptied_by(context, begins=start.key is None)
        done: list[PreoperatorRun | RowsDeleted | KeyBuilt] = []
        with destination.commit_errors(), store.transaction():
            if emptied:
                store.hold_table(emptied)
            else:
                store.hold()
            with session.writing():
                if spec.preoperator:
                    if start.key is None:
                        self._observe(StepBegun("Running the preoperator"))
                        began = time.monotonic()
                        ran = run_preoperator(spec.preoperator, destination)
                        done.append(PreoperatorRun(ran, time.monotonic() - began))
                    prepare_table(context)
                    state_guarantee(spec, session)  # of the table as it is now
                if spec.replaces_by_part:
                    self._observe(StepBegun.replacing_by_part(destination.table, spec.facts.reads))
                deletes = spec.write_mode == "replace" or bool(context.published_stage)
                warnings += self._warned(self._of_table(deletes=deletes))
                if spec.write_mode == "replace":
                    done.append(self._empty())
                if context.stage:
                    context.stage.create()
                destination.settle()
                if builds_behind:
                    done += build_emptied(context, checkpoint, self._observe)
                if emptied:
                    store.check_table(emptied)
            # Last, because DDL commits by itself in some databases: the intent to start over stands until then.
            store.begin(self._as_resolved(load), start, upper)
        for event in done:
            self._observe(event)
        begun = replace(
            checkpoint,
            position=start,
            start=start,
            lower=None,
            upper=upper,
            rows=0,
            batches=0,
            strategy=load.strategy,
            key_columns=load.key_columns,
        )
        return begun, warnings

    def _as_resolved(self, load: Load) -> Load:
        """Add the table that this attempt may have created."""
        session = self._context.session
        if self._context.is_settled:
            return load
        meant = resolved_table(session.destination, with_database=session.separate)
        return replace(load, fingerprint={**load.fingerprint, **({RESOLVED: meant} if meant else {})})

    def _of_table(self, *, deletes: bool) -> list[str]:
        return table_warnings(self._context, self._context.session.destination, deletes=deletes)

    def _warned(self, texts: Iterable[str]) -> tuple[str, ...]:
        warnings = tuple(texts)
        for text in warnings:
            self._observe(Warned(text))
        return warnings

    def _empty(self) -> RowsDeleted:
        part, destination = self._context.spec.part, self._context.session.destination
        self._observe(StepBegun.deleting(destination.table, partition=part is not None))
        began = time.monotonic()
        if part is None:
            rows = destination.empty()
        else:
            rows = delete_part(destination, self._context.columns.written_as(part.column), part)
        return RowsDeleted(str(destination.table), rows, time.monotonic() - began, part is not None)

    def _adopt(self, checkpoint: Checkpoint) -> Checkpoint:
        """Make a seeded checkpoint one of this load, with its upper bound."""
        load, _ = take_moment(self._context, self._observe)
        upper = self._context.strategy.upper_bound()
        with self._context.store.transaction():
            self._context.store.adopt(load, upper)
        return replace(checkpoint, upper=upper, fingerprint=load.fingerprint)

    def _empties_all(self, start: Position) -> bool:
        """Return whether all rows of the destination's table are deleted before the first one is written."""
        emptied = emptied_by(self._context, begins=start.key is None)
        return emptied is not None and not emptied.part and not emptied.slices

    def _make_table(self, checkpoint: Checkpoint, *, builds_key: bool) -> None:
        """
        Create the destination's table, or change it, and look at it, where it is to be another one.

        :param builds_key: a key that it lacks is built here, where the load does not do without it
        """
        context, session = self._context, self._context.session
        if context.new_table:
            create_table(context.new_table, session, context.store, self._observe)
        elif context.change:
            self._change(context.change, checkpoint, goes_on=False)
        if builds_key:
            self._build_key(checkpoint)
        is_another = context.new_table or context.change or context.key.is_first
        if is_another and not context.spec.preoperator:
            look_at_table(context)
            state_guarantee(context.spec, session)  # of the table as it is now

    def _build_key(self, checkpoint: Checkpoint) -> None:
        """Build the key that the table lacks, where the load does not do without it."""
        if self._context.may_lack_key and not self._context.key.waits:
            build_key(self._context, checkpoint, self._observe)

    def _change(self, change: SchemaChange, checkpoint: Checkpoint, *, goes_on: bool) -> Checkpoint:
        if self._changed:  # for a load that could not be resumed after all
            return checkpoint
        self._changed = True
        return change_table(self._context, change, checkpoint, self._observe, goes_on=goes_on)
