"""Conversion of checkpoints to rows of the metadata table, and back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.model.checkpoint import (
    LOOP,
    PARTITION,
    Attempt,
    CatalogName,
    Checkpoint,
    Identity,
    Iteration,
)
from airflow_checkpoint_provider.engine.model.checks import identifier, is_names, whole_number
from airflow_checkpoint_provider.engine.model.errors import InvalidCheckpointError, NewerFormatError
from airflow_checkpoint_provider.engine.model.key import Key, encode_key, stored_key
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.model.status import stored_status
from airflow_checkpoint_provider.engine.model.stored_text import json_of, shown
from airflow_checkpoint_provider.engine.store.schema.columns import (
    FORMAT_VERSION,
    _checkpoint_table,
    name_digest,
)
from airflow_checkpoint_provider.engine.store.stored_values import checked

_COLUMNS = dict(_checkpoint_table("checkpoint", sa.MetaData()).columns)
_IDENTITY = {name: _COLUMNS[name] for name in Identity.__slots__}


def from_row(row: Any) -> Checkpoint:
    """
    Read a row.

    :raises NewerFormatError: when a newer version of this package wrote it
    :raises InvalidCheckpointError: when it is damaged
    """
    identity = identity_of_row(row)
    try:
        values = SimpleNamespace(**checked(row._mapping, _COLUMNS))
        if values.format_version > FORMAT_VERSION:
            raise NewerFormatError(
                f"The checkpoint of {identity} has format {values.format_version}; this version of "
                f"airflow-checkpoint-provider reads up to {FORMAT_VERSION}. Upgrade the package on this worker."
            )
        return _read(values, identity)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise unreadable(identity, str(error)) from error


def identity_of_row(row: Any) -> Identity:
    """
    Read the identity of the checkpoint in a row.

    :raises InvalidCheckpointError: when no checkpoint can have its ids
    """
    try:
        identity = Identity(**checked(row._mapping, _IDENTITY))
        for name in ("dag_id", "task_id", "run_id"):
            identifier(name, getattr(identity, name))
        whole_number("map_index", identity.map_index, least=-1)
    except (ValueError, ArithmeticError) as error:
        ids = ", ".join(f"{name} {shown(row._mapping[name])}" for name in _IDENTITY)
        raise InvalidCheckpointError(
            f"Invalid checkpoint value: a row of the metadata table cannot be read ({error}). No checkpoint can have "
            f"these ids: delete the row in the database. It has {ids}."
        ) from error
    return identity


def unreadable(identity: Identity, reason: str) -> InvalidCheckpointError:
    """Return the error for a damaged row, with the fault and the remedy."""
    return InvalidCheckpointError(
        f"Invalid checkpoint value: the row of {identity} cannot be read ({reason}). Delete it to load from the "
        "start: in the view, by `airflow checkpoint delete`, or by CheckpointHook.delete."
    )


def _read(row: Any, identity: Identity) -> Checkpoint:
    return Checkpoint(
        identity=identity,
        status=stored_status(row.status),
        strategy=row.strategy,
        key_columns=_names(row.key_columns),
        position=Position(stored_key(row.position), row.rows_read, row.row_digest, bool(row.nulls_done)),
        start=Position(stored_key(row.start_position)),
        lower=stored_key(row.lower_bound),
        upper=stored_key(row.upper_bound),
        rows=row.rows_written,
        batches=row.batches,
        fence=row.fence,
        restarting=bool(row.restarting),
        forced=bool(row.forced),
        request_seen=row.request_seen,
        run_id=row.current_run_id,
        run_after=row.current_run_after,
        claimed_map_index=row.claimed_map_index,
        try_number=row.try_number,
        max_tries=row.max_tries,
        retries=row.task_retries,
        clear_number=row.clear_number,
        owner=row.owner,
        fingerprint=_fingerprint(row.fingerprint),
        source_conn_id=row.source_conn_id,
        destination_conn_id=row.destination_conn_id,
        destination_table=row.destination_table,
        catalog=CatalogName(row.destination_database, row.destination_schema, row.destination_name),
        created_at=row.created_at,
        started_at=row.started_at,
        updated_at=row.updated_at,
        # An earlier version of this package, which has no such column, may have written the row.
        committed_at=row.committed_at or row.updated_at,
        completed_at=row.completed_at,
        last_error=row.last_error,
    )


def _names(text: str | None) -> tuple[str, ...]:
    names = json_of(text or "[]")
    if not is_names(names):
        raise ValueError(f"key_columns is {shown(text)}")
    return tuple(names)


def _fingerprint(text: str) -> dict[str, str]:
    parts = json_of(text)
    if not isinstance(parts, dict) or not all(isinstance(part, str) for part in parts.values()):
        raise ValueError(f"fingerprint is {shown(text)}")
    Iteration.of_text(parts.get(LOOP))
    if PARTITION in parts:
        Partition.of_plan(json_of(parts[PARTITION]))
    return parts


def identity_values(identity: Identity) -> dict[str, Any]:
    """Return the columns of an identity."""
    return {
        "dag_id": identity.dag_id,
        "task_id": identity.task_id,
        "run_id": identity.run_id,
        "map_index": identity.map_index,
        "name": identity.name,
        "name_digest": name_digest(identity.name),
    }


def attempt_values(attempt: Attempt) -> dict[str, Any]:
    """Return the columns of an attempt."""
    return {
        "current_run_id": attempt.run_id,
        "current_run_after": attempt.run_after,
        "claimed_map_index": attempt.map_index,
        "try_number": attempt.try_number,
        "max_tries": attempt.max_tries,
        "task_retries": attempt.retries,
        "clear_number": attempt.clear_number,
        "owner": attempt.owner,
    }


def position_values(position: Position) -> dict[str, Any]:
    """Return the columns of a position."""
    return {
        "position": key_text(position.key),
        "rows_read": position.rows,
        "row_digest": position.digest,
        "nulls_done": int(position.nulls_done),
    }


def key_text(key: Key | None) -> str | None:
    """Return the text of a key for its column."""
    return encode_key(key) if key is not None else None


def is_identity(table: sa.FromClause, identity: Identity) -> sa.ColumnElement[bool]:
    """Return the condition that selects the rows of one checkpoint."""
    return sa.and_(
        table.c.dag_id == identity.dag_id,
        table.c.task_id == identity.task_id,
        table.c.run_id == identity.run_id,
        table.c.map_index == identity.map_index,
        table.c.name_digest == name_digest(identity.name),
    )
