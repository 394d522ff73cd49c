"""The start of an attempt: claim the checkpoint, and prepare the destination for the first row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.rows.routes import VALUES, RowRoute
from airflow_checkpoint_provider.engine.model.checkpoint import RESOLVED, Checkpoint, Load
from airflow_checkpoint_provider.engine.model.decision import Action, Decision, Request, Wishes, decide
from airflow_checkpoint_provider.engine.model.errors import (
    FencedError,
    SourceChangedError,
    StageError,
)
from airflow_checkpoint_provider.engine.model.events import Observer, Warned
from airflow_checkpoint_provider.engine.model.position import BEGINNING
from airflow_checkpoint_provider.engine.model.steps import PreoperatorRun, RowsDeleted, StepBegun
from airflow_checkpoint_provider.engine.store.neighbours import Emptied
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.batches.batching import Chunk
from airflow_checkpoint_provider.engine.transfer.fingerprint import emptied_table, resolved_table
from airflow_checkpoint_provider.engine.transfer.partitioning.delete_range import delete_part
from airflow_checkpoint_provider.engine.transfer.starting.committed_rows import lost_rows
from airflow_checkpoint_provider.engine.transfer.starting.duplicates import refuse_duplicates
from airflow_checkpoint_provider.engine.transfer.starting.guarantee import state_guarantee
from airflow_checkpoint_provider.engine.transfer.starting.moment import (
    check_source,
    go_on_at_moment,
    starts_over,
    take_moment,
)
from airflow_checkpoint_provider.engine.transfer.starting.opening import open_source
from airflow_checkpoint_provider.engine.transfer.starting.preoperator import (
    check_session_state,
    empties,
    run_preoperator,
)
from airflow_checkpoint_provider.engine.transfer.starting.table_checks import (
    check_table,
    hidden_references,
    untold_changes,
)
from airflow_checkpoint_provider.engine.transfer.starting.table_creation import (
    create_table,
    refuse_creation,
    refuse_lost_table,
)
from airflow_checkpoint_provider.engine.transfer.starting.type_pairs import check_type_pairs


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
    """The steps of an attempt before its first row."""

    def __init__(self, context: AttemptContext, observe: Observer) -> None:
        self._context = context
        self._observe = observe

    def prepare(self) -> None:
        """Check what can be checked before anything is changed."""
        check_source(self._context)
        if self._context.new_table:
            refuse_creation(self._context.spec, self._context.new_table)
        if self._context.spec.preoperator:
            check_session_state(self._context.spec.preoperator, self._context.session.destination)
        if self._context.is_settled:  # a preoperator may yet create the table, or change it
            self._look_at_destination()

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
            spec = self._context.spec
            wishes = Wishes(spec.on_clear, spec.on_source_change, spec.force_reload, spec.scope == "task")
            decision = decide(stored, self._context.attempt, wishes, request, self._context.load.fingerprint)
            if stored and self._context.new_table:
                refuse_lost_table(self._context.new_table, stored, decision)
            elif stored and decision.action is Action.START:
                refuse_duplicates(self._context, stored, decision)
            return decision

        return self._context.store.claim(choose, self._context.load)

    def begin(self, checkpoint: Checkpoint, decision: Decision) -> StartingPoint:
        """Start over or resume, as decided; a source that has changed may turn resuming into starting over."""
        spec, strategy = self._context.spec, self._context.strategy
        if decision.action is Action.RESUME:
            if not self._context.is_settled:
                self._look_at_destination()
            try:
                if not checkpoint.is_seeded:
                    go_on_at_moment(self._context, checkpoint, self._observe)
                strategy.check_stored(checkpoint.position.key, checkpoint.start.key, checkpoint.upper)
                if checkpoint.is_seeded:
                    checkpoint = self._adopt(checkpoint)
                self._take_stage()
                strategy.check_position(checkpoint.position, checkpoint.upper)
                lost = lost_rows(self._context, checkpoint)
                hidden = self._hidden_references() if self._context.published_stage else []
                warnings = self._warned([*lost, *hidden, *self._untold_changes()])
                return StartingPoint(
                    checkpoint, decision, *open_source(self._context, checkpoint, self._observe), warnings
                )
            except StageError as error:  # the stage holds all rows of the load, and is not published
                decision = Decision(Action.START, f"{error}: starting from the beginning")
            except SourceChangedError as error:
                if not starts_over(spec, error):
                    raise
                decision = Decision(Action.START, f"{error} Starting from the beginning")
                refuse_duplicates(self._context, checkpoint, decision)
            self._context.store.intend_to_start(checkpoint, decision.reason)
        checkpoint, warnings = self._start_over(checkpoint, decision)
        return StartingPoint(
            checkpoint, decision, *open_source(self._context, checkpoint, self._observe), warnings
        )

    def _start_over(self, checkpoint: Checkpoint, decision: Decision) -> tuple[Checkpoint, tuple[str, ...]]:
        context, session = self._context, self._context.session
        spec, store, strategy = context.spec, context.store, context.strategy
        load = take_moment(context, self._observe)
        keeps_mark = decision.from_mark or decision.action is Action.NEXT_RUN
        start = checkpoint.start if keeps_mark else BEGINNING
        strategy.check_stored(start.key)
        upper = strategy.upper_bound()
        warnings = self._warned(strategy.check_mark(start.key, upper) if spec.scope == "task" else ())
        destination = session.destination
        if context.new_table:
            create_table(context.new_table, session, store, self._observe)
            if not spec.preoperator:
                self._look_at_destination()
                state_guarantee(spec, session)  # of the table as it is now
        emptied = self._emptied(begins=start.key is None)
        done: list[PreoperatorRun | RowsDeleted] = []
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
                    self._prepare_destination()
                    state_guarantee(spec, session)  # of the table as it is now
                warnings += self._warned(self._untold_changes())
                if spec.replaces_by_part:
                    self._observe(StepBegun.replacing_by_part(destination.table, spec.facts.reads))
                if spec.write_mode == "replace" or context.published_stage:
                    warnings += self._warned(self._hidden_references())
                if spec.write_mode == "replace":
                    done.append(self._empty())
                if context.stage:
                    context.stage.create()
                destination.settle()
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

    def _emptied(self, *, begins: bool) -> Emptied | None:
        """Return the description, for the store, of a table about to lose rows; ``None`` for one that keeps them."""
        spec, session = self._context.spec, self._context.session
        by_script = begins and spec.preoperator and empties(spec.preoperator, session.destination)
        if not by_script and spec.write_mode != "replace":
            return None
        part = None if by_script else spec.part
        return emptied_table(session.destination, separate=session.separate, part=part)

    def _as_resolved(self, load: Load) -> Load:
        """Add the table that this attempt may have created."""
        session = self._context.session
        if self._context.is_settled:
            return load
        meant = resolved_table(session.destination, with_database=session.separate)
        return replace(load, fingerprint={**load.fingerprint, **({RESOLVED: meant} if meant else {})})

    def _hidden_references(self) -> list[str]:
        return hidden_references(self._context.session.destination)

    def _untold_changes(self) -> list[str]:
        return untold_changes(self._context.spec, self._context.session.destination)

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
        load = take_moment(self._context, self._observe)
        upper = self._context.strategy.upper_bound()
        with self._context.store.transaction():
            self._context.store.adopt(load, upper)
        return replace(checkpoint, upper=upper, fingerprint=load.fingerprint)

    def _take_stage(self) -> None:
        if not self._context.stage:
            return
        with reading(self._context.session.destination.connection):
            if not self._context.stage.is_there():
                raise StageError(f"The stage {self._context.stage.table} is not there any more")
            self._context.stage.take()

    def _look_at_destination(self) -> None:
        with reading(self._context.session.destination.connection):
            self._prepare_destination()

    def _prepare_destination(self) -> None:
        spec = self._context.spec
        self._context.session.destination.prepare(
            self._context.columns.written, spec.conflict_columns, partial(check_table, spec)
        )
        check_type_pairs(spec, self._context.session, self._context.columns)
