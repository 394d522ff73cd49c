"""All failed tables of a group started again at once: refused before anything is written, or done once."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from airflow_checkpoint_provider.engine.model.checkpoint import LOOP, Iteration
from airflow_checkpoint_provider.hooks.airflow_internals.group_runs import failed_in_run
from airflow_checkpoint_provider.hooks.discovery import Places
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin import access
from airflow_checkpoint_provider.plugin.app import create_app
from airflow_checkpoint_provider.plugin.tasks import failed_tables
from tests.plugin.pages.test_groups import ERP, OTHER, OWN, RUN, Reader, databases, empty, load, places, text
from tests.plugin.pages.test_now import sent
from tests.support.airflow.clients.view_client import JSON, airflow_tables
from tests.support.airflow.instance_rows import airflow_runs, set_state
from tests.support.databases.db import Db

__all__ = ["databases", "empty", "places"]

STATES = {
    ("customers", -1): "success",
    ("orders.load", 0): "success",
    ("orders.load", 1): "failed",
    ("countries", -1): "failed",
    ("audit", -1): "failed",  # without a checkpoint
    ("notes", -1): "running",
    ("publish", -1): "failed",
}
DAG_RUN = ("erp_load", "second")


@pytest.fixture
def client(databases: dict[Place, Db], places: Places) -> Iterator[TestClient]:
    databases[OTHER].execute("UPDATE airflow_checkpoint SET status = 'failed'")
    app = create_app()
    app.dependency_overrides[access.logged_in] = Reader
    instances = {
        ("erp_load", f"erp.{task}", "second", index): state for (task, index), state in STATES.items()
    }
    with (
        airflow_tables(),
        airflow_runs([(*DAG_RUN, "running")], instances),
        TestClient(app, raise_server_exceptions=False, headers=JSON) as opened,
    ):
        yield opened


def page(client: TestClient) -> str:
    return html.unescape(client.get("/group", params=RUN).text)


def dialog(client: TestClient, action: str = "resume") -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the dialog of an action sends: the request, and the clear that follows."""
    return sent(client.get("/group", params=RUN).text, f"dialog-{action}-failed-now")


def ask(client: TestClient, body: dict[str, Any], **changes: Any) -> Any:
    return client.post("/now/group", json={**body, **changes}, headers={"Accept": "application/json"})


def requests(database: Db) -> list[Any]:
    return database.rows("SELECT kind, task_id, map_index FROM airflow_checkpoint_event ORDER BY id")


def test_what_happens_is_told_before(client: TestClient) -> None:
    told = text(page(client))
    assert "Resume all failed now? 3 tables and 1 other task: 8 rows are kept" in told
    assert "One load has no checkpoint, and begins at the beginning." in told
    assert (
        "Reload all failed now? 3 tables and 1 other task: the 8 rows that are committed are loaded again"
        in told
    )
    body, clear = dialog(client)
    assert {**body, "seen": ""} == {
        **RUN,
        "run_id": "second",
        "action": "resume",
        "seen": "",
        "checkpoints": 2,
    }
    assert clear["address"] == "../api/v2/dags/erp_load/clearTaskInstances"
    assert clear["body"]["dag_run_id"] == "second"
    assert clear["body"]["task_ids"] == ["erp.audit", "erp.countries", ["erp.orders.load", 1], "erp.publish"]
    assert clear["body"]["prevent_running_task"]


