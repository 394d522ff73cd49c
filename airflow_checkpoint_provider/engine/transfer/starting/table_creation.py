"""The creation of the destination's table: once, by whichever attempt is first, and read back."""

from __future__ import annotations

import time
from contextlib import closing

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import is_disconnect, reading
from airflow_checkpoint_provider.engine.databases.statements.identifiers import match_column
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.column_type import TypeKind
from airflow_checkpoint_provider.engine.model.decision import Action, Decision
from airflow_checkpoint_provider.engine.model.errors import (
    DestinationError,
    DestinationMismatchError,
    driver_error,
    one_line,
)
from airflow_checkpoint_provider.engine.model.events.steps import StepBegun
from airflow_checkpoint_provider.engine.model.events.transfer import Observer
from airflow_checkpoint_provider.engine.store.protocol import CheckpointStore
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.late_key.choice import lacking_key, refuse_lacking
from airflow_checkpoint_provider.engine.transfer.session import Session
from airflow_checkpoint_provider.engine.transfer.starting.new_table import NewTable

_TRIES = 20


def refuse_creation(spec: TransferSpec, new: NewTable) -> None:
    """
    Refuse to create a table where a DBA does that.

    :raises DestinationMismatchError: when it may not be created; it has the statement
    """
    if not spec.auto_create:
        raise DestinationMismatchError(
            f"create_table: there is no table {new.table}, and [checkpoint] auto_create is off. Have a DBA run this "
            f"statement: {_on_one_line(new.complete)}"
        )


def _on_one_line(statement: str) -> str:
    return " ".join(statement.split())


def refuse_lost_table(new: NewTable, stored: Checkpoint, decision: Decision) -> None:
    """
    Refuse to go on with a table whose rows are gone.

    :param stored: the checkpoint that earlier attempts have left
    :raises DestinationMismatchError: when the attempt would go on, and rows of earlier ones are missing
    """
    begins = decision.action is Action.START and not decision.from_mark
    if begins or not (stored.rows or stored.position.key):
        return
    raise DestinationMismatchError(
        f"create_table: earlier attempts have committed {stored.rows:,} rows to {new.table}, which is not there any "
        "more. Request a reload, or set force_reload, to create it and load from the start."
    )


def create_table(new: NewTable, session: Session, store: CheckpointStore, observe: Observer) -> None:
    """
    Create a table, unless another attempt or another session is first.

    :raises DestinationError: when the database refuses
    :raises DestinationMismatchError: when the table that is there in the end is another one
    """
    observe(StepBegun.creating(new.table, new.statement))
    refused = _create(new, session, store)
    if not _is_there(new, session):
        failed = f"create_table: {new.table} could not be created in {session.destination.conn_id!r}"
        if refused is None:
            raise DestinationError(
                f"{failed}: something else there has that name, such as a sequence, an index or a type. Rename it, or "
                "give another destination_table."
            )
        raise DestinationError(
            f"{failed}: {one_line(refused).rstrip('.')}. Grant the right to create it where that is missing, give "
            "other types in column_types or other names in destination_columns, or have a DBA run this statement: "
            f"{_on_one_line(new.complete)}"
        ) from refused
    _compare(new, session)
    lacking = lacking_key(session.destination)
    if lacking:
        refuse_lacking(session.destination, lacking)
    observe(StepBegun.created(new.table, lacking.columns if lacking and new.late_key else ()))


def _create(new: NewTable, session: Session, store: CheckpointStore) -> Exception | None:
    """Run the statement, and return the last error where it was refused."""
    destination = session.destination
    connection, dialect = destination.connection, destination.dialect
    refused: Exception | None = None
    for _ in range(_TRIES):
        try:
            with store.transaction():
                store.hold()
                with session.writing(), closing(destination.raw.cursor()) as cursor:
                    cursor.execute(new.statement)
            return None
        except (sa.exc.DBAPIError, connection.dialect.loaded_dbapi.Error) as error:
            if is_disconnect(connection, error):
                raise
            refused = error
            if _is_there(new, session) or not dialect.is_name_in_use(driver_error(error)):
                break
            time.sleep(0.1)  # another session may be creating it, and has not committed yet
    return refused


def _is_there(new: NewTable, session: Session) -> bool:
    connection = session.destination.connection
    with reading(connection):
        return new.table.resolve(sa.inspect(connection)) is not None


def _compare(new: NewTable, session: Session) -> None:
    """Compare the table that is there with the planned one: another session may have created it first."""
    connection, dialect = session.destination.connection, session.destination.dialect
    with reading(connection):
        there = dialect.columns_of(connection, new.table)
    if not there:  # a database that is not asked
        return
    for column in new.columns:
        name = match_column(column.name, list(there))
        if name is None:
            raise _other_table(new, f"it has no column {column.name}")
        wanted, is_ = dialect.describe_type(column.declared), dialect.describe_type(there[name].text)
        # A type that the user has given may be stored under another name, as JSON is in MariaDB.
        if wanted and wanted != is_ and not column.given and wanted.kind is not TypeKind.JSON:
            raise _other_table(new, f"its column {name} is {there[name].text}, and not {column.declared}")


def _other_table(new: NewTable, how: str) -> DestinationMismatchError:
    return DestinationMismatchError(
        f"create_table: another session has created {new.table} meanwhile, and {how}. No row is written. Drop the "
        "table, or run the task again to load into it as it is."
    )
