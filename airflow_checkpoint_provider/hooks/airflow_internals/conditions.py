"""Conditions on Airflow's own tables: rows of tasks and of their instances, some at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import and_, or_

T = TypeVar("T")

Task = tuple[str, str]
"""A DAG's id and a task's."""
TaskRun = tuple[str, str, str, int]
"""The ids of a DAG, a task and a run, and the map index; for a task in a loop, the iteration."""

_AT_ONCE = 100


def in_groups(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield values some at a time."""
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def is_one_of(model: Any, tasks: Collection[Task]) -> Any:
    """Return the condition that a row of a table is of one of some tasks."""
    return or_(*(and_(model.dag_id == dag_id, model.task_id == task_id) for dag_id, task_id in tasks))


def is_instance(model: Any, instance: TaskRun) -> Any:
    """Return the condition that a row of a table is of a task instance."""
    dag_id, task_id, run_id, index = instance
    return and_(
        model.dag_id == dag_id, model.task_id == task_id, model.run_id == run_id, model.map_index == index
    )


def name_of(state: Any) -> str:
    """Return the name of a task instance's state; ``none`` where it has none yet."""
    return str(getattr(state, "value", state) or "none")
