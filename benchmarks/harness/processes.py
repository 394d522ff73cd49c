"""The processes of the workers: fresh ones, or, where no time is measured, forks of one."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.harness import worker

REPOSITORY = Path(__file__).resolve().parents[2]

Connections = Mapping[str, str]


class FreshProcesses:
    """
    Every job in a new interpreter.

    :param folder: the working directory, and Airflow's home
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def work(self, job: dict[str, Any], connections: Connections) -> dict[str, Any]:
        """Run a job of :mod:`benchmarks.harness.worker`; add the seconds of the whole process to its outcome."""
        started = time.perf_counter()
        done = self.run(
            [sys.executable, "-m", "benchmarks.harness.worker"], connections, given=json.dumps(job)
        )
        seconds = time.perf_counter() - started
        return {**json.loads(done.splitlines()[-1]), "process_s": seconds}

    def run(self, command: list[str], environment: Mapping[str, str] | None = None, given: str = "") -> str:
        """
        Run a command and return what it prints.

        :raises RuntimeError: when it fails, with the end of its output
        """
        done = subprocess.run(
            command,
            input=given,
            capture_output=True,
            text=True,
            cwd=self._folder,
            env={**base_environment(self._folder), **(environment or {})},
        )
        if done.returncode:
            raise RuntimeError(f"{command[:3]} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done.stdout


class ForkedProcesses(FreshProcesses):
    """Every job in a fork of a process that has imported Airflow: quick, and useless as a measurement."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["benchmarks.harness.preload"])
        os.environ.update(base_environment(folder))
        self._pool = ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1)

    def work(self, job: dict[str, Any], connections: Connections) -> dict[str, Any]:
        if not job["warm"]:
            return super().work(job, connections)
        started = time.perf_counter()
        outcome = self._pool.submit(worker.run_quietly, job, dict(connections)).result()
        return {**outcome, "process_s": time.perf_counter() - started}


def base_environment(folder: Path) -> dict[str, str]:
    """
    Return the environment without the caller's Airflow, and with an empty one in its place.

    Modules are compiled once, as those of an installed package are, also where the caller's are not kept.
    """
    left_out = ("AIRFLOW", "PYTHONDONTWRITEBYTECODE")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY), inherited.get("PYTHONPATH")])),
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
