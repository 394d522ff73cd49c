"""The orders in eight partitions, each loaded by its own task instance."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_checkpoint_provider.operators.partition import CheckpointPartitionOperator
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from tests.acceptance.gate import gated

with DAG("partitioned_orders", schedule=None, params={"table": Param("orders", type="string")}):
    plan = CheckpointPartitionOperator(
        task_id="plan",
        source_conn_id="source",
        sql="SELECT * FROM orders",
        checkpoint_column="order_id",
        partitions=8,
    )
    CheckpointedTransferOperator.partial(
        task_id="copy",
        source_conn_id="source",
        sql="SELECT * FROM orders",
        checkpoint_column="order_id",
        destination_conn_id="destination",
        destination_table="{{ params.table }}",
        write_mode="replace",
        batch_size=100,
        rows_processor=gated,
        retries=2,
        retry_delay=timedelta(seconds=1),
    ).expand(partition=plan.output)
