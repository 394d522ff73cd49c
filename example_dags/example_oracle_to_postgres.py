"""
Load a table of facts from Oracle into Postgres by its transaction number; a retry goes on after the last batch.

Needs the connections ``sales_oracle``, with a table ``sales``, and ``warehouse``, in which the table is created.
``docker compose up`` has both.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

with DAG("example_oracle_to_postgres", schedule=None, max_active_runs=1):
    CheckpointedTransferOperator(
        task_id="load_sales",
        source_conn_id="sales_oracle",
        sql="SELECT transaction_id, store_id, amount, sold_at FROM sales",
        destination_conn_id="warehouse",
        destination_table="sales",
        checkpoint_column="transaction_id",
        batch_size=10_000,
        preoperator=[
            "CREATE TABLE IF NOT EXISTS sales (transaction_id bigint PRIMARY KEY, store_id integer NOT NULL, "
            "amount numeric(12, 2) NOT NULL, sold_at timestamp NOT NULL)",
            "DELETE FROM sales",
        ],
        retries=3,
        retry_delay=timedelta(seconds=30),
    )
