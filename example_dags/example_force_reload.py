"""
Let whoever triggers the DAG choose to load from the beginning, whatever the checkpoint says.

Needs the connections ``shop`` and ``warehouse``, and in both a table ``orders`` with a primary key ``order_id``.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param

from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

reload = Param(False, type="boolean", description="Load everything again")

with DAG("example_force_reload", schedule=None, params={"reload": reload}):
    CheckpointedTransferOperator(
        task_id="load_orders",
        source_conn_id="shop",
        source_table="orders",
        destination_conn_id="warehouse",
        destination_table="orders",
        checkpoint_column="order_id",
        scope="task",
        write_mode="upsert",
        conflict_columns=["order_id"],
        force_reload="{{ params.reload }}",
        retries=3,
    )
