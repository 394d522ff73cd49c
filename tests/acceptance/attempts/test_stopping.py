"""Airflow or the system stops an attempt: it ends within seconds, records the reason, and the next one resumes."""

from __future__ import annotations

import time

from tests.acceptance.conftest import StartLoad
from tests.acceptance.load import Load
from tests.support.airflow.airflow import LiveAirflow

STOPPED = "Airflow stopped the task: it was cleared, marked, taken for lost, or its worker shuts down"


def assert_failed(load: Load, reason: str) -> None:
    stored = load.checkpoint()
    assert (stored.status, stored.rows_written) == ("failed", 1_000)
    assert stored.raw["last_error"].startswith(reason)
    assert load.history() == ["started", "failed"]


def test_a_task_marked_as_failed(airflow: LiveAirflow, prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    process = load.start_and_hold(after_batches=4)
    airflow.api.mark_failed(load.key)
    process.wait_until_gone(timeout=10)  # its supervisor learns of it by the next heartbeat
    assert_failed(load, STOPPED)


def test_a_worker_that_shuts_down(prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    process = load.start_and_hold(after_batches=4)
    process.terminate_with_supervisor()
    process.wait_until_gone(timeout=5)
    assert_failed(load, STOPPED)
    load.gate.open()
    load.wait_for_success(attempt=2)
    load.assert_resumed(attempt=2, after_rows=1_000)


def test_a_task_that_takes_too_long(prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders_in_time")
    began = time.monotonic()
    process = load.start_and_hold(after_batches=4)
    process.wait_until_gone(timeout=15)
    assert time.monotonic() - began < 30
    assert_failed(load, "AirflowTaskTimeout: Timeout")
    load.gate.open()
    load.wait_for_success(attempt=2)
    load.assert_resumed(attempt=2, after_rows=1_000)
