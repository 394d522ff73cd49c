"""
Load a small table whole every time: it is over so soon that a checkpoint would be of no use.

Needs the connections ``shop`` and ``warehouse``, and a table ``currencies`` in both.
"""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

with DAG("example_lookup_table", schedule=None, max_active_runs=1):
    CheckpointedTransferOperator(
        task_id="load_currencies",
        source_conn_id="shop",
        source_table="currencies",
        destination_conn_id="warehouse",
        destination_table="currencies",
        strategy="none",
        write_mode="replace",
        retries=3,
    )
