"""The scheduler dies, with the tasks that run under it, and is started again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import StartLoad
from tests.support.airflow.airflow import LiveAirflow
from tests.support.waiting import wait_for


@pytest.fixture
def healthy_again(airflow: LiveAirflow) -> Iterator[None]:
    """Restart the scheduler for other tests."""
    yield
    wait_for(airflow.api.is_healthy, "a healthy Airflow", timeout=60)


def test_a_load_goes_on_after_the_machine_of_the_scheduler_died(
    airflow: LiveAirflow, prepare_load: StartLoad, healthy_again: None
) -> None:
    load = prepare_load("copy_orders")
    process = load.start_and_hold(after_batches=5)
    airflow.kill("scheduler")  # and its tasks, which run on the same machine
    process.wait_until_gone()
    assert load.checkpoint().status == "running"
    load.gate.open()
    airflow.revive("scheduler")
    load.wait_for_success(attempt=2)
    load.assert_resumed(attempt=2, after_rows=1_250)
