"""Disturbs the process of a task: kill -9, and a stop as on a frozen machine."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass

import psutil

from tests.support.airflow.clients.api import AirflowApi, TaskKey
from tests.support.airflow.processes import ProcessFamily
from tests.support.waiting import wait_for


@dataclass(frozen=True)
class TaskProcess:
    """
    One running attempt: the process that runs the operator, and the supervisor that watches it.

    Killed alone, the task process is reported by its supervisor, and Airflow retries at once. A stopped
    supervisor sends no heartbeats, so Airflow counts the whole attempt as lost.
    """

    key: TaskKey
    try_number: int
    pid: int
    supervisor: int

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def kill_with_supervisor(self) -> None:
        os.kill(self.supervisor, signal.SIGKILL)
        os.kill(self.pid, signal.SIGKILL)

    def terminate_with_supervisor(self) -> None:
        """Terminate as at the shutdown of a worker."""
        os.kill(self.supervisor, signal.SIGTERM)
        os.kill(self.pid, signal.SIGTERM)

    def pause_with_supervisor(self) -> None:
        os.kill(self.supervisor, signal.SIGSTOP)
        os.kill(self.pid, signal.SIGSTOP)

    def wake(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def wake_supervisor(self) -> None:
        os.kill(self.supervisor, signal.SIGCONT)

    def is_alive(self) -> bool:
        with contextlib.suppress(psutil.NoSuchProcess):
            return bool(psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE)
        return False

    def wait_until_gone(self, timeout: float = 30) -> None:
        wait_for(lambda: not self.is_alive(), f"the end of process {self.pid} of {self.key}", timeout)


class TaskProcesses:
    """Finds the processes of running task instances."""

    def __init__(self, api: AirflowApi, family: ProcessFamily) -> None:
        self._api = api
        self._family = family

    def find(self, key: TaskKey) -> TaskProcess | None:
        """The process executing this task instance now, or ``None``."""
        instance = self._api.task_instance(key)
        if not instance or instance["state"] != "running" or not instance["pid"]:
            return None
        # Airflow stores the pid of the task process itself when an attempt starts.
        pid = int(instance["pid"])
        if not self._family.owns(pid):
            return None
        try:
            return TaskProcess(key, instance["try_number"], pid, psutil.Process(pid).ppid())
        except psutil.NoSuchProcess:
            return None

    def wait_for(self, key: TaskKey, try_number: int | None = None, timeout: float = 60) -> TaskProcess:
        """Wait until an attempt of the task runs: any, or the given one."""

        def running() -> TaskProcess | None:
            process = self.find(key)
            return process if process and try_number in (None, process.try_number) else None

        return wait_for(
            running,
            f"a process of {key}" + (f", attempt {try_number}" if try_number else ""),
            timeout,
            explain=lambda: self._api.task_instance(key),
        )
