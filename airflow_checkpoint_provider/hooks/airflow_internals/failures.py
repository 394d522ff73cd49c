"""Failed task instances in Airflow's own tables, with what their last try has left in XCom."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import func, or_, select

from airflow_checkpoint_provider.hooks.airflow_internals.conditions import (
    Task,
    TaskRun,
    in_groups,
    is_one_of,
    name_of,
)
from airflow_checkpoint_provider.hooks.early_failure import KEY

LATELY = timedelta(days=7)
"""How old a failure may be that is shown."""
MOST_SHOWN = 50
"""Most failures that are shown together, the newest first."""
MOST_READ = 500
"""Most failures that are read for that: most of them have a checkpoint."""
_ENDED = (TaskInstanceState.FAILED.value, TaskInstanceState.UP_FOR_RETRY.value)


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


@dataclass(frozen=True, slots=True)
class Among:
    """
    Which task instances are meant.

    :param run_id: only those of this run
    :param index: only those with this map index; -1 where the task is not mapped
    :param text: only those with this text in the id of task or run, in any case
    :param of_each: only so many of each task, the newest
    """

    run_id: str | None = None
    index: int | None = None
    text: str = ""
    of_each: int | None = None

    def conditions(self, model: Any) -> Iterator[Any]:
        """Yield the conditions on task instances."""
        if self.run_id is not None:
            yield model.run_id == self.run_id
        if self.index is not None:
            yield model.map_index == self.index
        if self.text:
            yield or_(*(id_.icontains(self.text, autoescape=True) for id_ in (model.task_id, model.run_id)))


def failed_instances(
    tasks: Sequence[Task], since: datetime, limit: int, among: Among
) -> list[FailedInstance]:
    """
    Return the task instances of some tasks that have failed since a time, the newest first.

    :param limit: the most of all tasks; it does not hold where ``among`` limits those of each task
    """
    model: Any = TaskInstance
    ids = (model.dag_id, model.task_id, model.run_id, model.map_index)
    columns = (*ids, model.state, model.try_number, model.max_tries, model.end_date)
    found: list[Any] = []
    with create_session() as session:
        for some in in_groups(tasks):
            ended = select(*columns).where(is_one_of(model, some), model.state.in_(_ENDED))
            ended = ended.where(model.end_date >= since)
            ended = ended.where(*among.conditions(model))
            if among.of_each is None:
                ended = ended.order_by(model.end_date.desc()).limit(limit)
            else:
                newest = {"partition_by": ids[:2], "order_by": model.end_date.desc()}
                ranked = ended.add_columns(func.row_number().over(**newest).label("place")).subquery()
                ended = select(ranked).where(ranked.c.place <= among.of_each)
            found += session.execute(ended).all()
    failed = [
        FailedInstance(
            (row.dag_id, row.task_id, row.run_id, row.map_index),
            name_of(row.state),
            row.try_number,
            row.max_tries + 1,
            row.end_date,
        )
        for row in found
    ]
    failed.sort(key=lambda one: one.ended_at, reverse=True)
    return failed[:limit] if among.of_each is None else failed


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
