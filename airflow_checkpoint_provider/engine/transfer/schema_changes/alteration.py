"""The change of the destination's table: once, by whichever attempt is first, and recorded with the columns."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import is_disconnect, reading
from airflow_checkpoint_provider.engine.databases.statements.identifiers import (
    TableName,
    match_column,
    quote_name,
)
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.decision import Action, Decision
from airflow_checkpoint_provider.engine.model.errors import (
    DestinationError,
    DestinationMismatchError,
    driver_error,
    one_line,
)
from airflow_checkpoint_provider.engine.model.events.steps import SchemaChanged, StepBegun
from airflow_checkpoint_provider.engine.model.events.transfer import Observer
from airflow_checkpoint_provider.engine.model.known_columns import COLUMN_LIST
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.schema_changes.plan import (
    SchemaChange,
    changes_of,
    columns_there,
    names_there,
)
from airflow_checkpoint_provider.engine.transfer.staging.stage import Stage

_TRIES = 20
_OF_COLUMNS = ("query", "columns", COLUMN_LIST)


def refuse_change(context: AttemptContext, decision: Decision) -> None:
    """
    Refuse to change a table where a DBA does that, unless the load is complete.

    :raises DestinationMismatchError: when it may not be changed; it has the statements
    """
    destination, change = context.session.destination, context.change
    if context.spec.auto_create or decision.action is Action.NOTHING:
        return
    if change is None or not (change.added or change.widened):
        return
    statements = change_statements(context, change)
    raise DestinationMismatchError(
        f"on_new_column: {destination.table} lacks {', '.join((*change.added, *change.widened))} as the source has it, "
        f"and [checkpoint] auto_create is off. Have a DBA run: {'; '.join(statements)}"
    )


def change_table(
    context: AttemptContext, change: SchemaChange, checkpoint: Checkpoint, observe: Observer, *, goes_on: bool
) -> Checkpoint:
    """
    Change the destination's table, and its stage, unless another session is first.

    DDL commits by itself in some databases: an attempt that ends before the record of it finds the columns there.

    :param goes_on: the load resumes, so that its columns are recorded here; otherwise they are when it begins
    :return: the checkpoint with the columns that are read from now on
    :raises DestinationError: when the database refuses
    :raises DestinationMismatchError: when another session has added a column of another type
    """
    destination = context.session.destination
    with reading(destination.connection):
        destination.find(sa.inspect(destination.connection))
    fingerprint = {
        **checkpoint.fingerprint,
        **{part: context.load.fingerprint[part] for part in _OF_COLUMNS},
    }
    fingerprint = context.attempt.marked(fingerprint)
    before = names_there(destination)
    changed = SchemaChanged(str(destination.table), changes_of(change, before), context.attempt.owner)
    refused: Exception | None = None
    there = before
    for tried in range(_TRIES):
        try:
            _change(context, change, checkpoint, changed, fingerprint if goes_on else None, observe)
        except (sa.exc.DBAPIError, destination.connection.dialect.loaded_dbapi.Error) as error:
            if is_disconnect(destination.connection, error):
                raise
            refused, earlier, there = error, there, names_there(destination)
            if tried and there == earlier and not destination.dialect.is_name_in_use(driver_error(error)):
                break
            time.sleep(0.1)  # another session may be changing it, and has not committed yet
        else:
            refused = None
            break
    if refused:
        raise _refused(context, refused, _needed(context, change, goes_on=goes_on)) from refused
    _compare(context, change)
    observe(changed)
    return replace(checkpoint, fingerprint=fingerprint) if goes_on else checkpoint


def _refused(context: AttemptContext, error: Exception, statements: Sequence[str]) -> DestinationError:
    """
    Return the error for a change that the database has refused.

    :param statements: those that are still to be run
    """
    destination = context.session.destination
    remedy = "Grant the right to change it, which its owner has, or change it by hand"
    if destination.dialect.is_lock_timeout(driver_error(error)):
        remedy = "Another session holds a lock on it: wait for its end, and run the task again, or change it by hand"
    return DestinationError(
        f"on_new_column: {destination.table} could not be changed in {destination.conn_id!r}: {one_line(error)}. "
        f"{remedy}: {'; '.join(statements)}"
    )


def _change(
    context: AttemptContext,
    change: SchemaChange,
    checkpoint: Checkpoint,
    changed: SchemaChanged,
    fingerprint: dict[str, str] | None,
    observe: Observer,
) -> None:
    session, store, destination = context.session, context.store, context.session.destination
    statements = _needed(context, change, goes_on=bool(fingerprint))
    for statement in statements:
        observe(StepBegun(f"Changing {destination.table}: {statement}"))
    with store.transaction():
        store.hold()
        with session.writing(), closing(destination.raw.cursor()) as cursor:
            if statements:
                destination.dialect.limit_waiting(destination.connection, context.spec.lock_timeout)
            for statement in statements:
                cursor.execute(statement)
        store.note_schema(changed.line, checkpoint, fingerprint)


def change_statements(context: AttemptContext, change: SchemaChange) -> list[str]:
    """Return the statements that the destination's table still needs."""
    destination = context.session.destination
    return _statements(context, change, names_there(destination), destination.table)