def test_all_failed_tables_at_once_in_all_their_databases(
    client: TestClient, databases: dict[Place, Db], monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[Any] = []
    monkeypatch.setattr(failed_tables, "add_to_audit_log", lambda event, **told: logged.append((event, told)))
    body, _ = dialog(client)
    for _ in range(2):  # a double click
        answer = ask(client, body, reason="the disk is larger now")
        assert answer.status_code == 200, answer.text
    assert answer.json()["message"].startswith("4 task instances are cleared. The next attempt resumes")
    assert requests(databases[OWN]) == [("resume_requested", "erp.orders.load", 1)]
    assert requests(databases[OTHER]) == [("resume_requested", "erp.countries", -1)]
    event, told = logged[0]
    assert (event, told["dag_id"], told["run_id"]) == ("checkpoint_resume_now", *DAG_RUN)
    assert json.loads(told["extra"])["tasks"] == [
        ["erp.audit", -1],
        ["erp.countries", -1],
        ["erp.orders.load", 1],
        ["erp.publish", -1],
    ]


def test_a_reload_is_asked_for_in_the_same_way(client: TestClient, databases: dict[Place, Db]) -> None:
    assert ask(client, dialog(client, "reload")[0]).status_code == 200
    assert [kind for kind, *_ in requests(databases[OWN])] == ["reload_requested"]


@pytest.mark.parametrize(
    ("task", "state", "said"),
    [
        ("erp.countries", "running", "3 task instances of the group have failed now, and not those"),
        ("erp.notes", "failed", "5 task instances of the group have failed now, and not those"),
    ],
)
def test_a_page_that_is_stale(
    client: TestClient, databases: dict[Place, Db], task: str, state: str, said: str
) -> None:
    body, _ = dialog(client)
    set_state(("erp_load", task, "second", -1), state)
    answer = ask(client, body)
    assert (answer.status_code, said in answer.json()["detail"]) == (409, True)
    assert requests(databases[OWN]) == requests(databases[OTHER]) == []


def test_a_checkpoint_that_is_not_found_is_not_loaded_from_the_beginning(
    client: TestClient, databases: dict[Place, Db], monkeypatch: pytest.MonkeyPatch
) -> None:
    body, _ = dialog(client)
    databases[OTHER].execute("DELETE FROM airflow_checkpoint")
    answer = ask(client, body)
    assert answer.status_code == 409
    assert "1 checkpoints of these task instances are found, and not the 2" in answer.json()["detail"]
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", "postgres://nobody@127.0.0.1:1/x")
    assert ask(client, body).status_code == 503
    assert requests(databases[OWN]) == []


def test_a_task_loop_is_left_to_airflow(client: TestClient, databases: dict[Place, Db]) -> None:
    body, _ = dialog(client)
    fingerprint = json.dumps({LOOP: Iteration(2, "r").as_text()})
    looped = load("notes", 2, status="failed", fingerprint=fingerprint)
    databases[OWN].insert("airflow_checkpoint", [looped])
    set_state(("erp_load", "erp.notes", "second", -1), "failed")
    assert "resume-failed" not in page(client)
    body["seen"] = failed_tables._token(failed_in_run(*DAG_RUN, ERP.tasks, 10))
    answer = ask(client, body)
    assert (answer.status_code, "A task loop is among them" in answer.json()["detail"]) == (409, True)
    assert requests(databases[OWN]) == []


def test_so_many_can_be_started_together(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    body, _ = dialog(client)
    monkeypatch.setattr(failed_tables, "MOST", 3)
    assert "resume-failed" not in page(client)
    assert ask(client, body).status_code == 409


def test_nothing_that_has_failed_offers_nothing(client: TestClient, databases: dict[Place, Db]) -> None:
    body, _ = dialog(client)
    for task, index in STATES:
        set_state(("erp_load", f"erp.{task}", "second", index), "success")
    assert "resume-failed" not in page(client)
    assert ask(client, body).status_code == 409
    assert ask(client, body, group_id="erp.orders").status_code == 404
    assert ask(client, body, run_id="first").status_code == 409
    assert requests(databases[OWN]) == []


class Onlooker(Reader):
    """A user who may see the DAG, and not change it."""

    def may(self, method: str, dag_id: str | None) -> bool:
        return method == "GET"


def test_who_may_only_look_is_offered_nothing_and_refused(
    client: TestClient, databases: dict[Place, Db]
) -> None:
    body, _ = dialog(client)
    client.app.dependency_overrides[access.logged_in] = Onlooker  # type: ignore[attr-defined]
    told = page(client)
    assert "<dialog" not in told
    assert "failed" in told
    assert ask(client, body).status_code == 403
    foreign = client.post("/now/group", json=body, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert requests(databases[OWN]) == []
