"""Loads inside task loops, available from Airflow 3.4 on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow import sdk
from airflow.sdk import DAG, Param, task_group

from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from tests.acceptance.gate import gated

PASSES = 3
LOAD: dict[str, Any] = {
    "task_id": "copy",
    "source_conn_id": "source",
    "destination_conn_id": "destination",
    "destination_table": "{{ params.table }}",
    "checkpoint_column": "order_id",
    "batch_size": 250,
    "rows_processor": gated,
    "retries": 2,
    "retry_delay": timedelta(seconds=1),
}
THIS_PASS = f"order_id % {PASSES} = {{{{ loop.index }}}}"

if hasattr(sdk, "LoopDecision"):
    params: dict[str, Any] = {"table": Param("orders", type="string")}

    with DAG("looped_orders", schedule=None, params=params):

        @task_group(prefix_group_id=False)
        def load_a_third() -> None:
            CheckpointedTransferOperator(
                sql=f"SELECT * FROM orders WHERE {THIS_PASS}",
                preoperator=f"DELETE FROM {{{{ params.table }}}} WHERE {THIS_PASS}",
                **LOAD,
            )

        load_a_third.loop(max_iterations=PASSES)  # type: ignore[attr-defined]

    with DAG("looped_until_caught_up", schedule=None, params=params):

        @task_group(prefix_group_id=False)
        def load_what_is_new() -> None:
            CheckpointedTransferOperator(
                sql="SELECT * FROM orders WHERE order_id <= {{ (loop.index + 1) * 7000 }}",
                scope="task",
                **LOAD,
            )

        load_what_is_new.loop(max_iterations=PASSES)  # type: ignore[attr-defined]

    with DAG("looped_and_mapped", schedule=None, params=params):

        @task_group(prefix_group_id=False)
        def load_parts() -> None:
            CheckpointedTransferOperator.partial(
                sql="SELECT * FROM orders WHERE region = :region", **{**LOAD, "retries": 0}
            ).expand(parameters=[{"region": "east"}, {"region": "west"}])

        load_parts.loop(max_iterations=2)  # type: ignore[attr-defined]
