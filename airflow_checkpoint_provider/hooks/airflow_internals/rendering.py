"""A task of a DAG with its templates rendered, for the attempt that comes next; Airflow's own tables, as there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import airflow
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import select

from airflow_checkpoint_provider.engine.model.errors import ArgumentError, one_line
from airflow_checkpoint_provider.hooks.airflow_internals.rendered import rendered_of

_NUMBERED = {
    TaskInstanceState.SCHEDULED,
    TaskInstanceState.QUEUED,
    TaskInstanceState.RUNNING,
    TaskInstanceState.RESTARTING,
    TaskInstanceState.DEFERRED,
}
"""The states in which ``try_number`` is that of the attempt that comes next, or is at work."""
_NUMBERED_EARLIER = (3, 4)
"""From this version of Airflow on, a task instance has that number also where it waits for a retry or was cleared."""
_OVER = {TaskInstanceState.SUCCESS, TaskInstanceState.FAILED, TaskInstanceState.SKIPPED}


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers by which an attempt tells a clear from a retry."""

    try_number: int
    max_tries: int
    clear_number: int

    @classmethod
    def next_of(cls, instance: Any, retries: int) -> Numbers:
        """
        Return those of a task instance's next attempt; where Airflow does not repeat it, that one follows a clear.

        :param instance: Airflow's row of it, which stays as it is
        :param retries: the task's ``retries``
        """
        tried, clears = instance.try_number or 0, getattr(instance.dag_run, "clear_number", 0) or 0
        version = tuple(int(part) for part in airflow.__version__.split(".")[:2])
        waits = instance.state in (None, TaskInstanceState.UP_FOR_RETRY)
        numbered = instance.state in _NUMBERED or (waits and tried and version >= _NUMBERED_EARLIER)
        if instance.state in _OVER:
            return cls(tried + 1, tried + retries, clears + 1)
        return cls(tried if numbered else tried + 1, instance.max_tries or 0, clears)


class NextAttempts:
    """
    The next attempts of the tasks of a DAG.

    :param run_id: the DAG run; ``None`` for one that begins now
    :raises ArgumentError: when there is no such DAG, or its file has an error
    """

    def __init__(self, dag_id: str, run_id: str | None) -> None:
        from airflow.utils.cli import get_db_dag

        self.dag = parsed_dag(dag_id)
        try:
            self._stored = get_db_dag(None, dag_id)
        except (Exception, SystemExit) as error:
            raise ArgumentError(f"{dag_id} is not in Airflow's database: {one_line(error)}") from error
        self._run = run_id
        self._begun = datetime.now(UTC).isoformat()

    def of(self, task_id: str, map_index: int = -1) -> tuple[Any, Any]:
        """
        Render a task for its next attempt, as ``airflow tasks render`` does it.

        :return: the operator, and the context of its task instance
        :raises ArgumentError: when there is no such task, run or map index, or a template cannot be rendered
        """
        from airflow.cli.commands import task_command

        internals: Any = task_command
        try:
            task = self.dag.get_task(task_id)
            instance, _ = internals._get_ti(
                self._stored.get_task(task_id),
                map_index,
                logical_date_or_run_id=self._run or self._begun,
                create_if_necessary=False if self._run else "memory",
            )
            numbers = Numbers.next_of(instance, task.retries or 0)
            context = internals._get_template_context(instance, task)
            context["ti"].try_number, context["ti"].max_tries = numbers.try_number, numbers.max_tries
            context["dag_run"] = context["dag_run"].model_copy(update={"clear_number": numbers.clear_number})
            task.render_template_fields(context)
        except (Exception, SystemExit) as error:  # a template and its macros may raise anything
            raise ArgumentError(
                f"{self.dag.dag_id}.{task_id} cannot be rendered: {one_line(error)}"
            ) from error
        return context["task"], context


def parsed_dag(dag_id: str) -> Any:
    """
    Return a DAG as its file makes it.

    :raises ArgumentError: when there is no such DAG, or its file has an error
    """
    from airflow.utils.cli import get_bagged_dag

    try:
        return get_bagged_dag(None, dag_id)
    except (Exception, SystemExit) as error:  # the file may raise anything
        raise ArgumentError(f"{dag_id} cannot be read: {one_line(error)}") from error


@dataclass(frozen=True, slots=True)
class RenderedInstance:
    """
    A task instance as its last attempt has rendered it, with the numbers of the next attempt.

    :param fields: the templated arguments, as Airflow shows them
    """

    fields: Mapping[str, Any]
    numbers: Numbers
    run_after: datetime | None


def rendered_instance(
    dag_id: str, task_id: str, run_id: str, map_index: int, retries: int
) -> RenderedInstance | None:
    """
    Return a task instance as its last attempt has rendered it.

    :param retries: the task's ``retries``
    :return: ``None`` where Airflow does not know it, or has no rendered fields of it any more
    """
    fields = rendered_of((dag_id, task_id, run_id, map_index))
    model: Any = TaskInstance
    its = select(model).filter_by(dag_id=dag_id, task_id=task_id, run_id=run_id, map_index=map_index)
    with create_session() as session:
        instance: Any = session.scalar(its)
        if instance is None or not fields:
            return None
        return RenderedInstance(fields, Numbers.next_of(instance, retries), instance.dag_run.run_after)
