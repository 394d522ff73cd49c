"""Sensors that wait for the load of another DAG, in the triggerer."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param

from airflow_checkpoint_provider.sensors.checkpoint import CheckpointSensor

PARAMS: dict[str, Any] = {"run_id": Param("none", type="string")}


def wait(task_id: str, **goal: Any) -> CheckpointSensor:
    return CheckpointSensor(
        task_id=task_id,
        # Not in the environment: the triggerer has to request the connection.
        checkpoint_conn_id="stored_destination",
        external_dag_id="copy_orders",
        external_task_id="copy",
        external_run_id="{{ params.run_id }}",
        on_failed="wait",
        poke_interval=0.5,
        timeout=120,
        deferrable=True,
        **goal,
    )


with DAG("wait_for_orders", schedule=None, params=PARAMS):
    wait("first_rows", min_rows=500)
    wait("all_rows")
