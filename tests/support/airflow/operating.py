"""Runs the operator as a task does, without a running Airflow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator


@dataclass
class TaskInstance:
    """The attributes of a task instance that the operator reads."""

    dag_id: str = "a_dag"
    task_id: str = "copy"
    run_id: str = "run_1"
    map_index: int | None = -1
    try_number: int = 1
    max_tries: int = 3


@dataclass
class DagRun:
    run_after: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    clear_number: int = 0


def operator(**changes: Any) -> CheckpointedTransferOperator:
    arguments: dict[str, Any] = {
        "task_id": "copy",
        "source_table": "orders",
        "source_conn_id": "src",
        "destination_conn_id": "dst",
        "destination_table": "target",
        "batch_size": 300,
        "retries": 3,
    }
    return CheckpointedTransferOperator(**{**arguments, **changes})


def context(**changes: Any) -> dict[str, Any]:
    return {"ti": TaskInstance(**changes), "dag_run": DagRun()}


def execute(task: CheckpointedTransferOperator, **changes: Any) -> dict[str, Any]:
    return task.execute(context(**changes))  # type: ignore[arg-type]
