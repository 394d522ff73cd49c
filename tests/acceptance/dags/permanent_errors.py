"""Loads whose errors no retry cures: with a retry policy, and in an Airflow that has none."""

from __future__ import annotations

from typing import Any

from airflow import sdk
from airflow.sdk import DAG, Param
from airflow.sdk.exceptions import AirflowFailException

from airflow_checkpoint_provider.engine.model.errors import PermanentError
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from airflow_checkpoint_provider.policies.retry import CheckpointRetryPolicy

LOAD: dict[str, Any] = {
    "task_id": "copy",
    "sql": "SELECT * FROM orders",
    "source_conn_id": "source",
    "destination_conn_id": "destination",
    "destination_table": "{{ params.table }}",
    "checkpoint_column": "no_such_column",
    "retries": 2,
}


class FailsAtOnce(CheckpointedTransferOperator):
    """Raises ``AirflowFailException``, after which Airflow does not retry."""

    def execute(self, context: Any) -> dict[str, Any]:
        try:
            return super().execute(context)
        except PermanentError as error:
            raise AirflowFailException(str(error)) from error


params: dict[str, Any] = {"table": Param("orders", type="string")}

with DAG("fails_at_once", schedule=None, params=params):
    FailsAtOnce(**LOAD)

if hasattr(sdk, "RetryPolicy"):
    with DAG("has_a_retry_policy", schedule=None, params=params):
        CheckpointedTransferOperator(**LOAD, retry_policy=CheckpointRetryPolicy())
