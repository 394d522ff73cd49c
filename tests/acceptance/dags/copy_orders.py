"""The load that most tests interrupt: with retries, without retries, and beside another task."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from tests.acceptance.gate import gated

PARAMS: dict[str, Any] = {"table": Param("orders", type="string")}


def copy_orders(retries: int, **more: Any) -> CheckpointedTransferOperator:
    return CheckpointedTransferOperator(
        task_id="copy",
        sql="SELECT * FROM orders",
        source_conn_id="source",
        destination_conn_id="destination",
        destination_table="{{ params.table }}",
        preoperator="DELETE FROM {{ params.table }}",
        checkpoint_column="order_id",
        batch_size=250,
        rows_processor=gated,
        retries=retries,
        retry_delay=timedelta(seconds=1),
        **more,
    )


with DAG("copy_orders", schedule=None, params=PARAMS):
    copy_orders(retries=2)

with DAG("copy_orders_once", schedule=None, params=PARAMS):
    copy_orders(retries=0)

with DAG("copy_good_orders", schedule=None, params=PARAMS):
    copy_orders(retries=0, on_bad_row="reject")

with DAG("copy_orders_in_time", schedule=None, params=PARAMS):
    copy_orders(retries=2, execution_timeout=timedelta(seconds=6))

with DAG("copy_orders_with_neighbour", schedule=None, params=PARAMS):
    copy_orders(retries=2)

    @task
    def neighbour() -> None:
        """Do nothing; tests clear this task."""

    neighbour()
