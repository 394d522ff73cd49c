"""Checkpoints and entries as the lines that the shell shows."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_checkpoint_provider.cli.places import Found
from airflow_checkpoint_provider.engine.admin.outlook import duration, outlook, range_of
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.decision import Request
from airflow_checkpoint_provider.engine.model.key import stored_key
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.model.position import (
    Position,
    describe_position,
    fraction,
    position_as_dict,
)
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry
from airflow_checkpoint_provider.engine.store.rejected.rejects import Reject
from airflow_checkpoint_provider.engine.store.row_reading import UnreadableRow
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook

if TYPE_CHECKING:
    from airflow_checkpoint_provider.engine.admin.lag import Lag


def line(
    found: Found, status: str, request: Request | None, rejected: int, now: datetime, *, for_people: bool
) -> dict[str, Any]:
    """
    Return a checkpoint as a line of the list; people read "5 min ago" where a program reads a time.

    :param status: its state, as it is shown
    :param rejected: the number of its rows that the destination has refused
    """
    checkpoint = found.checkpoint
    return {
        **_of(checkpoint.identity),
        "status": status,
        "request": request.value if request else None,
        "rows": f"{checkpoint.rows:,}" if for_people else checkpoint.rows,
        "rejected": _number(rejected, for_people=for_people),
        **_progress(checkpoint, for_people=for_people),
        **({} if for_people else {"updated_at": _time(checkpoint.updated_at)}),
        "committed_at": f"{duration(now - checkpoint.committed_at)} ago"
        if for_people
        else checkpoint.committed_at.isoformat(timespec="seconds"),
        "destination_table": checkpoint.destination_table,
        "conn_id": found.hook.checkpoint_conn_id,
    }


def unreadable_line(hook: CheckpointHook, row: UnreadableRow) -> dict[str, Any]:
    """Return a row that cannot be read as a line of the list."""
    ids = _of(row.identity) if row.identity else dict.fromkeys(Identity.__slots__)
    unknown = dict.fromkeys(
        ("request", "rows", "rejected", "position", "done", "committed_at", "destination_table")
    )
    return {**ids, "status": Status.UNREADABLE.value, **unknown, "conn_id": hook.checkpoint_conn_id}


def details(
    found: Found,
    status: str,
    request: Request | None,
    facts: LoadFacts | None,
    rejected: int,
    now: datetime,
    *,
    for_people: bool,
) -> dict[str, Any]:
    """
    Return all values of a checkpoint.

    :param status: its state, as it is shown
    :param facts: the facts of the load, where an attempt has recorded them
    :param rejected: the number of its rows that the destination has refused
    """
    checkpoint = found.checkpoint
    return {
        **_of(checkpoint.identity),
        "status": status,
        "last_run_id": checkpoint.run_id,
        "next_attempt": outlook(checkpoint, request, now),
        "request": request.value if request else None,
        "source_table": (facts.source_table or None) if facts else None,
        "columns": (facts.columns or None) if facts else None,
        "where": (facts.where or None) if facts else None,
        "query": (facts.query or None) if facts else None,
        "write_mode": facts.write_mode if facts else None,
        "batch_size": facts.batch_size if facts else None,
        "scope": "task" if checkpoint.identity.run_id == ALL_RUNS else "run",
        "guarantee": (facts.guarantee or None) if facts else None,
        "guarantee_reason": (facts.guarantee_reason or None) if facts else None,
        "route": (facts.route or None) if facts else None,
        "route_reason": (facts.route_reason or None) if facts else None,
        "strategy": checkpoint.strategy,
        "range": range_of(checkpoint),
        "upper_bound": _position(checkpoint.key_columns, Position(checkpoint.upper), for_people=for_people),
        **_progress(checkpoint, for_people=for_people),
        "rows": checkpoint.rows,
        "batches": checkpoint.batches,
        "rejected": rejected,
        "max_rejected_rows": (facts.max_rejected_rows or None) if facts else None,
        "try_number": checkpoint.try_number,
        "owner": checkpoint.owner,
        "last_error": checkpoint.last_error,
        "started_at": _time(checkpoint.started_at),
        "updated_at": _time(checkpoint.updated_at),
        "committed_at": _time(checkpoint.committed_at),
        "completed_at": _time(checkpoint.completed_at),
        "source_conn_id": checkpoint.source_conn_id,
        "destination_conn_id": checkpoint.destination_conn_id,
        "destination_table": checkpoint.destination_table,
        "conn_id": found.hook.checkpoint_conn_id,
        "table": found.hook.checkpoint_table,
    }


def entry_line(entry: HistoryEntry, key_columns: tuple[str, ...], *, for_people: bool) -> dict[str, Any]:
    """Return an entry as a line of the history."""
    key = stored_key(entry.position)
    columns = key_columns or tuple(f"key_{n}" if n > 1 else "key" for n in range(1, len(key or ()) + 1))
    return {
        "recorded_at": _time(entry.recorded_at),
        "kind": entry.kind,
        "try_number": entry.try_number,
        "rows": entry.rows,
        "position": _position(columns, Position(key), for_people=for_people),
        "who": entry.who,
        "detail": told.as_words() if (told := entry.facts or entry.times) else entry.detail,
    }


def reject_line(reject: Reject, *, for_people: bool) -> dict[str, Any]:
    """Return a rejected row; people read it as one line of JSON where a program reads an object."""
    return {
        **({} if for_people else {"id": reject.id}),
        "row_no": reject.row_no,
        "error": reject.error,
        "row": json.dumps(reject.row, ensure_ascii=False) if for_people else reject.row,
        "run_id": reject.run_id,
        "try_number": reject.try_number,
        "who": reject.who,
        "recorded_at": _time(reject.recorded_at),
    }


def lag_line(checkpoint: Checkpoint, lag: Lag, *, for_people: bool) -> dict[str, Any]:
    """Return how far a mark is behind its source."""
    seconds: Any = lag.seconds
    if for_people and lag.seconds is not None:
        seconds = duration(timedelta(seconds=lag.seconds))
    columns = checkpoint.key_columns
    return {
        **_of(checkpoint.identity),
        "position": _position(columns, checkpoint.position, for_people=for_people),
        "newest": _position(columns, Position(lag.newest), for_people=for_people),
        "behind" if for_people else "seconds": seconds,
        "rows": f"{lag.rows:,}" if for_people and lag.rows is not None else lag.rows,
    }


def _number(value: int, *, for_people: bool) -> Any:
    return value if not for_people else f"{value:,}" if value else ""


def _of(who: Identity) -> dict[str, Any]:
    return {
        "dag_id": who.dag_id,
        "task_id": who.task_id,
        "run_id": who.run_id,
        "map_index": who.map_index,
        "name": who.name,
    }


def _progress(checkpoint: Checkpoint, *, for_people: bool) -> dict[str, Any]:
    """Return the position, and the share of the load that is done, where it is known."""
    share = fraction(checkpoint.lower, checkpoint.position.key, checkpoint.upper)
    if checkpoint.status is Status.COMPLETED:
        share = 1.0
    return {
        "position": _position(checkpoint.key_columns, checkpoint.position, for_people=for_people),
        "done": f"{share:.0%}" if share is not None and for_people else share,
    }


def _position(columns: tuple[str, ...], position: Position, *, for_people: bool) -> Any:
    """Return a position: in words, or by column; ``None`` at the beginning."""
    if position.key is None and not position.rows:
        return None
    return describe_position(columns, position) if for_people else position_as_dict(columns, position)


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
