"""The marker in Airflow's task state store. Collected where Airflow has such a store."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.operators.task_state import KEY
from tests.acceptance.conftest import HAS_LOOPS, StartLoad
from tests.support.airflow.airflow import LiveAirflow


def test_each_claim_leaves_a_marker_and_a_retry_finds_it(
    airflow: LiveAirflow, prepare_load: StartLoad
) -> None:
    load = prepare_load("copy_orders")
    load.start_and_hold(after_batches=3)
    marker = {"load": f"copy_orders.copy, run {load.key.run_id}", "fence": 1}
    assert airflow.api.task_state(load.key) == {KEY: marker}
    committed = load.kill()
    load.gate.open()
    load.wait_for_success(attempt=2)
    load.assert_resumed(attempt=2, after_rows=committed)
    assert airflow.api.task_state(load.key) == {KEY: {**marker, "fence": 2}}


def test_a_retry_whose_task_state_was_discarded_starts_over(
    airflow: LiveAirflow, prepare_load: StartLoad
) -> None:
    load = prepare_load("copy_orders")
    load.start_and_hold(after_batches=5)
    airflow.api.discard_task_state(load.key)
    load.kill()
    load.gate.open()
    load.wait_for_success(attempt=2)
    instance = airflow.api.task_instance(load.key)
    assert instance
    assert instance["max_tries"] == 2  # unchanged
    load.assert_reloaded(attempt=2)


@pytest.mark.skipif(not HAS_LOOPS, reason="Airflow 3.3 keeps it with every clear")
def test_a_clear_discards_it_unless_it_is_told_to_keep_it(
    airflow: LiveAirflow, prepare_load: StartLoad
) -> None:
    load = prepare_load("copy_orders")
    load.start()
    load.wait_for_success(attempt=1)
    for attempt, keep in ((2, True), (3, False)):
        airflow.api.wait_for_run(load.key.dag_id, load.key.run_id)
        with airflow.api.paused(load.key.dag_id):
            airflow.api.clear(load.key, keep_task_state=keep)
            assert bool(airflow.api.task_state(load.key)) is keep
        load.wait_for_success(attempt)
        # The same task state is kept by a clear of the whole run, which means "load it again".
        load.assert_reloaded(attempt)


def test_a_clear_of_the_whole_run_starts_over(airflow: LiveAirflow, prepare_load: StartLoad) -> None:
    load = prepare_load("copy_orders")
    load.start()
    load.wait_for_success(attempt=1)
    airflow.api.wait_for_run(load.key.dag_id, load.key.run_id)
    airflow.api.clear_run(load.key.dag_id, load.key.run_id)
    load.wait_for_success(attempt=2)
    load.assert_reloaded(attempt=2)
