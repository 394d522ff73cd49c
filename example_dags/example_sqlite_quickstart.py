"""
Copy a table so that a task that dies and is retried goes on after its last committed batch.

Needs the connections ``flights_source`` and ``warehouse``, and in both a table ``flights`` with a number ``flight_id``.
``make demo`` makes them, as two files of SQLite, and runs this.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

with DAG(
    "example_sqlite_quickstart",
    schedule=None,
    max_active_runs=1,
    params={"batch_size": Param(10_000, type="integer")},
):
    CheckpointedTransferOperator(
        task_id="load_flights",
        source_conn_id="flights_source",
        source_table="flights",
        destination_conn_id="warehouse",
        destination_table="flights",
        checkpoint_column="flight_id",
        write_mode="replace",
        batch_size="{{ params.batch_size }}",
        retries=2,
        retry_delay=timedelta(seconds=2),
    )
