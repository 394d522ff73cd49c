"""The values that each step of a load writes into the row of its checkpoint."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from airflow_checkpoint_provider.engine.model.checkpoint import Attempt, Checkpoint, Load
from airflow_checkpoint_provider.engine.model.decision import Action, Decision
from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.model.position import BEGINNING, Position
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.row_mapper import attempt_values, key_text, position_values
from airflow_checkpoint_provider.engine.store.schema.columns import FORMAT_VERSION

Values = dict[str, Any]


def claimed(attempt: Attempt, load: Load, request_seen: int) -> Values:
    """
    Write the attempt that works on the load from now on.

    :param request_seen: the id of the last request that the attempt knows of
    """
    return {
        **attempt_values(attempt),
        **load.catalog.values(),
        "format_version": FORMAT_VERSION,
        "status": Status.RUNNING.value,
        "request_seen": request_seen,
        "updated_at": datetime.now(UTC),
        "completed_at": None,
        "last_error": None,
    }


def first_claimed(load: Load, decision: Decision) -> Values:
    """Write the other values of a new row."""
    now = datetime.now(UTC)
    return {
        **load.values(),
        **position_values(BEGINNING),
        "rows_written": 0,
        "batches": 0,
        "restarting": 1,
        "forced": int(decision.forced),
        "created_at": now,
        "started_at": now,
        "committed_at": now,
    }


def decided(stored: Checkpoint, decision: Decision, attempt: Attempt) -> Values:
    """
    Write the decision on an existing checkpoint.

    The intent to start over is part of the claim, so that a crash in the middle of starting leads to
    starting again and never to resuming into an emptied table.
    """
    # A claim commits nothing of the load. An earlier version of this package leaves the time out.
    changes: Values = {"committed_at": stored.committed_at}
    marked = attempt.marked(stored.fingerprint)
    if marked != stored.fingerprint:
        changes["fingerprint"] = json.dumps(marked)
    if decision.action is Action.START:
        return changes | {
            "start_position": key_text(stored.start.key) if decision.from_mark else None,
            "restarting": 1,
            "forced": int(decision.forced),
        }
    if decision.action is Action.NEXT_RUN:
        return changes | {
            **position_values(Position(stored.position.key)),
            "start_position": key_text(stored.position.key),
            "restarting": 1,
            "forced": 0,
            "rows_written": 0,
            "batches": 0,
        }
    return changes


def begun(load: Load, start: Position, upper: Key | None, committed_at: datetime | None = None) -> Values:
    """
    Write that the load has begun at ``start``: none of its rows are in the destination yet.

    :param committed_at: the time of the last commit, where beginning again does not count as one
    """
    return {
        **adopted(load, upper),
        **({"committed_at": committed_at} if committed_at else {}),
        **position_values(start),
        "start_position": key_text(start.key),
        "lower_bound": None,
        "rows_written": 0,
        "batches": 0,
        "restarting": 0,
    }


def adopted(load: Load, upper: Key | None) -> Values:
    """Write the load and its upper bound, and keep the stored position."""
    now = datetime.now(UTC)
    return {**load.values(), "upper_bound": key_text(upper), "started_at": now, **_committed(now)}


def marked(fingerprint: dict[str, str]) -> Values:
    """Write what later attempts recognise a clear by."""
    return {"fingerprint": json.dumps(fingerprint), "updated_at": datetime.now(UTC)}


def restarting() -> Values:
    """Write that the load is about to start over from the very beginning."""
    return {"restarting": 1, "start_position": None}


def held() -> Values:
    """Write that an attempt is at work."""
    return {"updated_at": datetime.now(UTC)}


def at_work() -> Values:
    """Write that an attempt is at a long step behind the last batch, so that it does not count as stalled."""
    return _committed(datetime.now(UTC))


def advanced(now: Checkpoint) -> Values:
    """Write the progress of the load."""
    return {
        **position_values(now.position),
        "lower_bound": key_text(now.lower),
        "rows_written": now.rows,
        "batches": now.batches,
        **_committed(datetime.now(UTC)),
    }


def completed() -> Values:
    """Write that the load is complete."""
    now = datetime.now(UTC)
    return {"status": Status.COMPLETED.value, **_committed(now), "completed_at": now}


def failed(reason: str) -> Values:
    """Write that the attempt has ended without completing the load, and why."""
    return {"status": Status.FAILED.value, "updated_at": datetime.now(UTC), "last_error": reason}


def overtaken(reason: str) -> Values:
    """Write that the rows of the load are deleted: its attempt may not go on, and the next one starts over."""
    return {
        **failed(reason),
        **position_values(BEGINNING),
        "lower_bound": None,
        "start_position": None,
        "rows_written": 0,
        "batches": 0,
        "restarting": 1,
    }


def replayed(rows: int) -> Values:
    """
    Write that rejected rows were written after all.

    :param rows: rows of the load that are committed now
    """
    return {"rows_written": rows, "updated_at": datetime.now(UTC)}


def seeded(load: Load, nobody: Attempt, position: Position, request_seen: int) -> Values:
    """
    Write a position that was set by a person.

    :param nobody: an attempt without a try, whose owner is that person
    """
    now = datetime.now(UTC)
    return {
        **attempt_values(nobody),
        **load.values(),
        **position_values(position),
        "status": Status.SEEDED.value,
        "lower_bound": None,
        "upper_bound": None,
        "start_position": None,
        "rows_written": position.rows,
        "batches": 0,
        "restarting": 0,
        "forced": 0,
        "request_seen": request_seen,
        "created_at": now,
        "started_at": now,
        **_committed(now),
        "completed_at": None,
        "last_error": None,
        "format_version": FORMAT_VERSION,
    }


def _committed(now: datetime) -> Values:
    return {"updated_at": now, "committed_at": now}
