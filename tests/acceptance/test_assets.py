"""The events of the assets that a load updates."""

from __future__ import annotations

from tests.acceptance import orders
from tests.acceptance.conftest import StartLoad
from tests.acceptance.dags.orders_asset import PARTITIONED


def test_the_event_has_the_loads_rows_and_the_runs_partition(prepare_load: StartLoad) -> None:
    load = prepare_load("orders_asset")
    api, key = load.airflow.api, "2026-01" if PARTITIONED else None
    api.wait_for_dag(load.key.dag_id)
    body = {"logical_date": None, "conf": {"table": load.table}, "dag_run_id": load.key.run_id}
    if key:
        body["partition_key"] = key
    api.request("POST", f"/dags/{load.key.dag_id}/dagRuns", json=body)
    load.wait_for_success(attempt=1)
    events = api.request("GET", "/assets/events", params={"source_run_id": load.key.run_id}).json()
    (event,) = events["asset_events"]
    assert event.get("partition_key") == key
    assert (event["extra"]["rows"], event["extra"]["rows_total"]) == (orders.ROWS, orders.ROWS)
    assert event["extra"]["checkpoint"] == {"order_id": 21_000}
