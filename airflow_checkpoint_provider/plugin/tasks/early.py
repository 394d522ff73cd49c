"""Task instances of transfers that have failed before they claimed a checkpoint, from Airflow's own data."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Checkpoint
from airflow_checkpoint_provider.hooks.airflow_internals.conditions import Task, TaskRun
from airflow_checkpoint_provider.hooks.airflow_internals.failures import (
    LATELY,
    MOST_READ,
    MOST_SHOWN,
    Among,
    FailedInstance,
    early_errors,
    failed_instances,
)
from airflow_checkpoint_provider.hooks.airflow_internals.tables import teams_of
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.instances import instance_of
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.access import Viewer
from airflow_checkpoint_provider.plugin.models import instance_href
from airflow_checkpoint_provider.plugin.services import discovery, reader

_CANNOT_CONNECT = re.compile("[^:]*: Connection '(.*?)' cannot be opened")
_MOST_CHECKPOINTS = 10_000  # of the runs of these failures


@dataclass(frozen=True, slots=True)
class EarlyFailure:
    """
    A task instance whose last try has failed without a checkpoint.

    :param error: what has ended it; empty where that is not known, or may not be seen
    """

    failed: FailedInstance
    name: str
    error: str

    @property
    def dag_id(self) -> str:
        return self.failed.instance[0]

    @property
    def run_id(self) -> str:
        return self.failed.instance[2]

    @property
    def index(self) -> int | None:
        """The map index, where the task is mapped."""
        index = self.failed.instance[3]
        return index if index >= 0 else None

    @property
    def state(self) -> str:
        """The state of the task instance, in words."""
        return self.failed.state.replace("_", " ")

    @property
    def tries(self) -> str:
        """The last try's number, and the number of tries."""
        return f"{self.failed.try_number} of {max(self.failed.tries, self.failed.try_number)}"

    @property
    def href(self) -> str:
        """The address of the task instance in Airflow's UI, where its log is."""
        return instance_href(*self.failed.instance)


def early_failures(viewer: Viewer, tasks: Collection[Task], among: Among) -> list[EarlyFailure]:
    """
    Return the task instances of transfers that have failed lately and have no checkpoint, the newest first.

    Where the database of the checkpoints does not answer, only those are known that have left their error in Airflow.

    :param tasks: transfers, of DAGs that the viewer may see
    :param among: which of their instances are meant; unless it limits those of each task, there are at most
        ``MOST_SHOWN`` of all
    """
    failed = failed_instances(sorted(tasks), datetime.now(UTC) - LATELY, MOST_READ, among)
    if not failed:
        return []
    errors = early_errors([one.instance for one in failed])
    known = _with_checkpoint([one for one in failed if one.instance not in errors])
    failed = [one for one in failed if one.instance in errors or one.instance not in known]
    if among.of_each is None:
        failed = failed[:MOST_SHOWN]
    names = discovery().places()
    dag_ids = {one.instance[0] for one in failed}
    readable = {dag_id for dag_id in dag_ids if viewer.may_read_logs(dag_id)}
    teams = teams_of(readable)
    return [
        EarlyFailure(
            one,
            names.called(*one.instance[:2]),
            _shown(viewer, errors.get(one.instance, ""), teams.get(one.instance[0]))
            if one.instance[0] in readable
            else "",
        )
        for one in failed
    ]


def _shown(viewer: Viewer, error: str, team: str | None) -> str:
    """Return an error; that of a driver which cannot connect names hosts, and needs the right to the connection."""
    found = _CANNOT_CONNECT.match(error)
    return f"{found[0]}." if found and not viewer.may_see_connection(found[1], team) else error


def _with_checkpoint(failed: Sequence[FailedInstance]) -> set[TaskRun]:
    """Return those of task instances that have a checkpoint, or may have one."""
    if not failed:
        return set()
    places = discovery().places()
    where: dict[Place, list[FailedInstance]] = {}
    for one in failed:
        for place in places.of(*one.instance[:2]):
            where.setdefault(place, []).append(one)
    found: set[TaskRun] = set()
    answers = reader().ask(where, lambda hook: _checkpoints(hook, failed))
    # A place without a metadata table has no checkpoint.
    for trouble in answers.troubles:
        found.update(one.instance for one in where[trouble.place])
    for place, checkpoints in answers.by_place.items():
        theirs = {instance_of(checkpoint) for checkpoint in checkpoints}
        spanning: dict[Task, datetime] = {}
        for checkpoint in checkpoints:
            who = checkpoint.identity
            if who.run_id == ALL_RUNS:
                task = (who.dag_id, who.task_id)
                spanning[task] = max(checkpoint.updated_at, spanning.get(task, checkpoint.updated_at))
        for one in where[place]:
            moved = spanning.get(one.instance[:2])
            # Of an earlier run of a checkpoint that spans runs it is not known any more.
            if one.instance in theirs or (moved and moved > one.ended_at):
                found.add(one.instance)
    return found


def _checkpoints(hook: CheckpointHook, failed: Sequence[FailedInstance]) -> Sequence[Checkpoint]:
    dags, tasks, runs, indexes = ({one.instance[n] for one in failed} for n in range(4))
    found, _ = hook.list_all(
        dag_id=sorted(dags),
        task_id=sorted(tasks),
        run_id=[*sorted(runs), ALL_RUNS],
        map_index=sorted({*indexes, -1}),  # one with a name has no index
        limit=_MOST_CHECKPOINTS,
    )
    return found
