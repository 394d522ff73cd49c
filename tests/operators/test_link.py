"""The address of a task instance's checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from airflow_checkpoint_provider.links.checkpoint import CheckpointLink
from tests.support.airflow.operating import operator


@dataclass
class Key:
    """The key of the task instance that Airflow passes to a link."""

    dag_id: str = "a_dag"
    run_id: str = "manual__2026-01-01T00:00:00+00:00"
    task_id: str = "group.copy"
    map_index: int | None = -1


RUN = "manual__2026-01-01T00%3A00%3A00%2B00%3A00"
TASK = f"/dags/a_dag/runs/{RUN}/tasks/group.copy"


@pytest.mark.parametrize(
    ("base_url", "map_index", "address"),
    [
        ("https://airflow.example/", -1, f"https://airflow.example{TASK}/plugin/checkpoint"),
        ("https://example/some/prefix", None, f"https://example/some/prefix{TASK}/plugin/checkpoint"),
        ("https://airflow.example", 0, f"https://airflow.example{TASK}/mapped/0/plugin/checkpoint"),
        ("/", 12, f"{TASK}/mapped/12/plugin/checkpoint"),
    ],
)
def test_leads_to_the_tab_of_the_task_instance(
    monkeypatch: pytest.MonkeyPatch, base_url: str, map_index: int | None, address: str
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    task = operator()
    (link,) = task.operator_extra_links
    assert isinstance(link, CheckpointLink)
    assert link.name == "Checkpoint"
    assert link.get_link(task, ti_key=Key(map_index=map_index)) == address  # type: ignore[arg-type]
