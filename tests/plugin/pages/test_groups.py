"""Groups of tasks in the view: a line for each that opens to its tables, and the page of one in a run."""

from __future__ import annotations

import html
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import HTTPException
from starlette.testclient import TestClient

from airflow_checkpoint_provider.engine.model.partition import Partition, bound
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.discovery import Places
from airflow_checkpoint_provider.hooks.task_groups import TransferGroup
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin import access
from airflow_checkpoint_provider.plugin.app import create_app
from airflow_checkpoint_provider.plugin.display.group_tables import TableLoad
from airflow_checkpoint_provider.plugin.pages import groups
from tests.admin.test_search import row
from tests.plugin.pages.test_tables import OTHER, OWN
from tests.plugin.pages.test_tables import databases as empty
from tests.support.airflow.clients.view_client import JSON, Anybody, airflow_tables, know
from tests.support.airflow.instance_rows import airflow_runs, set_state
from tests.support.databases.db import Db
from tests.support.statements import statements

__all__ = ["empty"]

TABLES = ("customers", "orders.load", "countries", "audit", "notes")
ERP = TransferGroup(
    "erp_load", "erp", tuple(f"erp.{one}" for one in TABLES), ("erp.orders.plan", "erp.publish")
)
INSTANCES = {
    ("customers", -1): "success",
    ("orders.load", 0): "success",
    ("orders.load", 1): "failed",
    ("countries", -1): "running",
    ("audit", -1): "success",  # without a checkpoint
    ("notes", -1): None,
    ("orders.plan", -1): "success",
    ("publish", -1): "upstream_failed",
}
RUN = {"dag_id": "erp_load", "group_id": "erp"}


class Reader(Anybody):
    """A user who may neither see nor change one DAG."""

    def readable(self) -> Any:
        return lambda dag_ids: {dag_id for dag_id in dag_ids if dag_id != "hidden"}

    def may(self, method: str, dag_id: str | None) -> bool:
        return dag_id != "hidden"

    def require(self, method: str, dag_id: str | None) -> None:  # type: ignore[override]
        if not self.may(method, dag_id):
            raise HTTPException(403, "You may not")


def load(task: str, index: int = -1, **changes: Any) -> tuple[Any, ...]:
    """A load of the newest run of the group."""
    ids = {"dag_id": "erp_load", "task_id": f"erp.{task}", "run_id": "second", "map_index": index}
    table = f"dwh.{task.partition('.')[0]}"
    return row(
        9, now=datetime.now(UTC), **{**ids, "current_run_id": "second", "destination_table": table, **changes}
    )


@pytest.fixture
def databases(empty: dict[Place, Db]) -> dict[Place, Db]:
    made = empty
    failed = {"status": "failed", "last_error": "SourceError: <gone>"}
    made[OWN].insert(
        "airflow_checkpoint",
        [
            load("customers", rows_written=100, run_id="*"),
            load("orders.load", 0, rows_written=20),
            load("orders.load", 1, rows_written=3, **failed),
            load("customers", run_id="first", current_run_id="first", rows_written=7),
            load("customers", dag_id="hidden", rows_written=999),
            row(50, now=datetime.now(UTC)),
        ],
    )
    running = {"status": "running", "started_at": "2026-01-01 00:00:00.000000"}
    made[OTHER].insert("airflow_checkpoint", [load("countries", rows_written=5, **running)])
    return made


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Places:
    """The group of a DAG, one table of which is elsewhere, and that of a DAG that is hidden."""
    elsewhere = {("erp_load", "erp.countries")}
    own = {("erp_load", one) for one in ERP.transfers} - elsewhere
    hidden = TransferGroup("hidden", "erp", ERP.transfers)
    known = Places(defaultdict(set, {OWN: own | {("hidden", "erp.customers")}, OTHER: elsewhere}))
    known.groups = {("erp_load", "erp"): ERP, ("hidden", "erp"): hidden}
    know(monkeypatch, known)
    return known


@pytest.fixture
def client(databases: dict[Place, Db], places: Places) -> Iterator[TestClient]:
    app = create_app()
    app.dependency_overrides[access.logged_in] = Reader
    runs = [
        ("erp_load", "first", "success"),
        ("erp_load", "second", "running"),
        ("hidden", "second", "running"),
    ]
    runs.append(("erp_load", "third", "queued"))
    instances = {
        ("erp_load", f"erp.{task}", "second", index): state for (task, index), state in INSTANCES.items()
    }
    instances |= {("erp_load", f"erp.{task}", "first", -1): "success" for task in TABLES}
    with (
        airflow_tables(),
        airflow_runs(runs, instances),
        TestClient(app, raise_server_exceptions=False, headers=JSON) as opened,
    ):
        yield opened


