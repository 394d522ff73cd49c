"""A load whose ``retries`` the tests edit, as a user does between two attempts."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param, task

from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from tests.acceptance.gate import gated

RETRIES = 2

with DAG("edited_retries", schedule=None, params={"table": Param("orders", type="string")}):
    CheckpointedTransferOperator(
        task_id="copy",
        sql="SELECT * FROM orders",
        source_conn_id="source",
        destination_conn_id="destination",
        destination_table="{{ params.table }}",
        preoperator="DELETE FROM {{ params.table }}",
        checkpoint_column="order_id",
        batch_size=250,
        rows_processor=gated,
        retries=RETRIES,
        retry_delay=timedelta(seconds=1),
    )

    @task
    def neighbour() -> None:
        """Do nothing; tests clear this task."""

    neighbour()
