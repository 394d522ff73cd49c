"""A real API server with 80 concurrent viewers, while 20 databases accept connections and never answer."""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.acceptance.conftest import sqlite_connection
from tests.admin.test_search import row
from tests.support.airflow.airflow import LiveAirflow
from tests.support.airflow.config import IMPATIENT
from tests.support.databases.db import Db
from tests.support.waiting import wait_for

SILENT = 20
VIEWERS = 80


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveAirflow]:
    home: Path = tmp_path_factory.mktemp("view_load")
    (home / "dags").mkdir()
    database = Db("sqlite", str(home / "healthy.db"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_HEALTHY", database.uri)
        CheckpointHook("healthy").create_tables()
    database.insert("airflow_checkpoint", [row(n) for n in range(200)])
    env = {**IMPATIENT, "AIRFLOW_CONN_HEALTHY": sqlite_connection(home / "healthy.db")}
    with ExitStack() as stack:
        for number in range(SILENT):
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=50))
            port = listener.getsockname()[1]
            env[f"AIRFLOW_CONN_SILENT_{number}"] = f"postgres://ada:pa55word@127.0.0.1:{port}/db"
        names = [f"silent_{number}" for number in range(SILENT)]
        env["AIRFLOW__CHECKPOINT__CONN_IDS"] = ",".join([*names[:10], "healthy", *names[10:]])
        yield stack.enter_context(LiveAirflow(home / "airflow", home / "dags", env))


@pytest.fixture
def client(server: LiveAirflow) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {server.token('admin')}", "Accept": "text/html"}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=60) as client:
        yield client


def server_cpu(server: LiveAirflow) -> float:
    """Return the seconds of processor time that the API server has used."""
    process = psutil.Process(server.processes.pid("api-server"))
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def seconds(client: httpx.Client, path: str) -> float:
    began = time.monotonic()
    assert client.get(path).status_code == 200
    return time.monotonic() - began


def test_silent_databases_hide_no_healthy_one_and_hold_up_no_other_page(
    server: LiveAirflow, client: httpx.Client
) -> None:
    first = seconds(client, "/checkpoint/")  # detects the silent databases, in five seconds
    began = time.monotonic()
    page = client.get("/checkpoint/")
    assert time.monotonic() - began < first / 5
    assert page.text.count("badge completed") == 50
    assert page.text.count("It has not answered since") == SILENT
    body = {
        "dag_id": "dag_1",
        "task_id": "load",
        "run_id": "run_1",
        "conn_id": "healthy",
        "table": "airflow_checkpoint",
        "action": "reload",
    }
    assert client.post("/checkpoint/request", json=body).status_code == 200
    usual = statistics.median(seconds(client, "/api/v2/dags") for _ in range(10))
    over, answered = threading.Event(), []

    def look() -> None:
        with httpx.Client(
            base_url=client.base_url, headers=client.headers, trust_env=False, timeout=60
        ) as viewer:
            while not over.is_set():
                try:
                    answer = viewer.get("/checkpoint/")
                except httpx.TransportError:  # 80 connections at once exceed its socket's backlog
                    continue
                answered.append(answer.status_code)
                # A page refreshes itself every few seconds; a program obeys Retry-After.
                over.wait(float(answer.headers.get("retry-after", 0.5)))

    viewers = [threading.Thread(target=look) for _ in range(VIEWERS)]
    for viewer in viewers:
        viewer.start()
    wait_for(lambda: len(answered) > VIEWERS, "an answer for each viewer", timeout=120)
    began, used = time.monotonic(), server_cpu(server)
    busy = [seconds(client, "/api/v2/dags") for _ in range(20)]
    wait_for(lambda: answered.count(200) > 40, "pages", timeout=120)
    share = (server_cpu(server) - used) / (time.monotonic() - began)
    over.set()
    for viewer in viewers:
        viewer.join()
    assert set(answered) <= {200, 503}
    print(
        f"usual {usual:.3f}, busy median {statistics.median(busy):.3f}, most {max(busy):.3f}, {len(answered)} answers, "
        f"{share:.2f} of a core"
    )
    assert statistics.median(busy) < max(2 * usual, 0.5)
    # The rest of the core, which the process shares with Airflow's own routes, stays free.
    assert share < 0.75
