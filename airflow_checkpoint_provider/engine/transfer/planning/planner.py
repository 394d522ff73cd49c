"""Plans a load: runs the checks of an attempt on connections that may not write, and collects what they find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.model.checkpoint import Attempt, Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.errors import CheckpointError
from airflow_checkpoint_provider.engine.model.events.transfer import GuaranteeStated
from airflow_checkpoint_provider.engine.store.null_store import NullStore
from airflow_checkpoint_provider.engine.store.row_reading import read_one
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.batches.batch_writer import check_rejecting
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns
from airflow_checkpoint_provider.engine.transfer.fingerprint import describe_load
from airflow_checkpoint_provider.engine.transfer.late_key.choice import KeyPlan, plan_key
from airflow_checkpoint_provider.engine.transfer.planning.columns import plan_columns
from airflow_checkpoint_provider.engine.transfer.planning.ends import describe_ends, refuse_missing_rights
from airflow_checkpoint_provider.engine.transfer.planning.estimates import plan_estimate, plan_strategy
from airflow_checkpoint_provider.engine.transfer.planning.load_plan import LoadPlan
from airflow_checkpoint_provider.engine.transfer.planning.next_attempt import Foresight
from airflow_checkpoint_provider.engine.transfer.planning.opening import Databases, open_ends
from airflow_checkpoint_provider.engine.transfer.planning.problems import Problems
from airflow_checkpoint_provider.engine.transfer.planning.statements import creations, plan_statements
from airflow_checkpoint_provider.engine.transfer.planning.table_words import describe_table
from airflow_checkpoint_provider.engine.transfer.row_route import choose_route
from airflow_checkpoint_provider.engine.transfer.schema_changes.alteration import refuse_change
from airflow_checkpoint_provider.engine.transfer.schema_changes.plan import plan_change, source_types
from airflow_checkpoint_provider.engine.transfer.schema_changes.settlement import (
    ignored_columns,
    refuse_counting,
)
from airflow_checkpoint_provider.engine.transfer.session import Session
from airflow_checkpoint_provider.engine.transfer.staging.stage import Stage
from airflow_checkpoint_provider.engine.transfer.starting.guarantee import EXACTLY_ONCE, state_guarantee
from airflow_checkpoint_provider.engine.transfer.starting.new_table import plan_table
from airflow_checkpoint_provider.engine.transfer.starting.preparation import preparations
from airflow_checkpoint_provider.engine.transfer.starting.table_checks import table_checks
from airflow_checkpoint_provider.engine.transfer.starting.table_preparation import naming_way_out
from airflow_checkpoint_provider.engine.transfer.starting.type_pairs import check_type_pairs
from airflow_checkpoint_provider.engine.transfer.strategies.choose import choose_strategy
from airflow_checkpoint_provider.engine.transfer.strategies.counting import CountStrategy


def plan_load(
    spec: TransferSpec,
    databases: Databases,
    identity: Identity,
    attempt: Attempt,
    opened: Callable[[Any], None] = lambda raw: None,
    *,
    assumed: frozenset[str] = frozenset(),
) -> LoadPlan:
    """
    Plan a load: what an attempt would do that began now. Nothing is changed, and nothing is locked.

    :param databases: source, destination, and the database of the metadata table where that is another one
    :param identity: of the load's checkpoint
    :param attempt: the attempt that would begin
    :param opened: called with the driver's connections
    :param assumed: parts of the load's fingerprint that are taken as unchanged since the last attempt
    """
    problems = Problems()
    with open_ends(spec, databases, problems, opened) as ends:
        planner = _Planner(spec, identity, attempt, problems, assumed)
        session = ends.session
        parts = planner.parts(session) if session else {}
        source, destination, kept = describe_ends(spec, databases, ends, problems)
        by_part = {"destination": destination, **({"checkpoint": kept} if kept else {})}
        refuse_missing_rights(by_part, planner.creates, problems)
        return LoadPlan(
            source=source,
            destination=destination,
            checkpoint=kept,
            **parts,
            problems=tuple(problems.found),
        )


class _Planner:
    def __init__(
        self,
        spec: TransferSpec,
        identity: Identity,
        attempt: Attempt,
        problems: Problems,
        assumed: frozenset[str],
    ) -> None:
        self._spec = spec
        self._identity = identity
        self._attempt = attempt
        self._problems = problems
        self._assumed = assumed
        self._missing: list[sa.Table] | None = None if spec.keeps_checkpoint else []
        self.creates: list[tuple[str, str]] = []
        """Tables that the attempt would create: the part of the load, and the name."""

    def parts(self, session: Session) -> dict[str, Any]:
        """Return the parts of the plan for which both ends are needed."""
        spec, take = self._spec, self._problems.take
        take("arguments", partial(check_rejecting, spec, session))
        chosen = take("strategy", partial(choose_strategy, spec, session))
        stored = self._problems.quietly(partial(self._stored, session))
        ignored = take("columns", partial(ignored_columns, spec, session, stored)) or ()
        columns = take("columns", partial(Columns.of, spec, session, ignored))
        tables = self._tables(session)
        statements = creations(session.keeper, self._missing or ())
        unsettled = {"statements": tuple(statements)}
        if columns is None:
            return unsettled
        if chosen:
            take("columns", partial(refuse_counting, spec, chosen[0].name, columns.ignored))
        # Rows are counted in the place of a strategy that cannot be chosen, so that the other checks go on.
        strategy = chosen[0] if chosen else CountStrategy(session.source, spec.batch_size, proof=None)
        key = take("destination", partial(plan_key, spec, session, self._attempt)) or KeyPlan()
        new = take("destination", partial(plan_table, spec, session, strategy, columns, key_waits=key.waits))
        change = take("destination", partial(plan_change, spec, session, columns, stored))
        load = take(
            "destination",
            partial(describe_load, spec, session, strategy, columns, source_types(spec, session)),
        )
        if load is None:
            return unsettled
        deciding = AttemptContext(
            spec,
            session,
            strategy,
            columns,
            load.marked_by(self._attempt),
            NullStore(session.destination.connection, self._identity, self._attempt),
            Stage(session.destination, self._identity) if spec.stages else None,
            self._attempt,
            new_table=new,
            change=change,
            key=key,
        )
        if change:  # the table is described as it is now
            columns = columns.without(change.read)
        context = replace(deciding, columns=columns)
        for about, check in preparations(context).items():
            take(about, check)
        described = self._describe(context)
        stated = self._guarantee(session, described=described)
        foresight = Foresight(
            context, deciding, self._identity, tables, self._problems, described, self._assumed
        )
        following = foresight.next() if chosen else None
        if foresight.decision:
            take("destination", partial(refuse_change, context, foresight.decision))
        route = (
            take("destination", partial(choose_route, spec, session, strategy, columns))
            if described
            else None
        )
        if foresight.decision and foresight.checkpoint:
            statements += plan_statements(context, foresight.decision, foresight.checkpoint, route)
        self.creates += [("destination", str(new.table))] if new else []
        self.creates += [("destination", str(context.stage.table))] if context.stage else []
        created = new is not None and any(one.sql == new.statement for one in statements)
        warning = chosen[1].warning if chosen else None
        return {
            "columns": take(
                "columns", partial(plan_columns, spec, session, columns, new, described=described)
            )
            or (),
            "table": describe_table(session.destination) if described else (),
            "strategy": plan_strategy(spec, session, strategy, chosen[1].reason, self._problems)
            if chosen
            else None,
            "route": route.name if route else "",
            "route_reason": route.reason if route else "",
            "guarantee": stated.guarantee if stated else "",
            "guarantee_reason": stated.reason if stated else "",
            "next": following,
            "estimate": plan_estimate(
                spec, session, self._identity, tables, self._problems, following.rows if following else 0
            ),
            "statements": tuple(statements),
            "creates_all": self._missing is not None
            and (described or created or key.is_first or bool(spec.preoperator)),
            "warnings": (*([warning] if warning else ()), *foresight.warnings),
        }

    def _stored(self, session: Session) -> Checkpoint | None:
        """Return the checkpoint, where the columns that are read depend on it."""
        tables, keeper = Tables.named(self._spec.checkpoint_table), session.keeper
        if not self._spec.keeps_checkpoint or self._spec.on_new_column == "fail":
            return None
        if not tables.exist(keeper):
            return None
        with reading(keeper):
            return read_one(keeper, tables.checkpoint, self._identity)

    def _tables(self, session: Session) -> Tables | None:
        """Return the metadata tables, where they can be read."""
        spec, keeper = self._spec, session.keeper
        tables = self._problems.take("checkpoint", partial(Tables.named, spec.checkpoint_table))
        if tables is None or not spec.keeps_checkpoint:
            return None
        rejects = spec.on_bad_row == "reject"
        self._missing = self._problems.quietly(partial(tables.missing, keeper, rejects=rejects))
        ask = partial(tables.foresee, keeper, create=spec.auto_create, rejects=rejects)
        changed = self._problems.take("checkpoint", ask)
        if changed is None:
            return None
        self.creates += [("checkpoint", table.fullname) for table in changed]
        return None if {tables.checkpoint, tables.event} & set(changed) else tables

    def _describe(self, context: AttemptContext) -> bool:
        """Describe and check the destination's table; return whether it is there."""
        if context.new_table or context.awaits_key:
            return False
        spec, destination = context.spec, context.session.destination
        ends = not spec.preoperator  # which may yet create the table, or change it
        errors: list[CheckpointError] = []

        def check(found: Destination) -> None:
            for each in table_checks(spec, found):
                try:
                    each(found)
                except CheckpointError as error:
                    errors.append(error)

        described = False
        with self._problems.of("destination", ends=ends), reading(destination.connection):
            with naming_way_out(spec, destination, context.columns.written):
                destination.describe(context.columns.written, spec.conflict_columns, check)
            described = True
        for error in errors:
            self._problems.keep("destination", error, ends=ends)
        if described:
            with self._problems.of("columns", ends=ends), reading(destination.connection):
                check_type_pairs(spec, context.session, context.columns)
        return described

    def _guarantee(self, session: Session, *, described: bool) -> GuaranteeStated | None:
        ask = partial(state_guarantee, self._spec, session, is_there=described, probe=lambda *_: True)
        stated = self._problems.take("guarantee", ask, ends=not self._spec.preoperator)
        destination = session.destination
        tried = self._spec.keeps_checkpoint and not destination.dialect.transactional
        if stated and stated.guarantee == EXACTLY_ONCE and tried:
            return GuaranteeStated(
                "not known",
                f"whether {destination.conn_id!r} takes back what is rolled back is tried out when the attempt begins; "
                "where it does not, rows are appended only with allow_duplicates=True, and replaced by no swap",
            )
        return stated