def text(markup: str) -> str:
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", markup)).split())


def lines(page: str) -> list[str]:
    """Return the lines of the list of groups as text, without what they open to."""
    outer = re.sub(r"<details class=\"opens\".*?</details>", "", page, flags=re.DOTALL)
    body = outer.partition("<tbody>")[2].partition("</tbody>")[0]
    return [line for line in map(text, re.findall("<tr>.*?</tr>", body, re.DOTALL)) if line]


def tables(page: str) -> list[str]:
    """Return the lines of the tables of a group as text, each up to its rows."""
    body = re.findall(r"<tbody>(?:(?!<tbody>).)*?</tbody>", page, re.DOTALL)[-1]
    return [text(line) for line in re.findall(r"<tr>\s*<td class=\"nowrap.*?</tr>", body, re.DOTALL)]


def test_a_group_is_one_line_that_opens(client: TestClient) -> None:
    page = client.get("/groups").text
    (line,) = lines(page)  # of the newest run that has begun, in a DAG that may be seen
    assert line.startswith(
        "1 failed 1 running 1 waiting 2 completed erp_load erp second 2 of 5 tables done 128 "
    )
    assert " countries " in line  # at work for months
    assert [" ".join(one.split()[:2]) for one in tables(page)] == [
        "failed orders",
        "running countries",
        "waiting notes",
        "completed audit",
        "completed customers",
    ]
    assert "1 failed, 1 completed" in page
    assert "SourceError: &lt;gone&gt;" in page
    assert "5 tables</summary>" in page


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("only=failed", 1),
        ("only=running", 1),
        ("only=waiting", 1),
        ("only=done", 0),
        ("q=SECOND", 1),
        ("q=count", 1),
        ("q=first", 0),
        ("page=2", 0),
    ],
)
def test_filters_and_text(client: TestClient, query: str, there: int) -> None:
    assert len(lines(client.get(f"/groups?{query}").text)) == there


def test_the_page_of_a_group_leads_to_its_tables(client: TestClient, databases: dict[Place, Db]) -> None:
    page = client.get("/group", params=RUN).text
    assert "128" in page
    assert [one.split()[1] for one in tables(page)] == ["orders", "countries", "notes", "audit", "customers"]
    links = [html.unescape(one) for one in re.findall(r'<a id="table-\d+" href="([^"]*)"', page)]
    assert links[0] == "task?dag_id=erp_load&task_id=erp.orders.load&run_id=second"
    for link in links:
        answer = client.get(f"/{link}")
        assert answer.status_code == 200, link
    assert "conn_id=other" in links[1]
    assert "run_id=%2A" in links[4]
    assert client.get("/group", params={**RUN, "dag_id": "hidden"}).status_code == 403


def test_another_run_has_its_own_numbers(client: TestClient) -> None:
    page = client.get("/group", params={**RUN, "run_id": "first"}).text
    assert "5 of 5 tables done" in text(page)
    # The later run has moved the other checkpoint of the table on.
    assert "Rows committed 7 Rows/s now" in text(page)
    assert 'data-dialog="resume-failed-now"' not in page
    for run_id in ("third", "no such run"):
        assert client.get("/group", params={**RUN, "run_id": run_id}).status_code == 404
    assert client.get("/group", params={**RUN, "group_id": "erp.orders"}).status_code == 404


def test_the_list_of_checkpoints_leads_to_the_group(client: TestClient) -> None:
    page = html.unescape(client.get("/?dag_id=erp_load").text)
    assert 'href="group?dag_id=erp_load&group_id=erp&run_id=second"' in page
    assert "group_id" not in client.get("/?dag_id=dag_50").text


