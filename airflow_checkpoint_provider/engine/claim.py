"""The claim: decide what an attempt is to do, and take the checkpoint over from older ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.checkpoint import Checkpoint, Status
from airflow_checkpoint_provider.engine.decision import Action, Decision, Request
from airflow_checkpoint_provider.engine.errors import FencedError
from airflow_checkpoint_provider.engine.fenced import FencedRow
from airflow_checkpoint_provider.engine.history import Kind
from airflow_checkpoint_provider.engine.load import Load
from airflow_checkpoint_provider.engine.misnamed import refuse_other_table
from airflow_checkpoint_provider.engine.position import BEGINNING, Position
from airflow_checkpoint_provider.engine.rows import (
    attempt_values,
    identity_values,
    key_text,
    position_values,
)
from airflow_checkpoint_provider.engine.schema import FORMAT_VERSION

Choose = Callable[[Checkpoint | None, Request | None], Decision]


def claim(row: FencedRow, choose: Choose, load: Load) -> tuple[Checkpoint, Decision]:
    """
    Decide what to do and take the checkpoint over: from here on, older attempts cannot write.

    The intent to start over is part of the claim, so that a crash in the middle of starting leads to
    starting again and never to resuming into an emptied table.

    :raises CheckpointLockedError: when another attempt does not let go of it
    :raises MetadataTableError: when the table is there and is another one
    """
    for last_try in (False, True):
        try:
            with row.transaction():
                row.limit_waiting()
                return _claim(row, choose, load)
        except sa.exc.IntegrityError:  # another attempt has inserted the row first
            if last_try:
                raise
        except sa.exc.DBAPIError as error:
            if not error.connection_invalidated:
                refuse_other_table(row.connection, row.tables)
            raise
    raise AssertionError("unreachable")


def _claim(row: FencedRow, choose: Choose, load: Load) -> tuple[Checkpoint, Decision]:
    stored = row.read(lock=True)
    request, seen = row.history.pending(row.identity, stored.request_seen if stored else 0)
    decision = choose(stored, request)
    if stored and decision.action is Action.NOTHING:
        return stored, decision
    now = datetime.now(UTC)
    row.fence = stored.fence + 1 if stored else 1
    values = {
        **attempt_values(row.attempt),
        "status": Status.RUNNING.value,
        "fence": row.fence,
        "request_seen": seen,
        "updated_at": now,
        "completed_at": None,
        "last_error": None,
    }
    if stored is None:
        values |= {
            **identity_values(row.identity),
            **_fresh(load, decision),
            "created_at": now,
            "started_at": now,
        }
        row.connection.execute(row.table.insert().values(**values))
    else:
        # Where rows cannot be locked, two attempts may have read the same: the first one gets it.
        as_read = row.table.c.fence == stored.fence
        values |= _changes(stored, decision)
        row.connection.execute(row.table.update().where(row.is_mine, as_read).values(**values))
    claimed = _claimed(row)
    kind = Kind.RESUMED if decision.action is Action.RESUME else Kind.STARTED
    row.record(kind, claimed.rows, claimed.position, decision.reason)
    return claimed, decision


def _fresh(load: Load, decision: Decision) -> dict[str, Any]:
    return {
        **load.values(),
        **position_values(BEGINNING),
        "rows_written": 0,
        "batches": 0,
        "restarting": 1,
        "forced": int(decision.forced),
        "format_version": FORMAT_VERSION,
    }


def _changes(stored: Checkpoint, decision: Decision) -> dict[str, Any]:
    if decision.action is Action.START:
        return {
            "start_position": key_text(stored.start.key) if decision.from_mark else None,
            "restarting": 1,
            "forced": int(decision.forced),
        }
    if decision.action is Action.NEXT_RUN:
        return {
            **position_values(Position(stored.position.key)),
            "start_position": key_text(stored.position.key),
            "restarting": 1,
            "forced": 0,
            "rows_written": 0,
            "batches": 0,
        }
    return {}


def _claimed(row: FencedRow) -> Checkpoint:
    """Read what was written, for what was inserted or updated may be another attempt's."""
    claimed = row.read()
    if claimed is None:
        raise FencedError(f"The checkpoint of {row.identity} was deleted while this attempt claimed it.")
    if (claimed.fence, claimed.owner) != (row.fence, row.attempt.owner):
        raise FencedError(
            f"Another attempt ({claimed.owner}) claimed the checkpoint of {row.identity} at the same moment; this "
            "attempt has written nothing and ends here."
        )
    return claimed
