"""A staged replace in a real Airflow: killed instances, and one task that publishes all of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.acceptance import orders
from tests.acceptance.conftest import StartLoad
from tests.support.airflow.airflow import LiveAirflow

OLD = (-1, "old", 1.0, "east", "2025-12-31T00:00:00")


def test_the_old_rows_stay_until_all_parts_are_loaded(airflow: LiveAirflow, prepare_load: StartLoad) -> None:
    load = prepare_load("staged_regions")
    with closing(sqlite3.connect(load.destination, timeout=30)) as connection, connection:
        connection.execute(f"INSERT INTO {load.table} VALUES (?, ?, ?, ?, ?)", OLD)
    second = load.index(1)
    second.gate.close(after_batches=3)
    load.start()
    for index in (0, 2, 3):
        load.index(index).wait_for_success(attempt=1)
    committed = second.kill()
    assert orders.rows_of(load.destination, load.table) == [OLD]
    second.gate.open()
    assert airflow.api.wait_for_run(load.key.dag_id, load.key.run_id) == "success"
    assert second.rows() == orders.ROWS // 4 - committed
    assert orders.rows_of(load.destination, load.table) == orders.rows_of(load.source, "orders")
    result = airflow.api.xcom(load.neighbour("publish"))
    assert result == {"status": "published", "parts": 4, "rows": orders.ROWS, "rows_before": 1}
    assert second.history()[-1] == "published"

    publish = load.neighbour("publish")
    airflow.api.clear(publish)
    airflow.api.wait_for_task(publish, "success", try_number=2)
    assert airflow.api.xcom(publish)["status"] == "nothing"
