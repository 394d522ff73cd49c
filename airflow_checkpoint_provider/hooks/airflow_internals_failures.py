"""Failed task instances in Airflow's own tables, with what their last try has left in XCom."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import and_, or_, select

from airflow_checkpoint_provider.hooks.airflow_internals import Task, TaskRun
from airflow_checkpoint_provider.hooks.early_failure import KEY

_ENDED = (TaskInstanceState.FAILED.value, TaskInstanceState.UP_FOR_RETRY.value)
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class FailedInstance:
    """
    A task instance whose last try has failed.

    :param instance: its ids
    :param state: ``failed``, or ``up_for_retry``
    :param try_number: that of the last try
    :param tries: the most tries that there can be
    :param ended_at: when it ended
    """

    instance: TaskRun
    state: str
    try_number: int
    tries: int
    ended_at: datetime


def failed_instances(tasks: Sequence[Task], since: datetime, limit: int) -> list[FailedInstance]:
    """Return the task instances of some tasks that have failed since a time, the newest first."""
    model: Any = TaskInstance
    ids = (model.dag_id, model.task_id, model.run_id, model.map_index)
    columns = (*ids, model.state, model.try_number, model.max_tries, model.end_date)
    found: list[Any] = []
    with create_session() as session:
        for start in range(0, len(tasks), _AT_ONCE):
            some = tasks[start : start + _AT_ONCE]
            theirs = or_(*(and_(model.dag_id == dag, model.task_id == task) for dag, task in some))
            ended = select(*columns).where(theirs, model.state.in_(_ENDED), model.end_date >= since)
            found += session.execute(ended.order_by(model.end_date.desc()).limit(limit)).all()
    failed = [
        FailedInstance(
            (row.dag_id, row.task_id, row.run_id, row.map_index),
            str(getattr(row.state, "value", row.state)),
            row.try_number,
            row.max_tries + 1,
            row.end_date,
        )
        for row in found
    ]
    return sorted(failed, key=lambda one: one.ended_at, reverse=True)[:limit]


def early_errors(instances: Collection[TaskRun]) -> dict[TaskRun, str]:
    """Return the errors that have ended the last tries of task instances before they claimed a checkpoint."""
    found: dict[TaskRun, str] = {}
    wanted = set(instances)
    with create_session() as session:
        for run_id in sorted({run_id for _, _, run_id, _ in wanted}):
            of_run = [one for one in wanted if one[2] == run_id]
            query: Any = XComModel.get_many(
                run_id=run_id,
                key=KEY,
                dag_ids=sorted({one[0] for one in of_run}),
                task_ids=sorted({one[1] for one in of_run}),
            )
            for kept in session.scalars(query):
                instance = (kept.dag_id, kept.task_id, kept.run_id, kept.map_index)
                if instance in wanted and (error := _error_in(kept.value)):
                    found[instance] = error
    return found


def _error_in(value: Any) -> str | None:
    """Read a value without Airflow's decoder, which makes objects of the classes that a value names."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    error = value.get("error") if isinstance(value, dict) else None
    return error if isinstance(error, str) else None
