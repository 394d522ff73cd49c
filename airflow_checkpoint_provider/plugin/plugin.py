"""The names and addresses that Airflow imports in every process. The app itself is loaded by its first request."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowPlugin

if TYPE_CHECKING:
    from fastapi import FastAPI

PREFIX = "checkpoint"
"""The app's address, and the ``url_route`` of the task instance's tab."""

_TASK = "dag_id={DAG_ID}&task_id={TASK_ID}"
_TASK_INSTANCE = f"{_TASK}&run_id={{RUN_ID}}&map_index={{MAP_INDEX}}"


class LazyApp:
    """An ASGI app that is built by its first request, so that only API servers load FastAPI for it."""

    def __init__(self) -> None:
        self._app: FastAPI | None = None
        self._lock = threading.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)

    @property
    def app(self) -> FastAPI:
        """The app."""
        with self._lock:
            if self._app is None:
                from airflow_checkpoint_provider.plugin.app import create_app

                self._app = create_app()
            return self._app


_APPS = [{"app": LazyApp(), "url_prefix": f"/{PREFIX}", "name": "Checkpoints"}]
# An operator that is derived from the transfer has its fields, whatever its name. Used from Airflow 3.4 on.
_OF_TRANSFERS = {"task.template_fields": ["checkpoint_enabled"]}
# Relative addresses, so that they hold behind a proxy's prefix; each url_route can be used only once.
_VIEWS = [
    {
        "name": "Checkpoints",
        "href": f"{PREFIX}/",
        "destination": "nav",
        "category": "browse",
        "url_route": "checkpoints",
    },
    {
        "name": "Checkpoint",
        "href": f"{PREFIX}/task?tab=1&{_TASK_INSTANCE}",
        "destination": "task_instance",
        "url_route": PREFIX,
        "applies_to": _OF_TRANSFERS,
    },
    {
        "name": "Checkpoints",
        "href": f"{PREFIX}/task?tab=1&{_TASK}",
        "destination": "task",
        "url_route": "checkpoint-runs",
        "applies_to": _OF_TRANSFERS,
    },
]


class CheckpointPlugin(AirflowPlugin):
    """Adds Browse > Checkpoints, and a Checkpoint tab to tasks and task instances."""

    name = "checkpoint"
    fastapi_apps = _APPS
    external_views = _VIEWS
