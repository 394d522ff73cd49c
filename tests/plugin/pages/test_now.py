"""Resume and reload now: requests refused before anything is written, and the information shown beforehand."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from unittest.mock import Mock

import pytest
from starlette.testclient import TestClient

from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin import actions, starting
from airflow_checkpoint_provider.plugin.display.ahead import Ahead, seen
from airflow_checkpoint_provider.plugin.tasks import clearing
from tests.admin.test_search import row
from tests.plugin.test_requests import OWN, TARGET, client, databases, entries, logged
from tests.support.databases.db import Db
from tests.support.plugin_events import checkpoint

__all__ = ["client", "databases", "logged"]


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> dict[int, str]:
    """The states of the task's instances by map index, as Airflow has them."""
    known = {-1: "failed"}
    monkeypatch.setattr(
        starting, "states_of", lambda asked: {one: {known[one[3]]} for one in asked if one[3] in known}
    )
    monkeypatch.setattr(clearing, "states_in_run", lambda *_: known)
    monkeypatch.setattr(starting, "is_paused", lambda dag_id: False)
    monkeypatch.setattr(starting, "add_to_audit_log", Mock())
    return known


def ask(client: TestClient, **changes: Any) -> Any:
    stored = CheckpointHook("own").get(**TARGET)
    assert stored
    body = {**TARGET, "conn_id": "own", "table": OWN.table, "action": "resume", "seen": seen(stored)}
    return client.post("/now", json={**body, **changes})


def test_the_request_is_written_down_once_and_both_records_tell_of_it(
    client: TestClient, databases: dict[Place, Db], states: dict[int, str], logged: Mock
) -> None:
    answers = [ask(client).json() for _ in range(2)]
    assert answers[0]["message"] == (
        "The task instance is cleared. The next attempt resumes as soon as Airflow starts it."
    )
    assert entries(databases[OWN]) == [("resume_requested", "mine", "run_1")]
    assert logged.call_args.args == ("checkpoint_resume_now",)
    assert ask(client, action="reload").status_code == 200
    assert [kind for kind, *_ in entries(databases[OWN])] == ["resume_requested", "reload_requested"]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("running", "An attempt is at work: the task instance is running."),
        ("restarting", "An attempt is at work: the task instance is restarting."),
        ("queued", "the task instance is queued, so an attempt may be about to begin."),
        ("none", "the task instance is without a state, so an attempt may be about to begin."),
        (None, "Airflow has no such task instance any more"),
    ],
)
def test_a_task_instance_that_is_not_over(
    client: TestClient,
    databases: dict[Place, Db],
    states: dict[int, str],
    logged: Mock,
    state: str | None,
    said: str,
) -> None:
    states.clear()
    if state:
        states[-1] = state
    answer = ask(client)
    assert (answer.status_code, said in answer.json()["detail"]) == (409, True)
    assert (entries(databases[OWN]), logged.called) == ([], False)


def test_a_page_that_is_stale(
    client: TestClient, databases: dict[Place, Db], states: dict[int, str], logged: Mock
) -> None:
    stored = CheckpointHook("own").get(**TARGET)
    assert stored
    databases[OWN].execute(
        "UPDATE airflow_checkpoint SET fence = 2, rows_written = 1234 WHERE dag_id = 'mine'"
    )
    answer = ask(client, seen=seen(stored))
    assert answer.status_code == 409
    assert "it is completed, with 1,234 rows committed. Reload the page" in answer.json()["detail"]
    assert (entries(databases[OWN]), logged.called) == ([], False)


def test_a_paused_dag_is_told(
    client: TestClient, states: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "is_paused", lambda dag_id: True)
    assert ask(client).json()["message"].endswith("resumes when the DAG is no longer paused.")


@pytest.fixture
def mapped(databases: dict[Place, Db], states: dict[int, str]) -> dict[int, str]:
    """Four instances: one done, two failed (one with a named checkpoint), one failed without a checkpoint."""
    stored = databases[OWN]
    for number, changes in enumerate(
        [
            {"map_index": 0},
            {"map_index": 1, "status": "failed", "rows_written": 100},
            {
                "name": "west",
                "name_digest": "w",
                "claimed_map_index": 2,
                "status": "failed",
                "rows_written": 50,
            },
        ]
    ):
        task = {"dag_id": "mine", "task_id": "load", "run_id": "run_2", "current_run_id": "run_2"}
        stored.insert("airflow_checkpoint", [row(number, **task, **changes)])
    states.clear()
    states.update({0: "success", 1: "failed", 2: "failed", 3: "failed"})
    return states


