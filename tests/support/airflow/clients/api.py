"""Airflow's REST API, as far as the tests and the demo need it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from tests.support.airflow.clients.client import ApiClient, Json
from tests.support.waiting import wait_for

FINISHED = ("success", "failed", "upstream_failed", "skipped", "removed")


@dataclass(frozen=True)
class TaskKey:
    """The key of a task instance, the same for all attempts."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1

    def __str__(self) -> str:
        index = f"[{self.map_index}]" if self.map_index >= 0 else ""
        return f"{self.dag_id}.{self.task_id}{index} ({self.run_id})"


class AirflowApi(ApiClient):
    """The tests' requests to Airflow."""

    # DAGs

    def dag(self, dag_id: str) -> Json | None:
        return self.get_or_none(f"/dags/{quote(dag_id)}")

    def wait_for_dag(self, dag_id: str, timeout: float = 60) -> Json:
        return wait_for(
            lambda: self.dag(dag_id), f"DAG {dag_id} to be parsed", timeout, explain=self.import_errors
        )

    def import_errors(self) -> str:
        errors = self.request("GET", "/importErrors").json()["import_errors"]
        return "\n".join(f"{error['filename']}: {error['stack_trace']}" for error in errors)

    def task(self, dag_id: str, task_id: str) -> Json:
        """The task in the newest parsed version of the DAG."""
        return dict(self.request("GET", f"/dags/{quote(dag_id)}/tasks/{quote(task_id)}").json())

    @contextmanager
    def paused(self, dag_id: str) -> Iterator[None]:
        """Pause a DAG for the ``with`` block."""
        self.request("PATCH", f"/dags/{quote(dag_id)}", json={"is_paused": True})
        try:
            yield
        finally:
            self.request("PATCH", f"/dags/{quote(dag_id)}", json={"is_paused": False})

    def parse_now(self, dag_id: str) -> None:
        """Ask the DAG processor to read the DAG's file next."""
        dag = self.dag(dag_id)
        assert dag is not None
        try:
            self.request("PUT", f"/parseDagFile/{dag['file_token']}")
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.CONFLICT:  # already requested
                raise

    # Connections

    def add_connection(self, conn_id: str, conn_type: str, **fields: Any) -> None:
        """Add a connection to the metadata database."""
        body = {"connection_id": conn_id, "conn_type": conn_type, **fields}
        self.request("POST", "/connections", json=body)

    # DAG runs

    def trigger(self, dag_id: str, conf: Json | None = None, run_id: str | None = None) -> str:
        """Start a run and return its id."""
        self.wait_for_dag(dag_id)
        body: Json = {"logical_date": None, "conf": conf or {}}
        if run_id:
            body["dag_run_id"] = run_id
        return str(self.request("POST", f"/dags/{quote(dag_id)}/dagRuns", json=body).json()["dag_run_id"])

    def dag_run(self, dag_id: str, run_id: str) -> Json:
        return dict(self.request("GET", self._run_path(dag_id, run_id)).json())

    def wait_for_run(self, dag_id: str, run_id: str, timeout: float = 120) -> str:
        """Wait until the run has ended and return its state."""

        def state() -> str | None:
            found = str(self.dag_run(dag_id, run_id)["state"])
            return found if found in ("success", "failed") else None

        return wait_for(
            state,
            f"run {run_id} of {dag_id} to end",
            timeout,
            explain=lambda: self.task_instances(dag_id, run_id),
        )

    def clear_run(self, dag_id: str, run_id: str) -> None:
        body = {"dry_run": False, "only_failed": False}
        self.request("POST", f"{self._run_path(dag_id, run_id)}/clear", json=body)

    # Task instances

    def task_instances(self, dag_id: str, run_id: str) -> list[Json]:
        path = f"{self._run_path(dag_id, run_id)}/taskInstances"
        return list(self.request("GET", path).json()["task_instances"])

    def task_instance(self, key: TaskKey) -> Json | None:
        mapped = f"/{key.map_index}" if key.map_index >= 0 else ""
        return self.get_or_none(self._task_path(key) + mapped)

    def tries(self, key: TaskKey) -> list[Json]:
        """The attempts of a task instance, oldest first."""
        mapped = f"/{key.map_index}" if key.map_index >= 0 else ""
        path = f"{self._task_path(key)}{mapped}/tries"
        return list(self.request("GET", path).json()["task_instances"])

    def wait_for_task(
        self, key: TaskKey, *states: str, try_number: int | None = None, timeout: float = 90
    ) -> Json:
        """
        Wait until the task instance is in one of the states (default: any final one) and return it.

        :param try_number: the attempt that must have reached the state; needed after a clear, while
            Airflow still returns the state of the previous attempt
        """
        wanted = states or FINISHED

        def reached() -> Json | None:
            found = self.task_instance(key)
            if not found or found["state"] not in wanted:
                return None
            return found if try_number in (None, found["try_number"]) else None

        return wait_for(
            reached,
            f"{key} to be {' or '.join(wanted)}" + (f" in attempt {try_number}" if try_number else ""),
            timeout,
            explain=lambda: f"it is: {self.task_instance(key)}",
        )

    def clear(self, key: TaskKey, **options: Any) -> None:
        """Clear this task instance only, whatever its state, as the UI's Clear button does."""
        task: object = [key.task_id, key.map_index] if key.map_index >= 0 else key.task_id
        body = {
            "dry_run": False,
            "dag_run_id": key.run_id,
            "task_ids": [task],
            "only_failed": False,
            "reset_dag_runs": True,
            **options,
        }
        self.request("POST", f"/dags/{quote(key.dag_id)}/clearTaskInstances", json=body)

    def task_state(self, key: TaskKey) -> Json:
        """The task state store of a task instance, by key; from Airflow 3.3 on."""
        entries = self.request("GET", f"{self._task_path(key)}/state-store").json()["task_state_store"]
        return {entry["key"]: entry["value"] for entry in entries}

    def discard_task_state(self, key: TaskKey) -> None:
        """Empty the task state store of a task instance, as its page in the UI does."""
        self.request("DELETE", f"{self._task_path(key)}/state-store")

    def mark_failed(self, key: TaskKey) -> None:
        """Mark as failed, as the UI does, also a running task."""
        mapped = f"/{key.map_index}" if key.map_index >= 0 else ""
        self.request("PATCH", self._task_path(key) + mapped, json={"new_state": "failed"})

    def log(self, key: TaskKey, try_number: int) -> list[str]:
        """The messages of an attempt's log, without times and levels, each error after its message."""
        response = self.request(
            "GET",
            f"{self._task_path(key)}/logs/{try_number}",
            params={"map_index": key.map_index, "full_content": True},
            headers={"Accept": "application/json"},
        )
        content = response.json()["content"]
        return [_message(line) if isinstance(line, dict) else str(line) for line in content]

    def xcom(self, key: TaskKey, name: str = "return_value") -> Any:
        path = f"{self._task_path(key)}/xcomEntries/{quote(name)}"
        return self.request("GET", path, params={"map_index": key.map_index}).json()["value"]

    def extra_links(self, key: TaskKey) -> Json:
        """The extra links of a task instance, by name."""
        path = f"{self._task_path(key)}/links"
        return dict(self.request("GET", path, params={"map_index": key.map_index}).json()["extra_links"])

    @staticmethod
    def _run_path(dag_id: str, run_id: str) -> str:
        return f"/dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}"

    def _task_path(self, key: TaskKey) -> str:
        return f"{self._run_path(key.dag_id, key.run_id)}/taskInstances/{quote(key.task_id)}"


def _message(line: Json) -> str:
    errors = [f"{error['exc_type']}: {error['exc_value']}" for error in line.get("error_detail") or []]
    return "\n".join([str(line["event"]), *errors])
