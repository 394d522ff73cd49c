"""Rows of DAG runs and task instances in Airflow's metadata tables, without the DAGs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from airflow import settings
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance

FIRST = datetime(2026, 11, 1, tzinfo=UTC)


@contextmanager
def airflow_runs(
    runs: Sequence[tuple[str, str, str]], instances: Mapping[tuple[str, str, str, int], str | None]
) -> Iterator[None]:
    """
    Insert DAG runs and task instances, and delete them at the end.

    :param runs: the ids of DAG and run, and the state of each, the oldest first
    :param instances: the state of each task instance
    """
    run_table: Any = DagRun.__table__
    table: Any = TaskInstance.__table__
    place = "map_index" if "map_index" in table.c else "region_index"
    with settings.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        for number, (dag_id, run_id, state) in enumerate(runs):
            ids = {"dag_id": dag_id, "run_id": run_id, "state": state}
            after = {"run_type": "manual", "run_after": FIRST + timedelta(days=number)}
            connection.execute(run_table.insert().values({**_needed(run_table), **ids, **after}))
        for (dag_id, task_id, run_id, index), state in instances.items():
            ids = {"dag_id": dag_id, "task_id": task_id, "run_id": run_id, place: index, "state": state}
            connection.execute(table.insert().values({**_needed(table), **ids}))
        connection.commit()
    try:
        yield
    finally:
        with settings.engine.begin() as connection:
            connection.execute(table.delete())
            connection.execute(run_table.delete())


def set_state(instance: tuple[str, str, str, int], state: str | None) -> None:
    """Change the state of a task instance."""
    table: Any = TaskInstance.__table__
    place = "map_index" if "map_index" in table.c else "region_index"
    names = ("dag_id", "task_id", "run_id", place)
    these = [table.c[name] == value for name, value in zip(names, instance, strict=True)]
    with settings.engine.begin() as connection:
        connection.execute(table.update().where(*these).values(state=state))


def _needed(table: Any) -> dict[str, Any]:
    """Return values for the columns that must have one and have no default."""
    values: dict[str, Any] = {}
    for column in table.columns:
        if column.nullable or column.default is not None or column.server_default is not None:
            continue
        if column.type.__visit_name__ == "uuid":
            values[column.name] = uuid4()
        elif not (column.primary_key and column.autoincrement):
            values[column.name] = "" if column.type.__visit_name__ in ("string", "VARCHAR") else 0
    return values
