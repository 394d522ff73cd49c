"""DAGs, task instances, connections and the audit log in Airflow's own tables, as the view and the shell need them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from airflow import sdk
from airflow.configuration import conf
from airflow.models.connection import Connection
from airflow.models.dag import DagModel
from airflow.models.dagbag import DBDagBag
from airflow.models.log import Log
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import Text, and_, cast, func, or_, select

from airflow_checkpoint_provider.hooks.airflow_internals.conditions import (
    TaskRun,
    in_groups,
    is_instance,
    name_of,
)

AT_WORK = frozenset(
    {
        TaskInstanceState.RUNNING.value,
        TaskInstanceState.DEFERRED.value,
        TaskInstanceState.RESTARTING.value,
    }
)
"""The states in which an attempt may go on."""
OVER = frozenset(
    {
        TaskInstanceState.SUCCESS.value,
        TaskInstanceState.FAILED.value,
        TaskInstanceState.UP_FOR_RETRY.value,
        TaskInstanceState.UPSTREAM_FAILED.value,
        TaskInstanceState.SKIPPED.value,
    }
)
"""The states in which no attempt is at work, and none is about to begin."""
FAILED = TaskInstanceState.FAILED.value
"""The state of a task instance that Airflow does not try again."""
REMOVED = TaskInstanceState.REMOVED.value
"""The state of a task instance that its DAG no longer has."""


def current_dags() -> dict[str, tuple[Any, datetime]]:
    """Return the newest version of each DAG: its id, and when it was last written."""
    model = SerializedDagModel
    newest = select(model.dag_id, func.max(model.created_at).label("created_at")).group_by(model.dag_id)
    latest = newest.subquery()
    is_latest = and_(model.dag_id == latest.c.dag_id, model.created_at == latest.c.created_at)
    statement = select(model.dag_id, model.id, model.last_updated).join(latest, is_latest)
    with create_session() as session:
        return {row.dag_id: (row.id, row.last_updated) for row in session.execute(statement)}


def serialized_dags(versions: Sequence[Any], containing: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """
    Read serialized DAGs, each with its ``dag_id``.

    :param versions: ids of the versions to read
    :param containing: a text that a DAG must contain; the database leaves out others where it can
    """
    model = SerializedDagModel
    with create_session() as session:
        for some in in_groups(versions):
            text = cast(model._data, Text).like(f"%{containing}%")
            statement = select(model).where(
                model.id.in_(some), or_(text, model._data_compressed.is_not(None))
            )
            for dag in session.scalars(statement):
                yield dag.dag_id, dag.data or {}


def serialized_dag(dag_id: str) -> Mapping[str, Any] | None:
    """
    Read the newest version of a DAG.

    :return: ``None`` where Airflow has no such DAG
    """
    model = SerializedDagModel
    newest = select(model).where(model.dag_id == dag_id).order_by(model.created_at.desc()).limit(1)
    with create_session() as session:
        dag = session.scalar(newest)
        return (dag.data or {}) if dag else None


def states_of(instances: Collection[TaskRun]) -> dict[TaskRun, set[str]]:
    """
    Return the states of task instances; of one that Airflow does not know, none.

    There may be more than one: a loop that was cleared from an iteration on keeps the instances that it replaced.
    """
    model: Any = TaskInstance
    these = or_(*(is_instance(model, one) for one in instances))
    columns = (model.dag_id, model.task_id, model.run_id, model.map_index, model.state)
    found: dict[Any, set[str]] = defaultdict(set)
    with create_session() as session:
        for *key, state in session.execute(select(*columns).where(these)) if instances else ():
            found[tuple(key)].add(name_of(state))
    return dict(found)


def states_in_run(dag_id: str, task_id: str, run_id: str) -> dict[int, str]:
    """Return the states of a task's instances in a run, by their map index; -1 is that of a task that is not mapped."""
    model: Any = TaskInstance
    these = and_(model.dag_id == dag_id, model.task_id == task_id, model.run_id == run_id)
    with create_session() as session:
        found = session.execute(select(model.map_index, model.state).where(these))
        return {index: name_of(state) for index, state in found}


