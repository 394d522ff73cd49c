"""Resume now and reload now, as the page sends them: a request to the view, and a clear by Airflow's API."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.acceptance import orders
from tests.acceptance.conftest import StartLoad
from tests.acceptance.load import Load
from tests.plugin.pages.test_now import sent
from tests.support.airflow.airflow import LiveAirflow

Press = Callable[[str, dict[str, Any]], tuple[httpx.Response, httpx.Response | None]]


@pytest.fixture
def press(airflow: LiveAirflow) -> Iterator[Press]:
    """Do the same as the page's script for the button of a dialog, and return both answers."""
    headers = {"Authorization": f"Bearer {airflow.token('editor')}"}
    with httpx.Client(base_url=airflow.url, headers=headers, trust_env=False, timeout=30) as client:

        def press(dialog: str, page: dict[str, Any]) -> tuple[httpx.Response, httpx.Response | None]:
            path, to, behind = "task", "now/failed" if "failed" in dialog else "now", 0
            if "group_id" in page:
                path, to, behind = "group", "now/group", 1  # table report waits for stock
            shown = client.get(f"/checkpoint/{path}", params=page, headers={"Accept": "text/html"})
            body, clear = sent(shown.text, dialog)
            asked = client.post(f"/checkpoint/{to}", json=body)
            if asked.status_code != httpx.codes.OK:
                return asked, None
            address = clear["address"].removeprefix("..")
            dry = client.post(address, json={**clear["body"], "dry_run": True})
            assert dry.json()["total_entries"] == len(clear["body"]["task_ids"]) + behind
            return asked, client.post(address, json=clear["body"])

        yield press


def failed_after(load: Load, batches: int) -> Load:
    load.gate.close(after_batches=batches)
    load.start()
    load.kill()
    load.airflow.api.wait_for_task(load.key, "failed")
    load.airflow.api.wait_for_run(load.key.dag_id, load.key.run_id)
    return load


def page_of(load: Load) -> dict[str, Any]:
    return {"dag_id": load.key.dag_id, "task_id": "copy", "run_id": load.key.run_id, "map_index": "-1"}


def test_resume_now_goes_on_at_once(prepare_load: StartLoad, press: Press) -> None:
    load = failed_after(prepare_load("copy_orders_once"), batches=4)
    asked, cleared = press("dialog-resume-now", page_of(load))
    assert asked.json()["message"].startswith("The task instance is cleared. The next attempt resumes")
    assert cleared
    assert cleared.status_code == 200
    load.gate.open()
    load.wait_for_success(2)
    load.assert_resumed(2, after_rows=1_000)
    logged = load.airflow.api.request(
        "GET", "/eventLogs", params={"dag_id": load.key.dag_id, "run_id": load.key.run_id}
    ).json()["event_logs"]
    owners = {entry["event"]: entry["owner"] for entry in logged}
    assert owners["checkpoint_resume_now"] == owners["post_clear_task_instances"] == "editor"


def test_reload_now_starts_over(prepare_load: StartLoad, press: Press) -> None:
    load = prepare_load("copy_orders_once")
    load.start()
    load.wait_for_success(1)
    load.airflow.api.wait_for_run(load.key.dag_id, load.key.run_id)
    _, cleared = press("dialog-reload-now", page_of(load))
    assert cleared
    load.wait_for_success(2)
    load.assert_reloaded(2, because="A reload was requested")


def test_all_failed_instances_of_a_mapped_task_go_on_at_once(prepare_load: StartLoad, press: Press) -> None:
    load = prepare_load("mapped_regions")
    (load.gates / f"{load.table}.json").write_text(json.dumps(orders.REGIONS))
    stopped = [load.index(index) for index in (1, 3)]
    for part in stopped:
        part.gate.close(after_batches=3)
    load.start()
    for part in stopped:
        process = part.wait_until_held()
        load.airflow.api.mark_failed(part.key)
        process.wait_until_gone()
    load.airflow.api.wait_for_run(load.key.dag_id, load.key.run_id)
    for part in stopped:
        part.gate.open()
    _, cleared = press("dialog-resume-failed-now", page_of(load))
    assert cleared
    for part in stopped:
        part.wait_for_success(2)
        assert part.rows() == orders.ROWS // 4 - 300
    assert [load.index(index).checkpoint().try_number for index in range(4)] == [1, 2, 1, 2]
    assert orders.rows_of(load.destination, load.table) == orders.rows_of(load.source, "orders")


def test_all_failed_tables_of_a_group_go_on_at_once(prepare_load: StartLoad, press: Press) -> None:
    load = prepare_load("grouped_orders")
    api = load.airflow.api
    for name in TABLES:
        orders.create_table(load.destination, f"{load.table}_{name}")
    refuse(load, "archive", "stock")
    load.start()
    assert api.wait_for_run(load.key.dag_id, load.key.run_id) == "failed"
    change(load, *(f"DROP TRIGGER full_{load.table}_{name}" for name in ("archive", "stock")))
    page = {"dag_id": load.key.dag_id, "group_id": "shop", "run_id": load.key.run_id}
    asked, cleared = press("dialog-resume-failed-now", page)
    assert asked.json()["message"].startswith("2 task instances are cleared. The next attempt resumes")
    assert cleared
    assert cleared.status_code == 200
    assert api.wait_for_run(load.key.dag_id, load.key.run_id) == "success"
    for name in TABLES:
        copied = orders.rows_of(load.destination, f"{load.table}_{name}")
        assert copied == orders.rows_of(load.source, "orders"), name
    for name in ("archive", "stock"):
        assert api.xcom(load.neighbour(f"shop.{name}"))["rows"] == orders.ROWS - 750
    logged = api.request("GET", "/eventLogs", params={"dag_id": load.key.dag_id, "run_id": load.key.run_id})
    (entry,) = [one for one in logged.json()["event_logs"] if one["event"] == "checkpoint_resume_now"]
    assert (entry["owner"], json.loads(entry["extra"])["group_id"]) == ("editor", "shop")


TABLES = ("archive", "lines", "report", "stock", "totals")


def refuse(load: Load, *names: str) -> None:
    """Let tables of a group refuse a row of their fourth batch."""
    change(
        load,
        *(
            f"CREATE TRIGGER full_{load.table}_{name} BEFORE INSERT ON {load.table}_{name} WHEN NEW.order_id = 7000"
            " BEGIN SELECT RAISE(ABORT, 'there is no room for it'); END"
            for name in names
        ),
    )


def change(load: Load, *statements: str) -> None:
    with closing(sqlite3.connect(load.destination, timeout=30)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
