"""Accepted requests: their places, task instances, number and contents."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from starlette.testclient import TestClient

from airflow_checkpoint_provider.engine.model.errors import MetadataTableError
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.discovery import Places
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin import access, actions
from airflow_checkpoint_provider.plugin.app import create_app
from airflow_checkpoint_provider.plugin.pages import listing
from tests.admin.test_search import row
from tests.support.airflow.clients.view_client import JSON, Anybody, airflow_tables, know
from tests.support.airflow.operating import execute, operator
from tests.support.databases.db import Db

OWN, SHARED, HIDDEN = Place("own"), Place("shared"), Place("hidden")
TARGET = {"dag_id": "mine", "task_id": "load", "run_id": "run_1"}


class Editor(Anybody):
    """A user who may see and edit two DAGs, and no other."""

    def readable(self) -> Any:
        return lambda dag_ids: {dag_id for dag_id in dag_ids if dag_id in ("mine", "shared")}


@pytest.fixture
def databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[Place, Db]:
    made = {}
    for place in (OWN, SHARED, HIDDEN):
        database = made[place] = Db("sqlite", str(tmp_path / f"{place.conn_id}.db"))
        monkeypatch.setenv(f"AIRFLOW_CONN_{place.conn_id.upper()}", database.uri)
        CheckpointHook(place.conn_id).create_tables()
        database.insert("airflow_checkpoint", [row(1, **{**TARGET, "dag_id": place.conn_id})])
    made[OWN].insert("airflow_checkpoint", [row(1, **TARGET)])
    return made


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Mock:
    audit = Mock()
    monkeypatch.setattr(actions, "add_to_audit_log", audit)
    return audit


@pytest.fixture
def client(databases: dict[Place, Db], logged: Mock, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    tasks = defaultdict(
        set, {OWN: {("mine", "load")}, SHARED: {("shared", "load")}, HIDDEN: {("theirs", "load")}}
    )
    know(monkeypatch, Places(tasks))
    app = create_app()
    app.dependency_overrides[access.logged_in] = Editor
    with airflow_tables(), TestClient(app, raise_server_exceptions=False, headers=JSON) as opened:
        opened.headers["Accept"] = "application/json"
        yield opened


def ask(client: TestClient, place: Place = OWN, **changes: Any) -> Any:
    body = {**TARGET, "conn_id": place.conn_id, "table": place.table, "action": "reload", **changes}
    return client.post("/request", json=body)


def entries(database: Db) -> list[Any]:
    return database.rows("SELECT kind, dag_id, run_id FROM airflow_checkpoint_event ORDER BY id")


def test_a_task_and_its_place(client: TestClient, databases: dict[Place, Db], logged: Mock) -> None:
    assert ask(client).status_code == 200
    assert entries(databases[OWN]) == [("reload_requested", "mine", "run_1")]
    assert logged.call_count == 1


@pytest.mark.parametrize("place", [HIDDEN, Place("nowhere"), Place("own", "other"), SHARED])
def test_a_place_of_others_is_one_that_is_not_there(
    client: TestClient,
    databases: dict[Place, Db],
    logged: Mock,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Mock(wraps=actions.reader())
    monkeypatch.setattr(actions, "reader", lambda: asked)
    for answer in (
        ask(client, place),
        client.request(
            "DELETE", "/checkpoint", json={**TARGET, "conn_id": place.conn_id, "table": place.table}
        ),
    ):
        assert answer.status_code == 404
        assert answer.json()["detail"].replace(str(place), "X") == (
            "No checkpoints are known to be kept in X by this task instance, and Airflow does not know it."
        )
    # A hidden place is not queried, so that the response time reveals nothing.
    assert asked.ask.called == (place == SHARED)
    assert not logged.called
    assert all(entries(database) == [] for database in databases.values())


def test_a_checkpoint_that_was_left_in_another_place_that_the_viewer_knows(
    client: TestClient, databases: dict[Place, Db]
) -> None:
    databases[SHARED].insert("airflow_checkpoint", [row(1, **TARGET)])
    assert ask(client, SHARED).status_code == 200
    assert len(entries(databases[SHARED])) == 1


def test_a_task_instance_that_nobody_knows(
    client: TestClient, databases: dict[Place, Db], logged: Mock
) -> None:
    for changes in ({"run_id": "no such run"}, {"map_index": 7}):
        assert ask(client, **changes).status_code == 404
    assert (entries(databases[OWN]), logged.called) == ([], False)


def test_a_task_instance_that_airflow_knows(
    client: TestClient, databases: dict[Place, Db], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "states_of", lambda instances: {instances[0]: {"queued"}})
    assert ask(client, run_id="not begun").status_code == 200
    assert ask(client, SHARED, run_id="not begun").status_code == 404
    assert ask(client, run_id="*").status_code == 200


def test_what_is_open_is_not_written_down_again(client: TestClient, databases: dict[Place, Db]) -> None:
    for _ in range(3):
        assert ask(client).status_code == 200
    assert ask(client, action="resume").status_code == 200
    for _ in range(3):
        assert ask(client, action="cancel").status_code == 200
    assert [kind for kind, *_ in entries(databases[OWN])] == [
        "reload_requested",
        "resume_requested",
        "request_cancelled",
    ]


def test_many_requests_for_one_hide_none_of_another(databases: dict[Place, Db]) -> None:
    hook = CheckpointHook("own")
    hook.request_reload("own", "load", "run_1", who="ada")
    for number in range(300):
        hook.request_reload("mine", "load", "run_1")
        hook.request_resume("mine", "load", f"no such run {number}")
        hook.request_resume("mine", "load", "run_1")
    from airflow_checkpoint_provider.engine.admin.search import Search

    asked = {listed.checkpoint.identity.dag_id: listed.request for listed in hook.find(Search()).rows}
    assert asked["own"]
    assert asked["own"].who == "ada"
    assert asked["mine"]
    assert asked["mine"].asks_for == "resume"


BAD: dict[str, Any] = {
    "nul": {"run_id": "a\0b"},
    "line break": {"task_id": "a\nb"},
    "escape": {"reason": "\x1b[2J"},
    "c1": {"conn_id": "a\x9bb"},
    "empty table": {"table": ""},
    "long": {"run_id": "x" * 251},
    "long place": {"conn_id": "x" * 251},
    "a bool": {"map_index": True},
    "text": {"map_index": "seven"},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_what_no_id_has(client: TestClient, logged: Mock, changes: dict[str, Any]) -> None:
    assert ask(client, **changes).status_code == 422
    assert not logged.called


def test_half_a_character_and_a_body_of_megabytes(client: TestClient, logged: Mock) -> None:
    body = json.dumps({**TARGET, "conn_id": "own", "table": "airflow_checkpoint", "action": "reload"})
    for name in ("run_1", "own"):
        half = body.replace(f'"{name}"', '"\\ud800"')
        assert client.post("/request", content=half).status_code == 422
    assert ask(client, run_id="x" * 3_000_000).status_code == 413
    chunks = client.post("/request", content=iter([body.encode()]))
    assert chunks.status_code == 411
    assert not logged.called


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://["}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example", "X-Forwarded-Host": "evil.example"}, 403),
        ({"Origin": "http://testserver"}, 200),
        ({"Origin": "https://airflow.example"}, 200),
        ({"Content-Type": "Application/JSON; charset=utf-8"}, 200),
        ({"Content-Type": "text/plain"}, 415),
    ],
)
def test_where_it_comes_from_and_what_it_is(
    client: TestClient, headers: dict[str, str], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/here")
    body = json.dumps({**TARGET, "conn_id": "own", "table": "airflow_checkpoint", "action": "reload"})
    assert client.post("/request", content=body, headers=headers).status_code == status


def test_no_address_leads_to_another(client: TestClient) -> None:
    assert client.get("/task/", follow_redirects=False).status_code == 404
    assert client.get("/task", params={**TARGET, "conn_id": "x" * 300}).status_code == 422


def test_what_no_page_can_be_asked_for(client: TestClient) -> None:
    assert client.get("/", params={"q": "a\0b"}).status_code == 422
    # Both databases would have to return all rows up to that page.
    last = listing.MOST_SORTED // (2 * listing.PAGE_SIZE)
    assert client.get("/", params={"page": last}).status_code == 200
    answer = client.get("/", params={"page": last + 1})
    assert (answer.status_code, "of 2 databases together" in answer.json()["detail"]) == (404, True)
    assert client.get("/task", params={**TARGET, "run_id": "", "page": 100_000}).status_code == 200


def test_the_pages_ask_only_places_that_the_viewer_may_know(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Place] = []
    real = listing.finding.reader().ask

    def note(places: Any, question: Any) -> Any:
        found = list(places)
        asked.extend(found)
        return real(found, question)

    monkeypatch.setattr(listing.finding, "reader", lambda: Mock(ask=note))
    assert client.get("/").status_code == 200
    assert client.get("/task", params={"dag_id": "mine", "task_id": "unknown"}).status_code == 200
    assert (
        client.get("/task", params={**TARGET, "conn_id": "hidden", "table": "airflow_checkpoint"}).status_code
        == 200
    )
    assert set(asked) == {OWN, SHARED}


def test_nothing_is_made_beside_somebody_elses_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Db("sqlite", str(tmp_path / "both.db"))
    for conn_id in ("SRC", "DST"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id}", database.uri)
    database.execute("CREATE TABLE orders (id integer PRIMARY KEY)", "CREATE TABLE target (id integer)")
    database.execute("CREATE TABLE salaries (who text)", "CREATE TABLE notes_event (what text)")
    there = database.rows("SELECT name FROM sqlite_master ORDER BY name")
    for name in ("salaries", "notes"):
        with pytest.raises(MetadataTableError, match="exists, and is not a table of checkpoints"):
            execute(operator(checkpoint_table=name))
        with pytest.raises(MetadataTableError, match="exists, and is not a table of checkpoints"):
            CheckpointHook("dst", name).create_tables()
    assert database.rows("SELECT name FROM sqlite_master ORDER BY name") == there
