"""What is known of a load: whose it is, who works on it, and how far it has come."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.model.position import Position

ALL_RUNS = "*"
"""The ``run_id`` of a checkpoint that spans runs (an empty string would be NULL in Oracle)."""
SEEDED = "seeded"
"""The part of a fingerprint that says that no attempt has begun yet, and who has set the position."""


class Status(StrEnum):
    """The state of a load."""

    SEEDED = "seeded"
    """Somebody has set a position; no attempt has begun."""
    RUNNING = "running"
    FAILED = "failed"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Identity:
    """The task instance, or with ``run_id="*"`` the task, that a checkpoint belongs to."""

    dag_id: str
    task_id: str
    run_id: str
    map_index: int = -1

    def __str__(self) -> str:
        index = f" [{self.map_index}]" if self.map_index >= 0 else ""
        run = "all runs" if self.run_id == ALL_RUNS else f"run {self.run_id}"
        return f"{self.dag_id}.{self.task_id}{index}, {run}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    One try of a task instance, with what tells a retry from a clear.

    :param run_id: the DAG run this attempt belongs to, also when the checkpoint spans runs
    :param run_after: when the DAG run was due, which orders the runs of a DAG
    :param try_number: 1 for the first attempt, as Airflow counts
    :param max_tries: the same for automatic retries, changed by a clear
    :param retries: the task's ``retries``
    :param clear_number: how often anything in the DAG run was cleared
    :param owner: host and process, for people who look for it
    """

    run_id: str
    run_after: datetime | None
    try_number: int
    max_tries: int
    retries: int
    clear_number: int
    owner: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A row of the metadata table."""

    identity: Identity
    status: Status
    strategy: str
    key_columns: tuple[str, ...]
    position: Position
    start: Position
    lower: Key | None
    upper: Key | None
    rows: int
    batches: int
    fence: int
    restarting: bool
    forced: bool
    request_seen: int
    run_id: str
    run_after: datetime | None
    try_number: int
    max_tries: int
    retries: int
    clear_number: int
    owner: str
    fingerprint: dict[str, str]
    source_conn_id: str
    destination_conn_id: str
    destination_table: str
    created_at: datetime
    started_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    last_error: str | None

    @property
    def is_seeded(self) -> bool:
        """Whether the load has yet to begin where somebody has set its position."""
        return SEEDED in self.fingerprint

    def after_batch(self, rows: int, end: Position, lower: Key | None) -> Checkpoint:
        """
        Return what it is after one more batch.

        :param rows: rows of the batch
        :param end: the position after it
        :param lower: the key of the load's first row
        """
        return replace(self, position=end, rows=self.rows + rows, batches=self.batches + 1, lower=lower)


@dataclass(frozen=True, slots=True)
class Load:
    """What is being loaded, as the checkpoint remembers it."""

    strategy: str
    key_columns: tuple[str, ...]
    fingerprint: dict[str, str]
    source_conn_id: str
    destination_conn_id: str
    destination_table: str

    def values(self) -> dict[str, Any]:
        """Columns of the metadata table."""
        return {
            "strategy": self.strategy,
            "key_columns": json.dumps(self.key_columns),
            "fingerprint": json.dumps(self.fingerprint),
            "source_conn_id": self.source_conn_id,
            "destination_conn_id": self.destination_conn_id,
            "destination_table": self.destination_table,
        }
