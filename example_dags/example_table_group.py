"""
Load a shop's tables in one declaration: each is a task with a checkpoint of its own, the largest one several.

The rows of ``customers`` and ``orders`` become visible together, in one transaction.

Needs the connections ``shop`` and ``warehouse``. In ``shop`` there are tables ``customers`` and ``orders``, each with a
number as its primary key, and ``currencies``; in ``warehouse`` they are created.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup

with DAG("example_table_group", schedule=None):
    CheckpointedTransferGroup(
        group_id="shop",
        source_conn_id="shop",
        destination_conn_id="warehouse",
        publish_together=True,
        defaults={
            "destination_table": "shop_{table}",
            "create_table": "missing",
            "write_mode": "replace_atomic",
            "retries": 2,
            "retry_delay": timedelta(seconds=2),
        },
        tables={
            "customers": {},
            "orders": {"partitions": 4, "max_active_tis_per_dagrun": 2, "depends_on": ["customers"]},
            "currencies": {"strategy": "none", "write_mode": "replace"},
        },
    )
