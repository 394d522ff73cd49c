"""A sensor that waits in a triggerer that is killed; and the link from a task to its checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance import orders
from tests.acceptance.conftest import StartLoad
from tests.support.airflow.airflow import LiveAirflow
from tests.support.airflow.clients.api import TaskKey
from tests.support.waiting import wait_for


@pytest.fixture
def stored_destination(airflow: LiveAirflow, home: Path) -> None:
    airflow.api.add_connection("stored_destination", "sqlite", host=str(home / "destination.db"))


def test_a_sensor_survives_its_triggerer(
    airflow: LiveAirflow, prepare_load: StartLoad, stored_destination: None
) -> None:
    load = prepare_load("copy_orders")
    first, everything = (TaskKey("wait_for_orders", "waits", task) for task in ("first_rows", "all_rows"))
    load.start_and_hold(after_batches=1)
    airflow.api.trigger("wait_for_orders", conf={"run_id": load.key.run_id}, run_id="waits")
    for key in (first, everything):
        airflow.api.wait_for_task(key, "deferred")
    airflow.kill("triggerer")
    load.gate.close(after_batches=2)
    airflow.revive("triggerer")
    airflow.api.wait_for_task(first, "success", "failed")
    assert airflow.api.xcom(first) == {
        "status": "running",
        "run_id": load.key.run_id,
        "rows": 500,
        "checkpoint": {"order_id": 500 * 7},
    }
    instance = airflow.api.task_instance(everything)
    assert instance
    assert instance["state"] == "deferred"
    load.gate.open()
    load.wait_for_success(attempt=1)
    airflow.api.wait_for_task(everything, "success", "failed")
    assert airflow.api.xcom(everything)["rows"] == orders.ROWS
    log = airflow.api.log(everything, 1)
    assert any(
        line.startswith(f"Waiting: copy_orders.copy, run {load.key.run_id} is running") for line in log
    ), log


def test_a_task_links_to_its_checkpoint(airflow: LiveAirflow, prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    load.start()
    load.wait_for_success(attempt=1)
    page = f"/dags/copy_orders/runs/{load.key.run_id}/tasks/copy/plugin/checkpoint"
    # Airflow stores the links after the state.
    wait_for(lambda: airflow.api.extra_links(load.key)["Checkpoint"], "the link")
    assert airflow.api.extra_links(load.key) == {"Checkpoint": f"{airflow.url}{page}"}
