"""The rights of the roles of FAB's auth manager in the view: nobody, Public, Viewer, User and Admin."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.acceptance.conftest import sqlite_connection
from tests.admin.test_search import row
from tests.support.airflow.airflow import LiveAirflow
from tests.support.databases.db import Db
from tests.support.waiting import wait_for

ROLES = ("Public", "Viewer", "User", "Admin")
MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
DAG = """
from airflow.sdk import DAG
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

with DAG("dag_0", schedule=None):
    CheckpointedTransferOperator(
        task_id="load", source_conn_id="s", source_table="t", destination_conn_id="d", destination_table="t"
    )
"""
TARGET = {
    "dag_id": "dag_0",
    "task_id": "load",
    "run_id": "run_0",
    "conn_id": "healthy",
    "table": "airflow_checkpoint",
}

Client = Callable[[str], httpx.Client]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveAirflow]:
    """An Airflow with a user of each role, a checkpoint, and a connection that nobody listens to."""
    home: Path = tmp_path_factory.mktemp("fab")
    (home / "dags").mkdir()
    (home / "dags" / "a_dag.py").write_text(DAG)
    database = Db("sqlite", str(home / "healthy.db"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_HEALTHY", database.uri)
        CheckpointHook("healthy").create_tables()
    database.insert("airflow_checkpoint", [row(0)])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {
        "AIRFLOW__CORE__AUTH_MANAGER": MANAGER,
        "AIRFLOW__CHECKPOINT__CONN_IDS": "healthy,gone",
        "AIRFLOW_CONN_HEALTHY": sqlite_connection(home / "healthy.db"),
        "AIRFLOW_CONN_GONE": f"postgres://ada:pa55word@127.0.0.1:{port}/db",
    }
    with LiveAirflow(home / "airflow", home / "dags", env) as airflow:
        passwords = {role: secrets.token_urlsafe(9) for role in ROLES}
        for role, password in passwords.items():
            who = [
                "-u",
                role,
                "-p",
                password,
                "-r",
                role,
                "-f",
                role,
                "-l",
                "Doe",
                "-e",
                f"{role}@example.org",
            ]
            command = airflow._command("users", "create", *who)
            airflow.processes.run(f"user-{role}", command, airflow.env, airflow.home)
        (airflow.home / "passwords.json").write_text(json.dumps(passwords))
        yield airflow


@pytest.fixture
def client(server: LiveAirflow) -> Iterator[Client]:
    clients: list[httpx.Client] = []

    def make(role: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {server.token(role)}"} if role else {}
        headers["Accept"] = "text/html"
        base = f"{server.url}/checkpoint"
        clients.append(httpx.Client(base_url=base, headers=headers, trust_env=False, timeout=60))
        return clients[-1]

    yield make
    for made in clients:
        made.close()


def shows_the_row(client: httpx.Client) -> bool:
    return "run_id=run_0" in client.get("/").text


def test_nobody(client: Client) -> None:
    for headers in ({}, {"Authorization": "Bearer x.y.z"}):
        answer = client("").get("/", headers=headers)
        assert answer.status_code in (401, 403)
        assert "run_0" not in answer.text


def test_public(client: Client) -> None:
    public = client("Public")
    assert "run_0" not in public.get("/").text
    assert public.get("/task", params=TARGET).status_code == 403
    assert public.post("/request", json={**TARGET, "action": "reload"}).status_code == 403


@pytest.mark.parametrize(("role", "may_act"), [("Viewer", False), ("User", True), ("Admin", True)])
def test_who_may_see_and_who_may_act(client: Client, role: str, may_act: bool) -> None:
    user = client(role)
    # Discovery needs some time to find a DAG that was parsed just now.
    wait_for(lambda: shows_the_row(user), "the checkpoint", timeout=120)
    page = user.get("/task", params=TARGET)
    assert page.status_code == 200
    assert ("Reload on next attempt" in page.text) is may_act
    asked = user.post("/request", json={**TARGET, "action": "reload"})
    assert asked.status_code == (200 if may_act else 403)
    gone = user.request("DELETE", "/checkpoint", json={**TARGET, "run_id": "no_such_run"})
    assert gone.status_code == (404 if may_act else 403)


@pytest.mark.parametrize(("role", "may_see"), [("Viewer", False), ("User", False), ("Admin", True)])
def test_who_is_told_why_a_connection_fails(client: Client, role: str, may_see: bool) -> None:
    page = client(role).get("/")
    assert "gone" in page.text
    assert ("cannot be opened" in page.text) is may_see
