"""
Load a view that has no key: rows are counted, and a retry first proves that the last one is still in its place.

Needs the connections ``shop``, with a view ``revenue_by_region``, and ``warehouse``, with a table ``revenue``, both
with the columns ``region`` and ``revenue``.
"""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

with DAG("example_view_without_key", schedule=None, max_active_runs=1):
    CheckpointedTransferOperator(
        task_id="load_revenue",
        source_conn_id="shop",
        sql="SELECT region, revenue FROM revenue_by_region ORDER BY region, revenue",
        destination_conn_id="warehouse",
        destination_table="revenue",
        strategy="python",
        on_source_change="reload",
        write_mode="replace",
        retries=3,
    )
