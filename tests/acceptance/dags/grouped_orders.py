"""The orders copied into several tables by the tasks of one group, one of them in partitions."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup
from tests.acceptance.gate import gated

with DAG("grouped_orders", schedule=None, params={"table": Param("orders", type="string")}):
    CheckpointedTransferGroup(
        group_id="shop",
        source_conn_id="source",
        destination_conn_id="destination",
        defaults={
            "sql": "SELECT * FROM orders",
            "destination_table": "{{ params.table }}_{table}",
            "write_mode": "replace",
            "checkpoint_column": "order_id",
            "batch_size": 250,
            "rows_processor": gated,
            "retries": 0,
        },
        tables={
            "archive": {},
            "lines": {"partitions": 3},
            "report": {"depends_on": ["stock"]},
            "stock": {},
            "totals": {"strategy": "none", "checkpoint_column": None},
        },
    )
