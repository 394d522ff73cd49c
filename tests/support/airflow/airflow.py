"""A real Airflow: scheduler, DAG processor, API server and triggerer, and workers where the executor needs them."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import httpx

from tests.support.airflow.clients.api import AirflowApi
from tests.support.airflow.config import COMPONENT_VARIABLE, environment
from tests.support.airflow.mended import mend_in
from tests.support.airflow.processes import ProcessFamily
from tests.support.airflow.tasks import TaskProcesses
from tests.support.waiting import wait_for

COMPONENTS = {
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "api-server": ["api-server"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
# Marks a directory that may be emptied, which excludes a person's own ~/airflow.
MARKER = ".live-airflow"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LiveAirflow:
    """
    A context manager: none of its processes survives the ``with`` block, nor this process.

    :param home: becomes AIRFLOW_HOME; an earlier Airflow in it is removed
    :param dags: the folder of DAG files
    :param env: further environment of every Airflow process, such as AIRFLOW_CONN_<ID>
    :param workers: the commands of additional components, by name
    """

    user = "admin"

    def __init__(
        self,
        home: Path,
        dags: Path,
        env: Mapping[str, str] | None = None,
        workers: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.home = home.resolve()
        self.components = {**COMPONENTS, **(workers or {})}
        self.password = secrets.token_urlsafe(9)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = environment(self.home, dags.resolve(), self.port, self.password, env or {})
        self.processes = ProcessFamily(self.home / "components")
        self.api = AirflowApi(self.url, self.user, self.password)
        self.tasks = TaskProcesses(self.api, self.processes)

    def __enter__(self) -> LiveAirflow:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        self._empty_home()
        mend_in(self.home)
        (self.home / "passwords.json").write_text(json.dumps({self.user: self.password}))
        self.processes.run("db-migrate", self._command("db", "migrate"), self.env, self.home)
        for name in self.components:
            self._start(name)
        wait_for(self._healthy, "a healthy Airflow", timeout=120, interval=0.2, explain=self.diagnosis)

    def _empty_home(self) -> None:
        if self.home.exists() and any(self.home.iterdir()) and not (self.home / MARKER).exists():
            raise RuntimeError(f"{self.home} is not empty and no test made it; choose another directory")
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        (self.home / MARKER).touch()

    def token(self, user: str) -> str:
        """Log a user in, and return the token."""
        login = {
            "username": user,
            "password": json.loads((self.home / "passwords.json").read_text())[user],
        }
        answer = httpx.post(f"{self.url}/auth/token", json=login, trust_env=False, timeout=30)
        return str(answer.raise_for_status().json()["access_token"])

    def stop(self) -> None:
        self.api.close()
        self.processes.stop()

    def kill(self, name: str) -> None:
        """Kill a component, as a machine failure does."""
        self.processes.kill(name)

    def revive(self, name: str) -> None:
        """Start a killed component."""
        self._start(name)

    def _start(self, name: str) -> None:
        env = {**self.env, COMPONENT_VARIABLE: name}
        self.processes.start(name, self._command(*self.components[name]), env, self.home)

    def diagnosis(self) -> str:
        """The last lines of every component's log, for the error message of a failed wait."""
        return "\n".join(self.processes.tail(name, lines=15) for name in self.components)

    def _healthy(self) -> bool:
        self.processes.raise_if_dead()
        return self.api.is_healthy()

    @staticmethod
    def _command(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "airflow", *arguments]
