"""
Fail, and so alert whoever is told of failures, when a load says that it runs but has committed nothing for long.

Needs the connection ``warehouse``, into which something was loaded before. Give the DAG a schedule, such as every ten
minutes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, task

from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook

with DAG("example_stalled_alert", schedule=None):

    @task
    def look_for_stalled_loads() -> None:
        before = datetime.now(UTC) - timedelta(minutes=30)
        stalled = CheckpointHook("warehouse").list(status="running", updated_before=before)
        if stalled:
            names = "; ".join(
                f"{one.identity} since {one.committed_at:%Y-%m-%d %H:%M} UTC" for one in stalled
            )
            raise RuntimeError(f"{len(stalled)} loads have stalled: {names}")

    look_for_stalled_loads()
