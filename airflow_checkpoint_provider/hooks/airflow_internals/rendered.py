"""The rendered fields of task instances in Airflow's own tables, as the view and the shell read them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from airflow.models import renderedtifields
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_checkpoint_provider.hooks.airflow_internals.conditions import (
    Task,
    TaskRun,
    in_groups,
    is_instance,
    is_one_of,
)

_MOST_RENDERED = 2000  # rendered task instances to read; Airflow keeps 30 runs of each task
_EVERY_ATTEMPT = {"include_all_attempts": True}  # Airflow 3.4 leaves out earlier ones; others ignore it


def rendered_fields(tasks: Sequence[Task]) -> Iterator[tuple[Task, Mapping[str, Any]]]:
    """Read the templated fields of recent instances of tasks, as they were rendered."""
    with create_session() as session:
        for some in in_groups(tasks):
            for dag_id, task_id, fields in _rendered(session, some):
                yield (dag_id, task_id), fields or {}


def _rendered(session: Session, tasks: Collection[Task]) -> Iterator[Any]:
    models: Any = renderedtifields
    kept = models.RenderedTaskInstanceFields
    if hasattr(kept, "dag_id"):
        yield from session.execute(_rendered_in(kept, tasks))
        return
    # From Airflow 3.4 on the fields belong to an attempt, whose task instance has the ids.
    instance: Any = TaskInstance
    statement = (
        select(instance.dag_id, instance.task_id, kept.rendered_fields)
        .join(instance, instance.id == kept.task_instance_id)
        .where(is_one_of(instance, tasks))
        .order_by(kept.id.desc())
        .limit(_MOST_RENDERED)
    )
    yield from session.execute(statement, execution_options=_EVERY_ATTEMPT)
    yield from session.execute(_rendered_in(models.LegacyRenderedTaskInstanceFields, tasks))


def _rendered_in(model: Any, tasks: Collection[Task]) -> Any:
    columns = select(model.dag_id, model.task_id, model.rendered_fields)
    return columns.where(is_one_of(model, tasks)).limit(_MOST_RENDERED)


def rendered_of(instance: TaskRun) -> Mapping[str, Any] | None:
    """
    Read the templated fields of a task instance, as its last attempt has rendered them.

    :return: ``None`` where Airflow does not have them, or not any more
    """
    models: Any = renderedtifields
    kept = models.RenderedTaskInstanceFields
    with create_session() as session:
        if hasattr(kept, "dag_id"):
            return _fields(session, select(kept.rendered_fields).where(is_instance(kept, instance)))
        its: Any = TaskInstance
        newest = (
            select(kept.rendered_fields)
            .join(its, its.id == kept.task_instance_id)
            .where(is_instance(its, instance))
            .order_by(kept.id.desc())
        )
        found = _fields(session, newest)
        if found is not None:
            return found
        legacy = models.LegacyRenderedTaskInstanceFields
        return _fields(session, select(legacy.rendered_fields).where(is_instance(legacy, instance)))


def _fields(session: Session, statement: Any) -> Mapping[str, Any] | None:
    found = session.scalar(statement.limit(1), execution_options=_EVERY_ATTEMPT)
    return found if isinstance(found, Mapping) else None
