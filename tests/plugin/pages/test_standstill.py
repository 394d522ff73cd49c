"""The reason for a standstill: what the page shows of the process and of both databases, and what is unknown."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from airflow_checkpoint_provider.engine.databases.questions.server_sessions import ServerSession
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.pages import standstill
from tests.plugin.test_requests import OWN, TARGET, Editor, client, databases, logged
from tests.support.databases.db import Db
from tests.support.plugin_events import after

__all__ = ["client", "databases", "logged"]

ALIVE = [("running", after(0), "worker_3", 77)]


def page_of(client: TestClient, monkeypatch: pytest.MonkeyPatch, life: list[Any]) -> str:
    monkeypatch.setattr(standstill, "signs_of_life", lambda instance: life)
    its = {**TARGET, "conn_id": "own", "table": OWN.table}
    answer = client.get("/standstill", params=its, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def test_who_waits_for_whom_and_since_when(
    client: TestClient, databases: dict[Place, Db], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = ServerSession("12", "ada from local", True, "active", 90.0, "UPDATE <t>", ("34",))
    holds = ServerSession("34", "bob from local", False, "idle in transaction", 7200.0, "DELETE")
    for conn_id in ("TARGET", "ERP"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id}", databases[OWN].uri)
    found = {"target": [holds, waits], "erp": None}
    monkeypatch.setattr(CheckpointHook, "server_sessions", lambda hook: found[hook.checkpoint_conn_id])
    page = page_of(client, monkeypatch, ALIVE)
    assert "The task instance is running, on worker_3 with process 77. Its last heartbeat was" in page
    destination, source = page.partition('<section id="source">')[::2]
    assert "Sessions wait for each other." in destination
    assert destination.index("<td>12</td>") < destination.index("<td>34</td>")
    for said in ('<span class="badge stalled">34</span>', "1 min 30 s", "2 h", "UPDATE &lt;t&gt;"):
        assert said in destination
    assert "This kind of database is not asked for its sessions." in source


def test_what_cannot_be_told_is_said(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    page = page_of(client, monkeypatch, [])
    assert "Airflow has no such task instance any more." in page
    assert "there is no Airflow connection &#39;erp&#39;" in page
    monkeypatch.setattr(Editor, "may_see_connection", lambda *_: False)
    page = page_of(client, monkeypatch, [("running", None, "", None)])
    assert "Airflow has no heartbeat of it." in page
    assert page.count("You may not see this connection in Airflow.") == 2
    assert "erp&#39;" not in page
