"""Airflow's own record of the runs that load tables: the next ones, and instances that have not ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import or_, select

from airflow_checkpoint_provider.engine.admin.table_loads import TaskOfRun
from airflow_checkpoint_provider.hooks.airflow_internals.conditions import in_groups, is_one_of, name_of

_ENDED_WELL = (
    TaskInstanceState.SUCCESS.value,
    TaskInstanceState.SKIPPED.value,
    TaskInstanceState.REMOVED.value,
)


@dataclass(frozen=True, slots=True)
class NextRun:
    """
    The next scheduled run of a DAG.

    :param at: when it is created; ``None`` where none is planned by time
    :param paused: whether the DAG is paused, so that it will not be
    """

    at: datetime | None
    paused: bool


def next_runs(dag_ids: Collection[str]) -> dict[str, NextRun]:
    """Return the next run of each DAG; one that Airflow does not parse any more is left out."""
    model: Any = DagModel
    found: dict[str, NextRun] = {}
    with create_session() as session:
        for some in in_groups(sorted(dag_ids)):
            columns = select(model.dag_id, model.next_dagrun_create_after, model.is_paused)
            for dag_id, at, paused in session.execute(columns.where(model.dag_id.in_(some), ~model.is_stale)):
                found[dag_id] = NextRun(at, bool(paused))
    return found


def unfinished(tasks: Collection[TaskOfRun]) -> dict[TaskOfRun, set[int]]:
    """Return the map indexes of mapped tasks in runs whose instances have not ended well."""
    model: Any = TaskInstance
    found: dict[TaskOfRun, set[int]] = defaultdict(set)
    with create_session() as session:
        for some in in_groups(sorted(tasks)):
            these = (is_one_of(model, [run[:2]]) & (model.run_id == run[2]) for run in some)
            columns = (model.dag_id, model.task_id, model.run_id, model.map_index, model.state)
            for *key, index, state in session.execute(select(*columns).where(or_(*these))):
                if name_of(state) not in _ENDED_WELL:
                    found[key[0], key[1], key[2]].add(index)
    return dict(found)
