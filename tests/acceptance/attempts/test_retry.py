"""A task that dies is retried by Airflow, and resumes from its checkpoint."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import StartLoad
from tests.acceptance.editing import EditRetries
from tests.support.airflow.airflow import LiveAirflow


def test_a_killed_task_resumes(prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    load.gate.close(after_batches=5)
    load.start()
    committed = load.kill()
    load.gate.open()
    load.wait_for_success(attempt=2)
    assert committed == 5 * 250
    load.assert_resumed(attempt=2, after_rows=committed)
    assert load.history() == ["started", "resumed", "completed"]
    assert any(line.startswith("No checkpoint found: starting from the beginning") for line in load.log(1))


def test_a_task_killed_twice_resumes_twice(prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    load.gate.close(after_batches=2)
    load.start()
    first = load.kill()
    second = load.kill(attempt=2)
    load.gate.open()
    load.wait_for_success(attempt=3)
    assert (first, second) == (500, 1_000)
    load.assert_resumed(attempt=3, after_rows=second)
    assert load.history() == ["started", "resumed", "resumed", "completed"]


def test_a_task_that_vanished_with_its_supervisor_resumes(prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    process = load.start_and_hold(after_batches=3)
    process.kill_with_supervisor()
    process.wait_until_gone()
    load.gate.open()
    load.wait_for_success(attempt=2)
    load.assert_resumed(attempt=2, after_rows=750)


@pytest.mark.parametrize("retries", [1, 5])
def test_a_retry_after_retries_was_edited_resumes(
    prepare_load: StartLoad, edit_retries: EditRetries, retries: int
) -> None:
    load = prepare_load("edited_retries")
    load.start_and_hold(after_batches=4)
    edit_retries(retries)
    committed = load.kill()
    load.gate.open()
    load.wait_for_success(attempt=2)
    load.assert_resumed(attempt=2, after_rows=committed)


def test_a_retry_after_another_task_was_cleared_resumes(
    airflow: LiveAirflow, prepare_load: StartLoad
) -> None:
    load = prepare_load("copy_orders_with_neighbour")
    load.gate.close(after_batches=4)
    load.start()
    neighbour = load.neighbour("neighbour")
    airflow.api.wait_for_task(neighbour, "success")
    committed = load.kill()
    airflow.api.clear(neighbour)
    load.gate.open()
    load.wait_for_success(attempt=2)
    load.assert_resumed(attempt=2, after_rows=committed)


def test_a_retry_after_another_task_was_cleared_and_retries_edited_resumes(
    airflow: LiveAirflow, prepare_load: StartLoad, edit_retries: EditRetries
) -> None:
    load = prepare_load("edited_retries")
    load.start_and_hold(after_batches=4)
    neighbour = load.neighbour("neighbour")
    airflow.api.wait_for_task(neighbour, "success")
    edit_retries(4)
    airflow.api.clear(neighbour)
    committed = load.kill()
    load.gate.open()
    load.wait_for_success(attempt=2)
    load.assert_resumed(attempt=2, after_rows=committed)
