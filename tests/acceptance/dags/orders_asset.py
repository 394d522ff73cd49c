"""A load that updates an asset, in runs for asset partitions where Airflow supports them."""

from __future__ import annotations

from airflow import sdk
from airflow.sdk import DAG, Asset, Param

from tests.acceptance.dags.copy_orders import copy_orders

PARTITIONED = getattr(sdk, "PartitionedAtRuntime", None)
ORDERS = Asset("acceptance_orders")

with DAG(
    "orders_asset",
    schedule=PARTITIONED() if PARTITIONED else None,
    params={"table": Param("orders", type="string")},
):
    copy_orders(retries=0, outlets=[ORDERS])
