"""The link from a task instance to its checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow.providers.common.compat.sdk import BaseOperatorLink, conf

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, TaskInstanceKey

URL_ROUTE = "checkpoint"
"""The ``url_route`` of the view on a task instance's page."""


class CheckpointLink(BaseOperatorLink):
    """Leads to the Checkpoint tab of the task instance."""

    name = "Checkpoint"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address of the page, below ``[api] base_url``."""
        base = (conf.get("api", "base_url", fallback="/") or "/").rstrip("/")
        dag, run, task = (quote(part, safe="") for part in (ti_key.dag_id, ti_key.run_id, ti_key.task_id))
        index = ti_key.map_index
        mapped = f"/mapped/{index}" if index is not None and index >= 0 else ""
        return f"{base}/dags/{dag}/runs/{run}/tasks/{task}{mapped}/plugin/{URL_ROUTE}"
