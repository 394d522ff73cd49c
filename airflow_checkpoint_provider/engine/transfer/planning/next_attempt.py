"""What the next attempt does, by the stored checkpoint: the decision of an attempt, without its claim."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.decision import Action, Decision, Request
from airflow_checkpoint_provider.engine.model.errors import SourceChangedError, StageError
from airflow_checkpoint_provider.engine.model.events.transfer import Event
from airflow_checkpoint_provider.engine.model.position import BEGINNING, Position, describe_range
from airflow_checkpoint_provider.engine.store.checkpoint_store import refuse_namesake
from airflow_checkpoint_provider.engine.store.history import History
from airflow_checkpoint_provider.engine.store.neighbours import Neighbours
from airflow_checkpoint_provider.engine.store.null_store import NullStore
from airflow_checkpoint_provider.engine.store.row_reading import read_one
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.partitioning.delete_range import check_part
from airflow_checkpoint_provider.engine.transfer.planning.load_plan import NextAttempt
from airflow_checkpoint_provider.engine.transfer.planning.problems import Problems
from airflow_checkpoint_provider.engine.transfer.starting.moment import take_moment
from airflow_checkpoint_provider.engine.transfer.starting.preparation import (
    begin_instead,
    check_resuming,
    choose_action,
    emptied_by,
    find_range,
    table_warnings,
)
from airflow_checkpoint_provider.engine.transfer.verification.verification import Verification


def unheard(event: Event) -> None:
    """Report an event to nobody."""


@dataclass
class Foresight:
    """
    The next attempt of one load.

    :param context: with the columns that the destination's table has now
    :param deciding: with those that are added to it, too, as the attempt has them when it decides
    :param identity: of its checkpoint
    :param tables: the metadata tables; ``None`` where they are not there, or cannot be read
    :param described: whether the destination's table is there and its facts are known
    :param assumed: parts of the load's fingerprint that are taken as unchanged since the last attempt
    """

    context: AttemptContext
    deciding: AttemptContext
    identity: Identity
    tables: Tables | None
    problems: Problems
    described: bool
    assumed: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.warnings: list[str] = []
        self.decision: Decision | None = None
        self.checkpoint: Checkpoint | None = None
        """As it will be when reading begins."""

    def next(self) -> NextAttempt | None:
        """Return what the attempt does; ``None`` where it would end before that is decided."""
        found = self.problems.take("checkpoint", self._stored)
        if found is None:
            return None
        stored, request = found
        decision = self.problems.take("checkpoint", partial(self._decide, stored, request))
        if decision is None:
            return None
        self.decision = decision
        with self.problems.of("source"):
            self._go_to_start(stored, decision)
        deletes = self.context.spec.write_mode == "replace" or bool(self.context.published_stage)
        if self.described and decision.action is not Action.NOTHING:
            destination = self.context.session.destination
            self.warnings += table_warnings(self.context, destination, deletes=deletes)
        return self._in_words(stored, self.decision)

    def _decide(self, stored: Checkpoint | None, request: Request | None) -> Decision:
        refuse_namesake(stored, self.identity, self.context.attempt)
        if stored:
            now = self.context.load.fingerprint
            assumed = {part: now[part] for part in self.assumed & now.keys() & stored.fingerprint.keys()}
            stored = replace(stored, fingerprint={**stored.fingerprint, **assumed})
        return choose_action(self.deciding, stored, request)

    def _stored(self) -> tuple[Checkpoint | None, Request | None]:
        if self.tables is None:
            return None, None
        keeper = self.context.session.keeper
        with reading(keeper):
            stored = read_one(keeper, self.tables.checkpoint, self.identity)
            seen = stored.request_seen if stored else 0
            return stored, History(keeper, self.tables).pending(self.identity, seen)[0]

    def _go_to_start(self, stored: Checkpoint | None, decision: Decision) -> None:
        if decision.action is Action.NOTHING:
            self.checkpoint = stored
            return
        if stored and decision.action is Action.RESUME:
            try:
                self.warnings += check_resuming(self.context, stored, unheard)
                upper = self.context.strategy.upper_bound() if stored.is_seeded else stored.upper
                self.checkpoint = replace(stored, upper=upper)
                return
            except (StageError, SourceChangedError) as error:
                decision = self.decision = begin_instead(self.context, stored, error)
        self._begin(stored, decision)

    def _begin(self, stored: Checkpoint | None, decision: Decision) -> None:
        context = self.context
        start = BEGINNING
        if stored and decision.action is Action.NEXT_RUN:
            start = Position(stored.position.key)
        elif stored and decision.from_mark:
            start = stored.start
        take_moment(context, unheard)
        upper, warnings = find_range(context, start)
        self.warnings += warnings
        claimed, _ = NullStore(context.session.destination.connection, self.identity, context.attempt).claim(
            lambda *_: decision, context.load
        )
        self.checkpoint = replace(claimed, position=start, start=start, upper=upper)
        self._check_deletion(begins=start.key is None)

    def _check_deletion(self, *, begins: bool) -> None:
        """Check what happens in the transaction that empties the table."""
        context, session = self.context, self.context.session
        spec, part = context.spec, context.spec.part
        emptied = emptied_by(context, begins=begins) if self.described else None
        if emptied and self.tables:
            table, seconds = self.tables.checkpoint, spec.lock_timeout
            with self.problems.of("destination"), reading(session.keeper):
                Neighbours(session.keeper, table, self.identity, seconds).unfinished(emptied)
        if not self.described or not self.checkpoint:
            return
        if spec.write_mode == "replace" and part:
            with self.problems.of("arguments"):
                check_part(session.destination, context.columns.written_as(part.column), part)
        if spec.verify and not emptied:
            with self.problems.of("arguments"):
                Verification(context).check(self.checkpoint)

    def _in_words(self, stored: Checkpoint | None, decision: Decision) -> NextAttempt:
        checkpoint = self.checkpoint
        goes_on = stored is not None and decision.action in (Action.RESUME, Action.NOTHING)
        rows = stored.rows if stored and goes_on else 0
        place, range_ = "", ""
        if checkpoint:
            place = self.context.strategy.describe(checkpoint.position)
            if checkpoint.upper:
                columns = self.context.strategy.columns
                range_ = describe_range(columns, checkpoint.start, checkpoint.upper)
        return NextAttempt(decision.action.value, decision.reason, place, rows, range_)
