"""Resume now and reload now, as the page sends them: a request to the view, and a clear by Airflow's API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.acceptance import orders
from tests.acceptance.conftest import StartLoad
from tests.acceptance.load import Load
from tests.plugin.test_now import sent
from tests.support.airflow.airflow import LiveAirflow

Press = Callable[[str, dict[str, Any]], tuple[httpx.Response, httpx.Response | None]]


@pytest.fixture
def press(airflow: LiveAirflow) -> Iterator[Press]:
    """Do the same as the page's script for the button of a dialog, and return both answers."""
    headers = {"Authorization": f"Bearer {airflow.token('editor')}"}
    with httpx.Client(base_url=airflow.url, headers=headers, trust_env=False, timeout=30) as client:

        def press(dialog: str, page: dict[str, Any]) -> tuple[httpx.Response, httpx.Response | None]:
            shown = client.get("/checkpoint/task", params=page, headers={"Accept": "text/html"})
            body, clear = sent(shown.text, dialog)
            asked = client.post(f"/checkpoint/{'now/failed' if 'failed' in dialog else 'now'}", json=body)
            if asked.status_code != httpx.codes.OK:
                return asked, None
            address = clear["address"].removeprefix("..")
            dry = client.post(address, json={**clear["body"], "dry_run": True})
            assert dry.json()["total_entries"] == len(clear["body"]["task_ids"])
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
