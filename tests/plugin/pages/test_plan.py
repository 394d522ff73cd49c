"""The plan on a page: from rendered arguments, for those who may edit the DAG, and bounded in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import HTTPException
from starlette.testclient import TestClient

from airflow_checkpoint_provider.hooks.airflow_internals.rendering import Numbers, RenderedInstance
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.errands import Errands, StillAtWorkError
from airflow_checkpoint_provider.plugin.pages import planning
from airflow_checkpoint_provider.plugin.reading import Reader
from tests.plugin.test_requests import HIDDEN, OWN, TARGET, Editor, client, databases, logged
from tests.support.airflow.operating import execute, operator
from tests.support.databases.db import Db

__all__ = ["client", "databases", "logged"]

FIELDS = {
    "source_conn_id": "own",
    "destination_conn_id": "own",
    "source_table": "sales",
    "destination_table": "target",
    "write_mode": "replace",
}
SERIALIZED = {"dag": {"tasks": [{"__var": {"task_id": "load", "retries": 2, "lock_timeout": 5}}]}}
Page = Callable[..., str]


@pytest.fixture
def page(client: TestClient, databases: dict[Place, Db], monkeypatch: pytest.MonkeyPatch) -> Page:
    # So that no result depends on the speed of the machine.
    monkeypatch.setattr(planning, "reader", lambda: Reader(timeout=60))
    monkeypatch.setattr(planning, "errands", lambda: Errands(patience=60))
    monkeypatch.setattr(planning, "_SECONDS", 60)
    databases[OWN].execute("CREATE TABLE sales (n integer PRIMARY KEY)", "CREATE TABLE target (n integer)")

    def show(**fields: Any) -> str:
        numbers = Numbers(2, 2, 0)
        rendered = RenderedInstance({**FIELDS, **fields}, numbers, datetime.now(UTC))
        monkeypatch.setattr(planning, "serialized_dag", lambda dag_id: SERIALIZED)
        monkeypatch.setattr(planning, "rendered_instance", lambda *_: rendered)
        its = {**TARGET, "conn_id": "own", "table": OWN.table}
        answer = client.get("/plan", params=its, headers={"Accept": "text/html"})
        assert answer.status_code == 200, answer.text
        return " ".join(answer.text.split())

    return show


def test_what_the_next_attempt_would_do(page: Page, databases: dict[Place, Db]) -> None:
    before = databases[OWN].rows("SELECT * FROM airflow_checkpoint ORDER BY dag_id")
    shown = page(on_source_change="reload")
    assert "No problem was found that would end the load" in shown
    assert "starting from the beginning" in shown
    assert "delivery is exactly-once" in shown
    assert "rows_processor and the parameters of hooks are not among them" in shown
    assert databases[OWN].rows("SELECT * FROM airflow_checkpoint ORDER BY dag_id") == before


def test_arguments_that_airflow_stores_otherwise(page: Page, databases: dict[Place, Db]) -> None:
    databases[OWN].execute("CREATE TABLE pairs (z integer, b integer)", "DELETE FROM airflow_checkpoint")
    query = {
        "source_table": None,
        "sql": "SELECT n, -n AS a FROM sales WHERE n > ?",
        "checkpoint_column": "n",
    }
    given = {**FIELDS, **query, "destination_table": "pairs"}
    otherwise = {"parameters": (0,), "destination_columns": {"n": "z", "a": "b"}}
    execute(operator(**given, **otherwise, retries=2), dag_id="mine", task_id="load", max_tries=2)
    stored = {"parameters": [0], "destination_columns": {"a": "b", "n": "z"}}
    shown = page(**given, **stored)
    assert "No problem was found that would end the load" in shown
    assert "nothing to do" in shown
    assert "destination_columns and parameters cannot be compared with the last attempt" in shown
    changed = page(**{**given, "sql": "SELECT n, -n AS a FROM sales WHERE n > ? AND n < 9"}, **stored)
    assert "The load is not the one that the checkpoint was made by: query was" in changed
    assert "cannot be compared" not in page()


def test_problems_stand_first(page: Page) -> None:
    shown = page(source_table="no_such", destination_table="<none>")
    assert "would end the load" in shown.partition('id="verdict"')[2][:200]
    assert "there is no table no_such at the source" in shown
    assert "&lt;none&gt;" in shown
    assert "<none>" not in shown


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"where": "Truncated. You can change this behaviour"}, "only the beginning of where"),
        ({"parameters": {"password": "***"}}, "parameters has one"),
        ({"write_mode": "sideways"}, "write_mode"),
    ],
)
def test_arguments_that_do_not_suffice(page: Page, fields: dict[str, Any], reason: str) -> None:
    assert reason in page(**fields)


def test_a_task_instance_that_airflow_has_forgotten(
    client: TestClient, databases: dict[Place, Db], monkeypatch: pytest.MonkeyPatch
) -> None:
    its = {**TARGET, "conn_id": "own", "table": OWN.table}
    for dag, reason in (({}, "no such task any more"), (SERIALIZED, "no rendered arguments")):
        monkeypatch.setattr(planning, "serialized_dag", lambda dag_id, dag=dag: dag)
        monkeypatch.setattr(planning, "rendered_instance", lambda *_: None)
        assert reason in client.get("/plan", params=its, headers={"Accept": "text/html"}).text


def test_who_may_see_it(page: Page, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {**TARGET, "conn_id": HIDDEN.conn_id, "table": HIDDEN.table}
    assert client.get("/plan", params=theirs).status_code == 404
    monkeypatch.setattr(Editor, "may_see_connection", lambda *_: False)
    assert "You may not see one of the connections of this task" in page()

    def refuse(viewer: Editor, method: str, dag_id: str) -> None:
        assert (method, dag_id) == ("PUT", "mine")
        raise HTTPException(403)

    monkeypatch.setattr(Editor, "require", refuse)
    assert client.get("/plan", params={**TARGET, "conn_id": "own", "table": OWN.table}).status_code == 403


def test_databases_that_take_long(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        def do(self, place: Place, work: Callable[[], Any]) -> Any:
            raise StillAtWorkError

    monkeypatch.setattr(planning, "errands", Slow)
    assert "The databases take longer than a page waits." in page()
