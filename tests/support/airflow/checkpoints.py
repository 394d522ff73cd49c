"""Reads the checkpoint of a task instance from a SQLite destination during a load."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.airflow.clients.api import TaskKey

IDENTITY = "dag_id = ? AND task_id = ? AND run_id = ? AND map_index = ?"


@dataclass(frozen=True)
class StoredCheckpoint:
    """The columns that the tests read; ``raw`` has all."""

    status: str
    batches: int
    rows_written: int
    fence: int
    try_number: int
    raw: dict[str, Any]

    @property
    def position(self) -> Any:
        return json.loads(self.raw["position"]) if self.raw["position"] else None


def checkpoint(database: Path, key: TaskKey) -> StoredCheckpoint | None:
    """The stored checkpoint, or ``None`` before the checkpoint or its table exists."""
    rows = _query(database, f"SELECT * FROM airflow_checkpoint WHERE {IDENTITY}", key)
    if not rows:
        return None
    row = rows[0]
    return StoredCheckpoint(
        row["status"], row["batches"], row["rows_written"], row["fence"], row["try_number"], row
    )


def events(database: Path, key: TaskKey) -> list[dict[str, Any]]:
    """The checkpoint's history, oldest first."""
    return _query(database, f"SELECT * FROM airflow_checkpoint_event WHERE {IDENTITY} ORDER BY id", key)


def _query(database: Path, sql: str, key: TaskKey) -> list[dict[str, Any]]:
    with closing(
        sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=30)
    ) as connection:
        connection.row_factory = sqlite3.Row
        try:
            cursor = connection.execute(sql, (key.dag_id, key.task_id, key.run_id, key.map_index))
            return [dict(row) for row in cursor]
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise
