"""A user clears a task, and the task loads again from the start."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import HAS_LOOPS, StartLoad
from tests.acceptance.editing import EditRetries
from tests.support.airflow.airflow import LiveAirflow


def test_a_finished_task_reloads(prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    load.start()
    load.wait_for_success(attempt=1)
    load.assert_complete()
    load.clear()
    load.wait_for_success(attempt=2)
    load.assert_reloaded(attempt=2)
    assert load.history() == ["started", "completed", "started", "completed"]


def test_a_finished_task_without_retries_reloads_each_time(prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders_once")
    load.start()
    load.wait_for_success(attempt=1)
    for attempt in (2, 3):
        load.clear()
        load.wait_for_success(attempt)
        load.assert_reloaded(attempt)


@pytest.mark.parametrize("dag_id", ["copy_orders", "copy_orders_once"])
def test_a_running_task_reloads(prepare_load: StartLoad, dag_id: str) -> None:
    load = prepare_load(dag_id)
    process = load.start_and_hold(after_batches=5)
    load.clear()
    process.wait_until_gone()
    load.gate.open()
    load.wait_for_success(attempt=2)
    load.assert_reloaded(attempt=2)
    assert load.history() == ["started", "failed", "started", "completed"]
    assert any(line.startswith("Airflow stopped the task") for line in load.log(1))


def test_a_running_task_without_retries_reloads_after_its_worker_was_lost(prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders_once")
    process = load.start_and_hold(after_batches=5)
    process.kill_with_supervisor()
    process.wait_until_gone()
    load.clear()
    load.gate.open()
    load.wait_for_success(attempt=2)
    load.assert_reloaded(attempt=2)


def test_a_running_task_with_retries_whose_worker_was_lost_reloads_where_airflow_tells(
    prepare_load: StartLoad,
) -> None:
    load = prepare_load("copy_orders")
    process = load.start_and_hold(after_batches=5)
    process.kill_with_supervisor()
    process.wait_until_gone()
    load.clear()
    load.gate.open()
    load.wait_for_success(attempt=2)
    if HAS_LOOPS:  # Airflow 3.4
        load.assert_reloaded(attempt=2)
    else:  # earlier versions take the clear for a retry
        load.assert_resumed(attempt=2, after_rows=1_250)


def test_a_task_that_waits_for_its_retry_reloads(airflow: LiveAirflow, prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    load.gate.close(after_batches=5)
    load.start()
    load.kill()
    airflow.api.wait_for_task(load.key, "up_for_retry")
    load.clear()
    load.gate.open()
    load.wait_for_success(attempt=2)
    load.assert_reloaded(attempt=2)


def test_a_task_that_failed_for_good_reloads(prepare_load: StartLoad, airflow: LiveAirflow) -> None:
    load = prepare_load("copy_orders_once")
    load.gate.close(after_batches=5)
    load.start()
    load.kill()
    airflow.api.wait_for_task(load.key, "failed")
    load.gate.open()
    load.clear()
    load.wait_for_success(attempt=2)
    load.assert_reloaded(attempt=2)


def test_the_retry_of_a_reload_resumes_it(prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    load.start()
    load.wait_for_success(attempt=1)
    load.gate.close(after_batches=3)
    load.clear()
    committed = load.kill(attempt=2)
    load.gate.open()
    load.wait_for_success(attempt=3)
    load.assert_resumed(attempt=3, after_rows=committed)


# With 1, max_tries stays 2, as in the first attempt: one try used, and one retry.
@pytest.mark.parametrize("retries", [0, 1, 6])
def test_a_finished_task_reloads_after_retries_was_edited(
    prepare_load: StartLoad, edit_retries: EditRetries, airflow: LiveAirflow, retries: int
) -> None:
    load = prepare_load("edited_retries")
    load.start()
    load.wait_for_success(attempt=1)
    edit_retries(retries)
    load.clear()
    load.wait_for_success(attempt=2)
    instance = airflow.api.task_instance(load.key)
    assert instance
    assert instance["max_tries"] == 1 + retries
    load.assert_reloaded(attempt=2)


def test_a_running_task_reloads_after_retries_was_edited(
    prepare_load: StartLoad, edit_retries: EditRetries
) -> None:
    load = prepare_load("edited_retries")
    process = load.start_and_hold(after_batches=5)
    edit_retries(1)
    load.clear()
    process.wait_until_gone()
    load.gate.open()
    load.wait_for_success(attempt=2)
    load.assert_reloaded(attempt=2)


def test_a_cleared_run_reloads(airflow: LiveAirflow, prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders_with_neighbour")
    load.start()
    assert airflow.api.wait_for_run(load.key.dag_id, load.key.run_id) == "success"
    airflow.api.clear_run(load.key.dag_id, load.key.run_id)
    load.wait_for_success(attempt=2)
    load.assert_reloaded(attempt=2)
