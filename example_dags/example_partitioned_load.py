"""
Load one table by four tasks at a time: each has a range of the key, and a checkpoint of its own.

Needs the connections ``flights_source`` and ``warehouse``, and in both a table ``flights`` with a number ``flight_id``.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_checkpoint_provider.operators.partition import CheckpointPartitionOperator
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

with DAG("example_partitioned_load", schedule=None, params={"parts": Param(4, type="integer", minimum=1)}):
    plan = CheckpointPartitionOperator(
        task_id="plan_flights",
        source_conn_id="flights_source",
        source_table="flights",
        checkpoint_column="flight_id",
        partitions="{{ params.parts }}",
    )
    CheckpointedTransferOperator.partial(
        task_id="load_flights",
        source_conn_id="flights_source",
        source_table="flights",
        destination_conn_id="warehouse",
        destination_table="flights",
        checkpoint_column="flight_id",
        write_mode="replace",
        max_active_tis_per_dagrun=4,
        retries=2,
        retry_delay=timedelta(seconds=2),
    ).expand(partition=plan.output)