def _needed(context: AttemptContext, change: SchemaChange, *, goes_on: bool) -> list[str]:
    """Return the statements that the table still needs, and the stage of a load that goes on."""
    of_stage = _statements_of_stage(context, change, context.stage) if goes_on and context.stage else []
    return [*change_statements(context, change), *of_stage]


def _statements_of_stage(context: AttemptContext, change: SchemaChange, stage: Stage) -> list[str]:
    destination = context.session.destination
    with reading(destination.connection):
        there = columns_there(destination, stage.table)
    return _statements(context, change, there, stage.table) if there else []


def _statements(
    context: AttemptContext, change: SchemaChange, there: Mapping[str, str], table: TableName
) -> list[str]:
    """Return the statements that a table still needs."""
    destination = context.session.destination
    dialect, connection = destination.dialect, destination.connection
    quoted = table.quote(connection.dialect)
    statements = [
        dialect.add_column.format(
            table=quoted, column=f"{quote_name(name, connection.dialect)} {change.wanted[name].declared}"
        )
        for name in change.left(there)
    ]
    for name in change.widened:
        wanted = change.wanted[name].declared
        if there.get(name) != wanted:
            with reading(connection):
                retyped = dialect.retype(connection, quoted, name, wanted)
            statements += [retyped] if retyped else []
    return statements


def _compare(context: AttemptContext, change: SchemaChange) -> None:
    """Compare the columns that are there with the planned ones: another session may have changed them first."""
    destination = context.session.destination
    there = names_there(destination)
    for name in change.added:
        column, found = change.wanted[name], match_column(name, list(there))
        if found is None:
            raise _other_column(context, name, "it is not there")
        wanted = destination.dialect.describe_type(column.declared)
        is_ = destination.dialect.describe_type(there[found])
        if wanted and is_ and not column.given and not is_.holds(wanted):
            raise _other_column(context, name, f"it is {there[found]}, and not {column.declared}")
    for name in change.widened:
        wanted = destination.dialect.describe_type(change.wanted[name].declared)
        is_ = destination.dialect.describe_type(there.get(name, ""))
        if wanted and not (is_ and is_.holds(wanted)):
            raise DestinationError(
                f"on_new_column: column {name} of {destination.table} is {there.get(name, 'gone')}, and not "
                f"{change.wanted[name].declared}, after its change. No row is written. Run the task again where "
                "another session changes it as well, or change the type by hand."
            )


def _other_column(context: AttemptContext, name: str, how: str) -> DestinationMismatchError:
    return DestinationMismatchError(
        f"on_new_column: another session has changed column {name} of {context.session.destination.table} meanwhile: "
        f"{how}. No row is written. Drop the column, or give its type in column_types."
    )
