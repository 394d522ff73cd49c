"""Checkpoints and history entries for the views, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.position import BEGINNING, Position
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHO = Identity("a_dag", "a_task", "run_1")

_RUNNING = Checkpoint(
    identity=WHO,
    status=Status.RUNNING,
    strategy="key",
    key_columns=("id",),
    position=Position((500,), 500),
    start=BEGINNING,
    lower=(0,),
    upper=(1000,),
    rows=500,
    batches=5,
    fence=1,
    restarting=False,
    forced=False,
    request_seen=0,
    run_id="run_1",
    run_after=BEGAN,
    try_number=1,
    max_tries=3,
    retries=3,
    clear_number=0,
    owner="host pid 1",
    fingerprint={},
    source_conn_id="src",
    destination_conn_id="dst",
    destination_table="target",
    created_at=BEGAN,
    started_at=BEGAN,
    updated_at=BEGAN + timedelta(seconds=10),
    committed_at=BEGAN + timedelta(seconds=10),
    completed_at=None,
    last_error=None,
)


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def checkpoint(**changes: Any) -> Checkpoint:
    """A running checkpoint, half done after ten seconds."""
    changes["status"] = Status(changes.get("status", "running"))
    return replace(_RUNNING, **changes)


def told(*entries: tuple[Any, ...]) -> list[HistoryEntry]:
    """History entries from ``(kind, seconds, rows, try, owner, detail)``, the last two optional."""
    made = []
    for number, entry in enumerate(entries, start=1):
        kind, seconds, rows, attempt, *rest = entry
        owner, detail = [*rest, *[f"host pid {attempt}", None][len(rest) :]]
        made.append(HistoryEntry(number, WHO, kind, after(seconds), owner, attempt, rows, None, detail))
    return made
