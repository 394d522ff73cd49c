"""Runs the tasks of an example DAG as Airflow renders and runs them, without a running Airflow."""

from __future__ import annotations

import runpy
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from airflow.sdk import DAG

from tests.support.airflow.config import REPOSITORY
from tests.support.airflow.operating import DagRun, TaskInstance

_enter = DAG.__enter__


def load_dag(name: str) -> DAG:
    """Load the file, and return its DAG."""
    found: list[DAG] = []

    def enter(dag: DAG) -> DAG:
        found.append(dag)
        return _enter(dag)

    with patch.object(DAG, "__enter__", enter):
        runpy.run_path(str(REPOSITORY / "example_dags" / f"{name}.py"))
    (dag,) = found
    return dag


def run_example(name: str, *, run: int = 1, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run all tasks of an example once, and return their results."""
    dag = load_dag(name)
    results = {}
    for task in dag.topological_sort():
        context: Any = {
            "ti": TaskInstance(dag_id=dag.dag_id, task_id=task.task_id, run_id=f"run_{run}"),
            "dag_run": DagRun(run_after=datetime(2026, 1, run, tzinfo=UTC)),
            "params": {**dag.params.dump(), **(params or {})},
        }
        task.render_template_fields(context)
        results[task.task_id] = task.execute(context)
    return results
