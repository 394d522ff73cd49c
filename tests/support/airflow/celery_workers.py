"""Workers of Airflow's CeleryExecutor, each under a machine name of its own, and their broker."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.airflow.airflow import free_port
from tests.support.airflow.config import COMPONENT_VARIABLE
from tests.support.airflow.processes import ProcessFamily
from tests.support.waiting import wait_for


def worker(name: str, concurrency: int) -> list[str]:
    """Return the command of a worker that runs ``concurrency`` tasks at a time."""
    return [
        *("celery", "worker", "--celery-hostname", name, "--concurrency", str(concurrency)),
        *("--skip-serve-logs", "--without-mingle", "--without-gossip"),
    ]


def settings(broker: str) -> dict[str, str]:
    """Return Airflow's settings for workers of this broker."""
    return {
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": f"{__name__}.{component.__name__}",
        "AIRFLOW__CELERY__BROKER_URL": broker,
        # Publishing takes longer than the default of one second where all components share two cores.
        "AIRFLOW__CELERY__OPERATION_TIMEOUT": "20",
    }


def component() -> str:
    """Return the component of this process, as the name of its machine."""
    return os.environ[COMPONENT_VARIABLE]


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """Start an empty server without persistence, and yield its URL."""
    port = free_port()
    address = ["--bind", "127.0.0.1", "--port", str(port)]
    command = ["redis-server", *address, "--dir", str(folder), "--save", "", "--appendonly", "no"]
    with ProcessFamily(folder) as processes:
        processes.start("redis", command, os.environ, folder)

        def answers() -> bool:
            processes.raise_if_dead()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_for(answers, "a Redis server", timeout=20)
        yield f"redis://127.0.0.1:{port}/0"
