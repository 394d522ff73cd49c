"""A load whose destination is known only at run time."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from tests.acceptance.gate import gated

PARAMS = {"table": Param("orders", type="string"), "destination": Param("elsewhere", type="string")}

with DAG("copy_elsewhere", schedule=None, params=PARAMS):
    CheckpointedTransferOperator(
        task_id="copy",
        sql="SELECT * FROM orders",
        source_conn_id="source",
        destination_conn_id="{{ params.destination }}",
        destination_table="{{ params.table }}",
        checkpoint_column="order_id",
        checkpoint_table="ops_checkpoint",
        batch_size=250,
        rows_processor=gated,
    )
