"""Runs of DAGs, and the states of their tasks in them, counted: as much as a page about groups needs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from sqlalchemy import and_, func, or_, select

from airflow_checkpoint_provider.hooks.airflow_internals.conditions import TaskRun, in_groups, name_of
from airflow_checkpoint_provider.hooks.airflow_internals.tables import FAILED

RunOfDag = tuple[str, str]
"""The ids of a DAG and of its run."""
States = Mapping[str, Counter[str]]
"""The number of instances in each state, by task."""


@dataclass(frozen=True, slots=True)
class BegunRun:
    """
    A DAG run that has begun.

    :param after: the time from which Airflow could begin it, by which runs are in order
    """

    dag_id: str
    run_id: str
    state: str
    after: datetime


def newest_runs(dag_ids: Collection[str]) -> dict[str, BegunRun]:
    """Return the newest run of each DAG that has begun; a DAG without one is left out."""
    model: Any = DagRun
    found: dict[str, BegunRun] = {}
    with create_session() as session:
        for some in in_groups(sorted(dag_ids)):
            newest = select(model.dag_id, func.max(model.run_after).label("after"))
            newest = newest.where(model.dag_id.in_(some), *_begun(model)).group_by(model.dag_id)
            latest = newest.subquery()
            is_latest = and_(model.dag_id == latest.c.dag_id, model.run_after == latest.c.after)
            columns = select(model.dag_id, model.run_id, model.state, model.run_after)
            statement = columns.join(latest, is_latest).where(*_begun(model)).order_by(model.id)
            for dag_id, run_id, state, after in session.execute(statement):
                found[dag_id] = BegunRun(dag_id, run_id, name_of(state), after)
    return found


def last_runs(dag_id: str, limit: int) -> list[BegunRun]:
    """Return the newest runs of a DAG that have begun, the newest first."""
    return _runs(dag_id, limit)


def run_of(dag_id: str, run_id: str) -> BegunRun | None:
    """Return one run of a DAG; ``None`` where there is no such run, or it has not begun."""
    return next(iter(_runs(dag_id, 1, DagRun.run_id == run_id)), None)


def _runs(dag_id: str, limit: int, *conditions: Any) -> list[BegunRun]:
    model: Any = DagRun
    statement = select(model.run_id, model.state, model.run_after)
    statement = statement.where(model.dag_id == dag_id, *_begun(model), *conditions)
    statement = statement.order_by(model.run_after.desc(), model.id.desc()).limit(limit)
    with create_session() as session:
        return [
            BegunRun(dag_id, run_id, name_of(state), after)
            for run_id, state, after in session.execute(statement)
        ]


def _begun(model: Any) -> Sequence[Any]:
    return (model.state != DagRunState.QUEUED.value,)


def states_in_runs(runs: Collection[RunOfDag]) -> dict[RunOfDag, States]:
    """Count the instances of each task in runs by their state; the database counts them."""
    model: Any = TaskInstance
    by = (model.dag_id, model.run_id, model.task_id, model.state)
    found: dict[RunOfDag, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    with create_session() as session:
        for some in in_groups(sorted(runs)):
            these = or_(*(and_(model.dag_id == dag_id, model.run_id == run_id) for dag_id, run_id in some))
            statement = select(*by, func.count()).where(these).group_by(*by)
            for dag_id, run_id, task_id, state, number in session.execute(statement):
                found[dag_id, run_id][task_id][name_of(state)] += number
    return dict(found)


def failed_in_run(dag_id: str, run_id: str, task_ids: Collection[str], limit: int) -> list[TaskRun]:
    """Return the failed instances of some tasks in a run that Airflow does not try again, in order."""
    model: Any = TaskInstance
    found: list[TaskRun] = []
    with create_session() as session:
        for some in in_groups(sorted(task_ids)):
            statement = select(model.task_id, model.map_index).where(
                model.dag_id == dag_id, model.run_id == run_id, model.task_id.in_(some), model.state == FAILED
            )
            statement = statement.order_by(model.task_id, model.map_index).limit(limit - len(found))
            found += [(dag_id, task_id, run_id, index) for task_id, index in session.execute(statement)]
            if len(found) >= limit:
                break
    return found