def test_a_database_that_does_not_answer_is_named(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", "postgres://nobody@127.0.0.1:1/x")
    for page in (client.get("/groups").text, client.get("/group", params=RUN).text):
        assert "does not answer" in page
        assert "1 running" in text(page)  # Airflow knows that
        assert 'data-dialog="resume-failed-now"' not in page


def test_rejected_and_staged_rows_are_told(client: TestClient, databases: dict[Place, Db]) -> None:
    own = databases[OWN]
    own.execute("UPDATE airflow_checkpoint SET fingerprint = '{\"stage\": \"beside\"}' WHERE run_id = '*'")
    facts = json.dumps({"write_mode": "replace_atomic", "batch_size": 1, "scope": "task", "publishes": False})
    entry = "INSERT INTO airflow_checkpoint_event (dag_id, task_id, run_id, map_index, kind, recorded_at, who, detail)"
    for kind, detail in (("opened", f"'{facts}'"), ("completed", "NULL")):
        values = (
            f"('erp_load', 'erp.customers', '*', -1, '{kind}', '2026-01-01 00:00:00.000000', 'x', {detail})"
        )
        own.execute(f"{entry} VALUES {values}")
    who = ("erp_load", "erp.orders.load", "second", 1)
    hook = CheckpointHook("own")
    hook.create_tables()
    columns = "dag_id, task_id, run_id, map_index, current_run_id, row_no, row_data, error, try_number, who, recorded_at"
    own.execute(
        f"INSERT INTO airflow_checkpoint_reject ({columns}) VALUES "
        f"('{who[0]}', '{who[1]}', '{who[2]}', {who[3]}, 'second', 1, '{{}}', 'no', 1, 'x', '2026-01-01 00:00:00.000000')"
    )
    for page in (client.get("/groups").text, client.get("/group", params=RUN).text):
        assert "1 staged, not yet published" in text(page)
        assert "1 rejected" in text(page)
        assert "1 of 5 tables done" in text(page)


def test_other_tasks_that_have_failed_are_no_tables(client: TestClient) -> None:
    set_state(("erp_load", "erp.publish", "second", -1), "failed")
    page = client.get("/group", params=RUN).text
    assert "1 other task failed" in text(page)
    assert "../dags/erp_load/runs/second/tasks/erp.publish" in page
    assert len(lines(client.get("/groups?only=failed").text)) == 1


def test_many_groups_need_no_more_statements_than_one_page(
    client: TestClient, places: Places, databases: dict[Place, Db], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "PAGE_SIZE", 1)
    counts = []
    for number in (0, 60):
        for n in range(number):
            places.groups["erp_load", f"g{n}"] = TransferGroup("erp_load", f"g{n}", (f"g{n}.a", f"g{n}.b"))
        with statements() as sent:
            assert client.get("/groups").status_code == 200
        counts.append(len(sent))
    assert counts[0] == counts[1] > 0


def test_many_tables_need_no_more_statements_than_few(
    client: TestClient, places: Places, databases: dict[Place, Db]
) -> None:
    counts = []
    for number in (0, 60):
        more = tuple(f"erp.t{n}" for n in range(number))
        places.groups["erp_load", "erp"] = replace(ERP, transfers=(*ERP.transfers, *more))
        places.tasks[OWN] |= {("erp_load", task_id) for task_id in more}
        databases[OWN].insert("airflow_checkpoint", [load(f"t{n}") for n in range(number)])
        with statements() as sent:
            assert len(tables(client.get("/group", params=RUN).text)) == 5 + number
        counts.append(len(sent))
    assert counts[0] == counts[1] > 0


@pytest.mark.parametrize(
    ("instances", "state"),
    [
        ({}, "waiting"),
        ({"none": 1}, "waiting"),
        ({"queued": 1, "success": 7}, "waiting"),
        ({"running": 1, "none": 3}, "running"),
        ({"success": 1}, "completed"),
        ({"up_for_retry": 1}, "failed"),
        ({"upstream_failed": 1}, "upstream failed"),
        ({"failed": 1, "running": 1}, "failed"),
        ({"removed": 1}, "waiting"),
        ({"skipped": 1}, "skipped"),
        ({"a state of a later Airflow": 1}, "waiting"),
    ],
)
def test_the_state_of_a_table_without_a_checkpoint(instances: dict[str, int], state: str) -> None:
    assert TableLoad("erp.a", "a", (), Counter(instances)).state == state


def part(index: int, rows: int) -> str:
    whole = Partition(
        plan="p",
        index=index,
        of=4,
        column="id",
        lower=None,
        upper=bound(9),
        nulls=True,
        rows=rows,
        rows_in_all=1_000,
    )
    return json.dumps({"partition": whole.as_text()})


def test_parts_that_have_not_begun_are_no_part_of_what_is_done(
    client: TestClient, databases: dict[Place, Db]
) -> None:
    set_state(("erp_load", "erp.orders.load", "second", 1), None)
    databases[OWN].execute("DELETE FROM airflow_checkpoint WHERE task_id = 'erp.orders.load'")
    databases[OWN].insert("airflow_checkpoint", [load("orders.load", 0, fingerprint=part(0, 250))])
    line = next(one for one in tables(client.get("/group", params=RUN).text) if " orders " in one)
    assert line.startswith("waiting orders 1 waiting, 1 completed 25% 25%")
    databases[OWN].execute("UPDATE airflow_checkpoint SET fingerprint = '{}'")
    line = next(one for one in tables(client.get("/group", params=RUN).text) if " orders " in one)
    assert "%" not in line


def test_a_line_opens_to_some_of_very_many_tables(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "_MOST_INSIDE", 2)
    page = client.get("/groups").text
    assert [one.split()[1] for one in tables(page)] == ["orders", "countries"]
    assert "These are 2 of them" in page
