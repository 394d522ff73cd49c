"""One table, eight task instances: a failure of one does not affect the others."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx

from tests.acceptance import orders
from tests.acceptance.conftest import StartLoad
from tests.acceptance.demo import flights
from tests.acceptance.load import Load
from tests.support.airflow.airflow import LiveAirflow

PARTS = 8
OWN = orders.ROWS // PARTS


def assert_complete(load: Load) -> None:
    assert orders.rows_of(load.destination, load.table) == orders.rows_of(load.source, "orders")


def test_parts_that_are_killed_resume_and_the_others_do_not_notice(
    airflow: LiveAirflow, prepare_load: StartLoad
) -> None:
    load = prepare_load("partitioned_orders")
    with closing(sqlite3.connect(load.destination, timeout=30)) as connection, connection:
        # Earlier rows: below the first key, between two keys, above the last key, and without a key.
        connection.execute(f"INSERT INTO {load.table} (order_id) VALUES (-1), (10003), (99999999), (NULL)")
    hurt = [load.index(index) for index in (0, 3, 7)]
    for part in hurt:
        part.gate.close(after_batches=1)
    load.start()
    for part in hurt:
        assert part.kill() == 100
        part.gate.open()
    assert airflow.api.wait_for_run(load.key.dag_id, load.key.run_id) == "success"
    instances = airflow.api.task_instances(load.key.dag_id, load.key.run_id)
    tries = {ti["map_index"]: ti["try_number"] for ti in instances if ti["task_id"] == "copy"}
    assert tries == {index: 2 if index in (0, 3, 7) else 1 for index in range(PARTS)}
    for part in hurt:
        assert any(line.startswith("Resuming order_id > ") for line in part.log(2))
        assert part.rows() == OWN - 100
    assert_complete(load)

    key = {
        "dag_id": load.key.dag_id,
        "task_id": "copy",
        "run_id": load.key.run_id,
        "map_index": "{MAP_INDEX}",
    }
    page = httpx.get(
        f"{airflow.url}/checkpoint/task",
        params=key,
        headers={"Authorization": f"Bearer {airflow.token('admin')}", "Accept": "text/html"},
        timeout=30,
        trust_env=False,
    ).text
    assert "8 partitions of one table" in page
    assert 'title="Partition 7: completed, 100%"' in page


def test_a_cleared_part_reloads_its_range_alone(airflow: LiveAirflow, prepare_load: StartLoad) -> None:
    load = prepare_load("partitioned_orders")
    load.start()
    assert airflow.api.wait_for_run(load.key.dag_id, load.key.run_id) == "success"
    with closing(sqlite3.connect(load.destination, timeout=30)) as connection, connection:
        connection.execute(f"UPDATE {load.table} SET customer = 'old'")
    third = load.index(2)
    third.clear()
    third.wait_for_success(attempt=2)
    assert third.rows() == OWN
    assert len(orders.rows_of(load.destination, load.table, "customer = 'old'")) == orders.ROWS - OWN
    assert len(orders.rows_of(load.destination, load.table)) == orders.ROWS

    # A clear of all tasks plans again, and replaces the whole table.
    airflow.api.wait_for_run(load.key.dag_id, load.key.run_id)
    airflow.api.clear_run(load.key.dag_id, load.key.run_id)
    load.index(7).wait_for_success(attempt=2)
    assert airflow.api.wait_for_run(load.key.dag_id, load.key.run_id) == "success"
    assert_complete(load)


def test_the_example_loads_its_table(airflow: LiveAirflow, home: Path) -> None:
    source, warehouse = home / "flights_source.db", home / "warehouse.db"
    total = flights.create_databases(source, warehouse)
    airflow.api.wait_for_dag("example_partitioned_load")
    airflow.api.trigger("example_partitioned_load", conf={}, run_id="example")
    assert airflow.api.wait_for_run("example_partitioned_load", "example") == "success"
    assert flights.count(warehouse) == total
    assert flights.digest(warehouse) == flights.digest(source)
    with closing(sqlite3.connect(warehouse)) as connection:
        states = connection.execute("SELECT status, count(*) FROM airflow_checkpoint GROUP BY 1").fetchall()
    assert states == [("completed", 4)]
