"""
Begin to work with the first rows of a load while it goes on, and fail early when it stands still.

Needs the connections ``flights_source`` and ``warehouse``, in both a table ``flights`` with a number ``flight_id``,
of more than 100,000 rows in the first; and a triggerer.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, task

from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from airflow_checkpoint_provider.sensors.checkpoint import CheckpointSensor

with DAG("example_wait_for_rows", schedule=None, max_active_runs=1):
    CheckpointedTransferOperator(
        task_id="load_flights",
        source_conn_id="flights_source",
        source_table="flights",
        destination_conn_id="warehouse",
        destination_table="flights",
        checkpoint_column="flight_id",
        write_mode="replace",
        retries=2,
        retry_delay=timedelta(seconds=2),
    )
    first_rows = CheckpointSensor(
        task_id="first_rows",
        checkpoint_conn_id="warehouse",
        external_task_id="load_flights",
        min_rows=100_000,
        stalled_after=timedelta(minutes=10),
        on_failed="wait",
        poke_interval=10,
        deferrable=True,
    )

    @task
    def preview(state: dict[str, object]) -> None:
        print(f"{state['rows']} rows are there, up to {state['checkpoint']}")

    preview(first_rows.output)
