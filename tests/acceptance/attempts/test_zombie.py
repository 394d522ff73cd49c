"""An attempt that Airflow took for lost wakes up during its successor's work, or after it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.acceptance import orders
from tests.acceptance.conftest import StartLoad
from tests.acceptance.load import Load
from tests.support.airflow.tasks import TaskProcess
from tests.support.waiting import wait_for


@contextmanager
def frozen(process: TaskProcess) -> Iterator[None]:
    """Pause the attempt and its supervisor; after a failure, kill them, so that they disturb no other test."""
    process.pause_with_supervisor()
    try:
        yield
    finally:
        if process.is_alive():
            process.kill_with_supervisor()


def wake_and_wait_for_its_end(zombie: TaskProcess) -> None:
    """
    Wake the task well before its supervisor.

    Airflow would make the supervisor kill the task, and here the fence must stop the task.
    """
    zombie.wake()
    time.sleep(2)
    zombie.wake_supervisor()
    zombie.wait_until_gone()


def assert_told_to_stop(load: Load) -> None:
    log = load.log(1)
    assert any("FencedError" in line or "taken over" in line for line in log), "\n".join(log)


def test_a_zombie_that_wakes_after_its_successor_adds_nothing(prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    zombie = load.start_and_hold(after_batches=3)
    with frozen(zombie):
        load.gate.open()
        load.wait_for_success(attempt=2)
        load.assert_resumed(attempt=2, after_rows=750)
        wake_and_wait_for_its_end(zombie)
    assert_told_to_stop(load)
    load.assert_complete()


def test_a_zombie_that_wakes_beside_its_successor_adds_nothing(prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    zombie = load.start_and_hold(after_batches=3)
    with frozen(zombie):
        successor = load.wait_until_held(attempt=2)
        assert successor.pid != zombie.pid
        assert zombie.is_alive()
        assert len(orders.rows_of(load.destination, load.table)) == 1_500

        load.gate.close(after_batches=4)  # the zombie may pass its next batch, and the successor one more
        wake_and_wait_for_its_end(zombie)
    assert_told_to_stop(load)
    wait_for(lambda: load.checkpoint().batches == 7, "the successor's next batch")
    assert len(orders.rows_of(load.destination, load.table)) == 1_750
    load.gate.open()
    load.wait_for_success(attempt=2)
    load.assert_complete()
