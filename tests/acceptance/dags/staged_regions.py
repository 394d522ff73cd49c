"""One staged load per region, mapped, and a task that publishes all of them together."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_checkpoint_provider.operators.publish import CheckpointPublishOperator
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from tests.acceptance.gate import gated
from tests.acceptance.orders import REGIONS

with DAG("staged_regions", schedule=None, params={"table": Param("orders", type="string")}):
    copy = CheckpointedTransferOperator.partial(
        task_id="copy",
        sql="SELECT * FROM orders WHERE region = :region",
        source_conn_id="source",
        destination_conn_id="destination",
        destination_table="{{ params.table }}",
        checkpoint_column="order_id",
        batch_size=100,
        write_mode="replace_atomic",
        publish=False,
        rows_processor=gated,
        retries=1,
        retry_delay=timedelta(seconds=1),
    ).expand(parameters=[{"region": region} for region in REGIONS])

    copy >> CheckpointPublishOperator(
        task_id="publish",
        transfer_task_id="copy",
        destination_conn_id="destination",
        destination_table="{{ params.table }}",
    )
