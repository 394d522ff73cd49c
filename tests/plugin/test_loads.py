"""The instances of a mapped task in one run as one line that opens."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from airflow_checkpoint_provider.engine.admin import mapped_loads
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.discovery import Places
from airflow_checkpoint_provider.hooks.transfers import Place
from tests.admin.test_search import row
from tests.support.airflow.clients.view_client import know, view
from tests.support.databases.db import Db

NOW = datetime.now(UTC)


@pytest.fixture
def database(tmp_path: Path) -> Db:
    return Db("sqlite", str(tmp_path / "own.db"))


@pytest.fixture
def client(database: Db, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A mapped load of 60 instances, one of which has failed, and a load by itself."""
    monkeypatch.setenv("AIRFLOW_CONN_OWN", database.uri)
    CheckpointHook("own").create_tables()
    load = {"dag_id": "mapped", "run_id": "run_9", "current_run_id": "run_9", "rows_written": 10}
    failed = {"status": "failed", "last_error": "SourceError: <gone>"}
    instances = [row(n, now=NOW, map_index=n, **load, **(failed if n == 42 else {})) for n in range(60)]
    database.insert("airflow_checkpoint", [*instances, row(61, now=NOW)])
    know(monkeypatch, Places(configured={Place("own")}))
    with view() as opened:
        yield opened


def lines(page: str) -> list[str]:
    """Return the lines of the list as text, without those inside of a load."""
    outer = re.sub(r"<details class=\"opens\".*?</details>", "", page, flags=re.DOTALL)
    table = outer.partition("<tbody>")[2].partition("</tbody>")[0]
    cells = [re.sub("<[^>]*>", " ", line) for line in re.findall("<tr>.*?</tr>", table, re.DOTALL)]
    return [" ".join(html.unescape(line).split()) for line in cells]


def inside(page: str) -> list[str]:
    """Return the map indexes inside of a load, in their order."""
    return re.findall(r'<a id="part-1-\d+" href="[^"]*">\s*(\d+)</a>', page)


def test_a_mapped_load_is_one_line_that_opens(client: TestClient) -> None:
    page = client.get("/").text
    first, second = lines(page)
    assert first.startswith("1 failed 59 completed mapped load run_9")
    assert " 600 " in first
    assert "dag_61 load run_61" in second
    assert "60 task instances</summary>" in page
    assert inside(page) == ["42", *(str(n) for n in range(60) if n != 42)]
    assert "SourceError: &lt;gone&gt;" in page
    assert 'href="task?dag_id=mapped&amp;task_id=load&amp;run_id=run_9"' in page
    assert "All <b>61</b>" in page
    assert "page-next" not in page


@pytest.mark.parametrize("query", ["?state=failed", "?q=mapped"])
def test_what_matches_opens_to_all_of_its_load(client: TestClient, query: str) -> None:
    page = client.get(f"/{query}").text
    assert len(lines(page)) == 1
    assert len(inside(page)) == 60


def test_the_page_of_a_task_has_a_line_for_each_run_and_that_of_a_run_one_for_each_instance(
    client: TestClient,
) -> None:
    task = "/task?dag_id=mapped&task_id=load"
    assert len(lines(client.get(task).text)) == 1
    page = client.get(f"{task}&run_id=run_9").text
    assert "task instances</summary>" not in page
    assert (
        page.count('<span class="badge completed">completed</span>') == 49
    )  # the failed one is among the first 50
    assert "1 to 50</span>" in page or "1 to 50 of 60" in page


def test_of_very_many_instances_some_are_shown_and_all_counted(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapped_loads, "PARTS_READ", 20)
    page = client.get("/").text
    first = lines(page)[0]
    assert first.startswith("1 failed 59 completed mapped load run_9")
    assert " 600 " in first
    assert "60 task instances</summary>" in page
    assert inside(page) == ["42", *(str(n) for n in range(19))]
    assert "These are 20 of them" in page
    assert "All of them</a>" in page


def test_many_instances_of_one_load_leave_the_others_theirs(
    client: TestClient, database: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapped_loads, "PARTS_READ", 20)
    load = {"dag_id": "mapped", "run_id": "run_10", "current_run_id": "run_10", "rows_written": 1}
    failed = {"status": "failed", "last_error": "SourceError: <gone>"}
    rows = [row(n, seconds=70 + n, now=NOW, map_index=n, **load, **(failed if n else {})) for n in range(5)]
    database.insert("airflow_checkpoint", rows)
    first, _, third = lines(client.get("/").text)
    assert first.startswith("1 failed 59 completed mapped load run_9")
    assert third.startswith("4 failed 1 completed mapped load run_10")
    page = client.get("/").text
    assert "These are 15 of them" in page
    assert "5 task instances</summary>" in page
