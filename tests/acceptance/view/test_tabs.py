"""The tabs of tasks and task instances: Airflow 3.4 shows them for transfers only, earlier versions for all tasks."""

from __future__ import annotations

import pytest

from tests.support.airflow.airflow import LiveAirflow


@pytest.mark.parametrize("destination", ["task", "task_instance"])
@pytest.mark.parametrize(
    ("dag_id", "task_id", "wanted"),
    [
        ("copy_orders_with_neighbour", "copy", True),
        ("copy_orders_with_neighbour", "neighbour", False),
        ("mapped_regions", "copy", True),
        ("staged_regions", "publish", False),
        ("wait_for_orders", "all_rows", False),
    ],
)
def test_a_tab_is_there_for_transfers_only(
    airflow: LiveAirflow, destination: str, dag_id: str, task_id: str, wanted: bool
) -> None:
    airflow.api.wait_for_dag(dag_id)
    plugins = airflow.api.request("GET", "/plugins").json()["plugins"]
    (plugin,) = (plugin for plugin in plugins if plugin["name"] == "checkpoint")
    (view,) = (view for view in plugin["external_views"] if view["destination"] == destination)
    ((path, allowed),) = view["applies_to"].items()
    record, field = path.split(".")
    assert record == "task"
    there = airflow.api.task(dag_id, task_id)[field]
    assert bool(set(there) & set(allowed)) is wanted


def test_the_page_of_all_checkpoints_is_there_for_everybody(airflow: LiveAirflow) -> None:
    plugins = airflow.api.request("GET", "/plugins").json()["plugins"]
    (plugin,) = (plugin for plugin in plugins if plugin["name"] == "checkpoint")
    (view,) = (view for view in plugin["external_views"] if view["destination"] == "nav")
    assert not view.get("applies_to")
