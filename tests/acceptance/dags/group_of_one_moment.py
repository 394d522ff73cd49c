"""Two tables that refer to each other, read as of one moment of Postgres."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup
from tests.acceptance.gate import gated

with DAG(
    "group_of_one_moment",
    schedule=None,
    default_args={"retries": 1, "retry_delay": timedelta(seconds=1)},
):
    CheckpointedTransferGroup(
        "erp",
        source_conn_id="moment_source",
        destination_conn_id="moment_destination",
        as_of="now",
        defaults={
            "write_mode": "replace",
            "destination_table": "{table}",
            "checkpoint_column": "n",
            "batch_size": 100,
        },
        tables={
            "parents": {"rows_processor": gated},
            "children": {"depends_on": "parents", "partitions": 2},
        },
    )