def signs_of_life(instance: TaskRun) -> list[tuple[str, datetime | None, str, int | None]]:
    """Return the state of a task instance, its last heartbeat, and its worker's host and process, if there is one."""
    model: Any = TaskInstance
    columns = (model.state, model.last_heartbeat_at, model.hostname, model.pid)
    with create_session() as session:
        found = session.execute(select(*columns).where(is_instance(model, instance)))
        return [(name_of(state), heard, host or "", pid) for state, heard, host, pid in found]


def heartbeat_timeout() -> float:
    """Return the seconds without a heartbeat after which Airflow takes a task instance for lost."""
    return float(conf.getint("scheduler", "task_instance_heartbeat_timeout", fallback=300))


def is_paused(dag_id: str) -> bool:
    """Return whether a DAG is paused, so that Airflow schedules nothing of it."""
    with create_session() as session:
        return bool(session.scalar(select(DagModel.is_paused).where(DagModel.dag_id == dag_id)))


def next_retry(instance: TaskRun) -> datetime | None:
    """Return the time of the next try of a task instance that waits for one, as far as it can be known."""
    model: Any = TaskInstance
    dag_id, task_id, *_ = instance
    waiting = select(model).where(
        is_instance(model, instance), model.state == TaskInstanceState.UP_FOR_RETRY.value
    )
    with create_session() as session:
        found = session.scalar(waiting)
        dag = DBDagBag().get_latest_version_of_dag(dag_id, session=session) if found else None
        if found is None or found.end_date is None or dag is None or not dag.has_task(task_id):
            return None
        found.task = dag.get_task(task_id)
        return found.next_retry_datetime()  # type: ignore[no-any-return]


def known_dags() -> set[str]:
    """Return the ids of the DAGs that Airflow knows, with those that are not parsed any more."""
    with create_session() as session:
        return set(session.scalars(select(DagModel.dag_id)))


def team_of(dag_id: str) -> str | None:
    """Return the team that a DAG belongs to, where teams are set up."""
    return DagModel.get_team_name(dag_id)


def teams_of(dag_ids: Collection[str]) -> dict[str, str]:
    """Return the teams that DAGs belong to; one without a team is left out, as are all where teams are not set up."""
    if not dag_ids or not has_teams():
        return {}
    teams: dict[str, str] = {}
    for some in in_groups(sorted(dag_ids)):
        found = DagModel.get_dag_id_to_team_name_mapping(list(some))
        teams.update({dag_id: team for dag_id, team in found.items() if team})
    return teams


def has_teams() -> bool:
    """Return whether teams are set up."""
    return bool(conf.getboolean("core", "multi_team", fallback=False))


def connection_of_team(conn_id: str, team: str) -> sdk.Connection:
    """
    Return a connection as tasks of a team get it: the team's own, else one that belongs to no team.

    :raises AirflowNotFoundException: when there is none
    """
    found = Connection.get_connection_from_secrets(conn_id, team_name=team)
    fields = ("conn_id", "conn_type", "host", "schema", "login", "password", "port", "extra")
    return sdk.Connection(**{name: getattr(found, name) for name in fields})


def add_to_audit_log(
    event: str, *, dag_id: str, task_id: str | None, run_id: str | None, map_index: int, user: str, extra: str
) -> None:
    """
    Write an entry of Airflow's audit log.

    :param event: the action, in one word
    :param task_id: ``None`` where the entry is about several tasks
    :param run_id: ``None`` where the entry is about all runs
    :param user: who has done it
    :param extra: more about it, as JSON
    """
    entry = Log(
        event=event,
        dag_id=dag_id,
        task_id=task_id,
        run_id=run_id,
        map_index=map_index,
        owner=user,
        owner_display_name=user,
        extra=extra,
    )
    with create_session() as session:
        session.add(entry)