def ask_for_all(client: TestClient, indexes: list[int], checkpoints: int = 2) -> Any:
    body = {"dag_id": "mine", "task_id": "load", "run_id": "run_2", "action": "resume", "indexes": indexes}
    return client.post("/now/failed", json={**body, "checkpoints": checkpoints})


def test_all_failed_instances_at_once(
    client: TestClient, databases: dict[Place, Db], mapped: dict[int, str]
) -> None:
    for _ in range(2):
        answer = ask_for_all(client, [1, 2, 3])
        assert answer.status_code == 200
    assert answer.json()["message"].startswith("3 task instances are cleared. The next attempt resumes")
    asked = databases[OWN].rows("SELECT kind, map_index, name FROM airflow_checkpoint_event ORDER BY id")
    assert asked == [("resume_requested", 1, "-"), ("resume_requested", -1, "west")]


def test_others_have_failed_than_the_page_has_shown(
    client: TestClient, databases: dict[Place, Db], mapped: dict[int, str]
) -> None:
    answer = ask_for_all(client, [1, 2])
    assert answer.status_code == 409
    assert (
        "3 task instances have failed now, and not the 2 that this page has shown" in answer.json()["detail"]
    )
    assert entries(databases[OWN]) == []


def test_a_checkpoint_that_is_not_found_is_not_loaded_from_the_beginning(
    client: TestClient, databases: dict[Place, Db], mapped: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = ask_for_all(client, [1, 2, 3], checkpoints=3)
    assert answer.status_code == 409
    assert "2 checkpoints of these task instances are found, and not the 3" in answer.json()["detail"]
    monkeypatch.setattr(actions, "own_places", lambda *_: {})  # the DAG is not parsed yet
    assert ask_for_all(client, [1, 2, 3]).status_code == 409
    assert entries(databases[OWN]) == []


def test_the_page_has_what_it_sends(
    client: TestClient, mapped: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clearing, "states_in_run", lambda *_: mapped)
    names = {"dag_id": "mine", "task_id": "load"}
    page = client.get("/task", params={**names, "run_id": "run_2"}, headers={"Accept": "text/html"}).text
    assert "3 of 4 task instances have failed" in page
    body, clear = sent(page, "dialog-resume-failed-now")
    assert body == {**names, "run_id": "run_2", "indexes": [1, 2, 3], "checkpoints": 2, "action": "resume"}
    assert clear["body"]["task_ids"] == [["load", 1], ["load", 2], ["load", 3]]
    assert "150 rows are kept, and how many are to go is unknown." in page
    page = client.get("/task", params={**TARGET}, headers={"Accept": "text/html"}).text
    body, clear = sent(page, "dialog-reload-now")
    assert (
        client.post("/now", json=body).status_code == 409
    )  # the instance without an index does not exist now
    assert clear["address"] == "../api/v2/dags/mine/clearTaskInstances"
    assert clear["body"]["task_ids"] == ["load"]


def sent(page: str, dialog: str) -> tuple[Any, Any]:
    """Return the request that a dialog's form sends, and the clear that follows."""
    found = re.search(rf'id="{dialog}".*?data-body="(.*?)"\s+data-clear="(.*?)"', page, re.DOTALL)
    assert found
    body, clear = (json.loads(html.unescape(text)) for text in found.groups())
    return body, clear


@pytest.mark.parametrize(
    ("changes", "rate", "resumed", "reloaded"),
    [
        (
            {"rows": 500},
            10,
            "500 rows are kept, about 500 to go, about 50 s.",
            "The 500 rows that are committed are loaded again, about 1,000 in all, about 1 min 40 s.",
        ),
        (
            {"upper": None},
            10,
            "500 rows are kept, and how many are to go is unknown.",
            "The 500 rows that are committed are loaded again, and how many are in all is unknown.",
        ),
        (
            {"status": "completed"},
            None,
            "All 500 rows are committed, and none are to go.",
            "The 500 rows that are committed are loaded again, 500 in all.",
        ),
    ],
)
def test_what_it_has_before_it(
    changes: dict[str, Any], rate: float | None, resumed: str, reloaded: str
) -> None:
    ahead = Ahead.of(checkpoint(**changes), rate)
    assert (ahead.if_resumed(), ahead.if_reloaded()) == (resumed, reloaded)


def test_parts_together_take_as_long_as_the_slowest() -> None:
    together = Ahead.of_all([Ahead(100, 300, 10), Ahead(50, 100, 1)])
    assert together.if_resumed() == "150 rows are kept, about 400 to go, about 1 min 40 s."
    assert Ahead.of_all([Ahead(100, 300, 10), Ahead(50)]).left is None
