"""The key that a table lacks so far: built once, in one transaction with the record of it."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, closing, nullcontext

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import is_disconnect
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.errors import (
    DestinationError,
    DestinationMismatchError,
    driver_error,
    one_line,
)
from airflow_checkpoint_provider.engine.model.events.steps import KeyBuilding, KeyBuilt
from airflow_checkpoint_provider.engine.model.events.transfer import Observer
from airflow_checkpoint_provider.engine.model.history_kind import Kind
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.late_key.choice import LateKey, lacking_key
from airflow_checkpoint_provider.engine.transfer.late_key.sign_of_life import sign_of_life


def build_key(context: AttemptContext, checkpoint: Checkpoint, observe: Observer) -> None:
    """
    Build the key that the destination's table lacks, if it lacks one.

    :raises DestinationMismatchError: when rows of the table are not told apart by the key
    :raises DestinationError: when the database refuses for another reason
    :raises FencedError: when another attempt has taken the checkpoint over; nothing of it is committed
    """
    destination, store = context.session.destination, context.store
    key = lacking_key(destination)
    if key is None:
        return
    begun = KeyBuilding(str(destination.table), key.columns)
    observe(begun)
    with store.transaction():
        store.note_key(Kind.KEY_BUILDING, begun.line, checkpoint)
    try:
        built = _build(context, key, begun, checkpoint, observe)
    except (sa.exc.DBAPIError, destination.connection.dialect.loaded_dbapi.Error) as error:
        if is_disconnect(destination.connection, error):
            raise
        if lacking_key(destination) is None:  # another session was first
            return
        raise _refused(context, key, error) from error
    observe(built)


def build_emptied(context: AttemptContext, checkpoint: Checkpoint, observe: Observer) -> list[KeyBuilt]:
    """
    Build the key of a table that is emptied in the same transaction, which is the caller's.

    :return: to be reported when it is committed
    :raises DestinationError: as :func:`build_key`
    """
    destination = context.session.destination
    key = lacking_key(destination)
    if key is None:
        return []
    observe(KeyBuilding(str(destination.table), key.columns))
    try:
        return [_add(context, key, checkpoint, nullcontext())]
    except destination.connection.dialect.loaded_dbapi.Error as error:
        if is_disconnect(destination.connection, error):
            raise
        raise _refused(context, key, error) from error


def _build(
    context: AttemptContext, key: LateKey, begun: KeyBuilding, checkpoint: Checkpoint, observe: Observer
) -> KeyBuilt:
    # The checkpoint is locked last, so that the sign of life can be written meanwhile; the fence is compared before
    # the commit.
    with context.store.transaction(), context.session.writing():
        return _add(context, key, checkpoint, sign_of_life(context, key, begun, checkpoint, observe))


def _add(
    context: AttemptContext, key: LateKey, checkpoint: Checkpoint, meanwhile: AbstractContextManager[None]
) -> KeyBuilt:
    destination, began = context.session.destination, time.monotonic()
    destination.dialect.limit_waiting(destination.connection, context.spec.lock_timeout)
    destination.dialect.late_keys.take_time(destination.connection)
    with meanwhile, closing(destination.raw.cursor()) as cursor:
        cursor.execute(key.statement)
    built = KeyBuilt(str(destination.table), key.columns, time.monotonic() - began)
    context.store.note_key(Kind.KEY_BUILT, built.line, checkpoint)
    return built


def _refused(context: AttemptContext, key: LateKey, error: Exception) -> DestinationError:
    destination = context.session.destination
    cause = driver_error(error)
    done = (
        "Its rows are committed, and the next attempt only builds the key."
        if context.key.waits
        else "The load needs the key before its first row; none is written."
    )
    message = (
        f"create_table: {destination.table} could not be given its primary key ({', '.join(key.columns)}) in "
        f"{destination.conn_id!r}: {one_line(error).rstrip('.')}. {done}"
    )
    if destination.dialect.late_keys.is_duplicate(cause):
        return DestinationMismatchError(
            f"{message} Delete the rows that are there twice, or load them by write_mode='upsert' into a table that is "
            "created anew."
        )
    if destination.dialect.blames_rows(cause):
        return DestinationMismatchError(
            f"{message} Change the values that do not fit into the key, or delete their rows."
        )
    if destination.dialect.is_lock_timeout(cause):
        return DestinationError(f"{message} Another session holds a lock on the table: wait for its end.")
    return DestinationError(f"{message} The statement is: {key.statement}")
