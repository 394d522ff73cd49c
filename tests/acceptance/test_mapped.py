"""Mapped tasks: each map index has its own checkpoint."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tests.acceptance import orders
from tests.acceptance.conftest import StartLoad
from tests.acceptance.load import Load
from tests.support.airflow.airflow import LiveAirflow
from tests.support.airflow.checkpoints import events
from tests.support.waiting import wait_for


def set_regions(load: Load, regions: Sequence[str]) -> None:
    (load.gates / f"{load.table}.json").write_text(json.dumps(regions))


def test_only_the_killed_index_is_retried_and_it_resumes(
    airflow: LiveAirflow, prepare_load: StartLoad
) -> None:
    load = prepare_load("mapped_regions")
    set_regions(load, orders.REGIONS)
    second = load.index(1)
    second.gate.close(after_batches=3)
    load.start()
    committed = second.kill()
    second.gate.open()
    assert airflow.api.wait_for_run(load.key.dag_id, load.key.run_id) == "success"
    instances = airflow.api.task_instances(load.key.dag_id, load.key.run_id)
    tries = {ti["map_index"]: ti["try_number"] for ti in instances if ti["task_id"] == "copy"}
    assert tries == {0: 1, 1: 2, 2: 1, 3: 1}
    assert committed == 300
    assert any(line.startswith("Resuming order_id > ") for line in second.log(2))
    assert second.rows() == orders.ROWS // 4 - committed
    assert orders.rows_of(load.destination, load.table) == orders.rows_of(load.source, "orders")


def test_a_cleared_index_reloads_alone(airflow: LiveAirflow, prepare_load: StartLoad) -> None:
    load = prepare_load("mapped_regions")
    set_regions(load, orders.REGIONS)
    load.start()
    assert airflow.api.wait_for_run(load.key.dag_id, load.key.run_id) == "success"
    third = load.index(2)
    third.clear()
    third.wait_for_success(attempt=2)
    assert third.rows() == orders.ROWS // 4
    assert [load.index(index).checkpoint().try_number for index in range(4)] == [1, 1, 2, 1]
    assert orders.rows_of(load.destination, load.table) == orders.rows_of(load.source, "orders")


def test_all_indexes_reload_where_the_whole_task_is_cleared(
    airflow: LiveAirflow, prepare_load: StartLoad
) -> None:
    load = prepare_load("mapped_regions")
    set_regions(load, orders.REGIONS)
    load.start()
    assert airflow.api.wait_for_run(load.key.dag_id, load.key.run_id) == "success"
    airflow.api.clear(load.key)
    again = ["started", "completed"] * 2
    wait_for(
        lambda: [load.index(index).history() for index in range(4)] == [again] * 4,
        "all indexes to load again",
        timeout=120,
    )
    assert airflow.api.wait_for_run(load.key.dag_id, load.key.run_id) == "success"
    for index in range(4):
        started = [
            event for event in events(load.destination, load.index(index).key) if event["kind"] == "started"
        ]
        assert started[-1]["detail"] == "The task was cleared: starting from the beginning"
    assert orders.rows_of(load.destination, load.table) == orders.rows_of(load.source, "orders")


def test_an_index_that_got_another_region_does_not_resume(
    airflow: LiveAirflow, prepare_load: StartLoad
) -> None:
    load = prepare_load("mapped_regions")
    set_regions(load, ("east", "north"))
    first, second = load.index(0), load.index(1)
    second.gate.close(after_batches=3)
    load.start()
    second.wait_until_held()
    first.wait_for_success(attempt=1)

    set_regions(load, ("north", "east"))
    lister = load.neighbour("list_regions")
    airflow.api.clear(lister)
    airflow.api.wait_for_task(lister, "success", try_number=2)
    second.kill()
    second.gate.open()
    airflow.api.wait_for_task(second.key, "failed", try_number=2)

    assert any("The load is not the one that the checkpoint was made by" in line for line in second.log(2))
    north = orders.rows_of(load.source, "orders", "region = 'north'")
    assert orders.rows_of(load.destination, load.table, "region = 'north'") == north[:300]

    assert airflow.api.wait_for_run(load.key.dag_id, load.key.run_id) == "failed"
    airflow.api.clear_run(load.key.dag_id, load.key.run_id)
    # Whichever begins first finds the rows that the other one has loaded, and retries when that one has begun again.
    assert airflow.api.wait_for_run(load.key.dag_id, load.key.run_id, timeout=180) == "success"
    expected = orders.rows_of(load.source, "orders", "region IN ('east', 'north')")
    assert orders.rows_of(load.destination, load.table) == expected
