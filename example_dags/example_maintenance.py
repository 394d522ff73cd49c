"""
Delete the checkpoints of loads that were completed long ago, with their history.

Needs the connection ``warehouse``, into which something was loaded before. Give the DAG a schedule, such as ``@daily``.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, task

from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook

with DAG("example_maintenance", schedule=None):

    @task
    def purge_old_checkpoints() -> int:
        return CheckpointHook("warehouse").purge(older_than=timedelta(days=90), status="completed")

    purge_old_checkpoints()
