"""The statements that an attempt would run, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.rows.routes import VALUES, RowRoute
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.decision import Action, Decision
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.planning.load_plan import Statement
from airflow_checkpoint_provider.engine.transfer.schema_changes.alteration import change_statements
from airflow_checkpoint_provider.engine.transfer.staging.publish import insertion

_KEY = "build the primary key"


def creations(connection: sa.Connection, missing: Sequence[sa.Table]) -> list[Statement]:
    """
    Return the statements that create metadata tables.

    :param missing: those that do not exist
    """
    dialect = connection.dialect
    return [
        Statement("create the metadata tables", str(item.compile(dialect=dialect)).strip(), creates=True)
        for table in missing
        for item in dialect_of(connection).creation(table)
    ]


def plan_statements(
    context: AttemptContext, decision: Decision, checkpoint: Checkpoint, route: RowRoute | None
) -> list[Statement]:
    """
    Return the statements of a load, with the placeholders of its drivers.

    :param checkpoint: as it will be when reading begins
    :param route: of the rows; ``None`` where the destination is not there yet
    """
    if decision.action is Action.NOTHING:
        return []
    begins = decision.action is not Action.RESUME
    changes = change_statements(context, context.change) if context.change else []
    lacking = context.key.lacking
    return [
        *(Statement("change the table", text) for text in changes),
        *([Statement(_KEY, lacking.statement)] if lacking and not context.key.waits else []),
        *(_before(context, checkpoint) if begins else ()),
        Statement(
            "read", context.strategy.statement(checkpoint.position, checkpoint.upper, route or VALUES)[0]
        ),
        *(
            Statement("write", text)
            for text in (context.session.destination.writing_statements() if route else ())
        ),
        *_after(context),
    ]


def _before(context: AttemptContext, checkpoint: Checkpoint) -> Iterator[Statement]:
    spec, destination = context.spec, context.session.destination
    if context.new_table:
        new = context.new_table
        by_hand = new.complete if new.late_key else ""
        yield Statement("create the table", new.statement, creates=True, by_hand=by_hand)
    if spec.preoperator and checkpoint.start.key is None:
        for text in [spec.preoperator] if isinstance(spec.preoperator, str) else spec.preoperator:
            yield Statement("preoperator", text)
    if spec.write_mode == "replace":
        of = " of the partition" if spec.part else ""
        yield Statement(f"delete the rows{of}", f"DELETE FROM {destination.table.quote(_dialect(context))}")
    if context.stage and destination.columns:
        yield Statement("create the stage", context.stage.creation())


def _after(context: AttemptContext) -> Iterator[Statement]:
    destination, stage = context.session.destination, context.published_stage
    if context.key.waits and (statement := _late_key(context)):
        yield Statement(_KEY, statement)
    if stage:
        table = destination.table.quote(_dialect(context))
        yield Statement("publish", f"DELETE FROM {table}")
        yield Statement("publish", insertion(destination, table, stage, destination.columns))


def _late_key(context: AttemptContext) -> str | None:
    """Return the statement that builds the key after the rows."""
    destination, new = context.session.destination, context.new_table
    if new is None or not new.late_key:
        return context.key.lacking.statement if context.key.lacking else None
    return destination.dialect.late_keys.statement(destination.connection, destination.name, new.late_key)


def _dialect(context: AttemptContext) -> sa.Dialect:
    return context.session.destination.connection.dialect
