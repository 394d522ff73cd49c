"""
Keep a table up to date: each run loads what has changed since the last one, and a little before that.

Needs the connections ``shop`` and ``warehouse``, and in both a table ``customers`` with a primary key ``customer_id``
and the time of the last change in ``updated_at``.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

with DAG("example_changed_rows", schedule=None, max_active_runs=1):
    CheckpointedTransferOperator(
        task_id="load_customers",
        source_conn_id="shop",
        source_table="customers",
        destination_conn_id="warehouse",
        destination_table="customers",
        checkpoint_column="updated_at",
        scope="task",
        # A row may become visible later than its time says: read the last hour again, and update what is there.
        lookback=timedelta(hours=1),
        write_mode="upsert",
        conflict_columns=["customer_id"],
        retries=3,
    )
