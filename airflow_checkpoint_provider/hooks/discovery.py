"""The places of checkpoints, found in the DAGs and in the rendered fields of tasks, without configuration."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import conf

from airflow_checkpoint_provider.hooks.airflow_internals.conditions import Task
from airflow_checkpoint_provider.hooks.airflow_internals.rendered import rendered_fields
from airflow_checkpoint_provider.hooks.airflow_internals.tables import (
    current_dags,
    serialized_dags,
    teams_of,
)
from airflow_checkpoint_provider.hooks.settings import configured_places
from airflow_checkpoint_provider.hooks.task_groups import TransferGroup, groups_of
from airflow_checkpoint_provider.hooks.transfers import (
    Place,
    display_names_of,
    place_of,
    targets_of,
    transfers_of,
)

MOST_RENDERED = 100
"""The most places of one task that are taken from its rendered fields."""
_KEEP = 15.0  # seconds for which the places are kept: pages refresh themselves
_SOON = 1.0  # seconds for which a task is taken for unknown


@dataclass(slots=True)
class Places:
    """
    The known places of checkpoints.

    :param tasks: for each place, the transfers ``(dag_id, task_id)`` that keep their checkpoints there
    :param configured: places that the configuration names
    :param names: the names of tasks in Airflow's UI, where they are not their ids
    :param transfers: every transfer, also those whose places are not known
    :param targets: the connection and the table that transfers write, where DAGs have them as they are
    :param groups: the groups of tasks with several transfers, by the ids of their DAGs and their own
    """

    tasks: dict[Place, set[Task]] = field(default_factory=lambda: defaultdict(set))
    configured: set[Place] = field(default_factory=set)
    names: dict[Task, str] = field(default_factory=dict)
    transfers: set[Task] = field(default_factory=set)
    targets: dict[Task, tuple[str, str]] = field(default_factory=dict)
    groups: dict[tuple[str, str], TransferGroup] = field(default_factory=dict)

    def all(self) -> list[Place]:
        """Return every place."""
        return sorted({*self.tasks, *self.configured})

    def of(self, dag_id: str, task_id: str) -> list[Place]:
        """Return the places of one task's checkpoints: every place, if they are not known."""
        return self.where((dag_id, task_id)) or self.all()

    def where(self, task: Task) -> list[Place]:
        """Return the known places of one task's checkpoints."""
        return sorted(place for place, tasks in self.tasks.items() if task in tasks)

    def knows(self, place: Place, dag_id: str, task_id: str) -> bool:
        """Return whether a place is configured, or one where a task keeps its checkpoints."""
        return place in self.configured or (dag_id, task_id) in self.tasks.get(place, ())

    def called(self, dag_id: str, task_id: str) -> str:
        """Return the name of a task in Airflow's UI."""
        return self.names.get((dag_id, task_id), task_id)

    def group_of(self, dag_id: str, task_id: str) -> TransferGroup | None:
        """Return the group of several transfers that a transfer is in."""
        mine = (group for (dag, _), group in self.groups.items() if dag == dag_id)
        return next((group for group in mine if task_id in group.transfers), None)

    @property
    def every_task(self) -> set[Task]:
        """The transfers whose places are known."""
        return set().union(*self.tasks.values())

    def dag_ids(self, place: Place) -> set[str]:
        """Return the DAGs that keep checkpoints in a place."""
        return {dag_id for dag_id, _ in self.tasks.get(place, ())}


@dataclass(frozen=True, slots=True)
class _Dag:
    """
    The transfers of one DAG.

    :param version: the id of its newest version, and when that was last written
    """

    version: tuple[Any, datetime]
    transfers: list[tuple[str, Place | None]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    targets: dict[str, tuple[str, str]] = field(default_factory=dict)
    groups: list[TransferGroup] = field(default_factory=list)


class Discovery:
    """Finds places, and keeps those of DAGs that have not changed since."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._dags: dict[str, _Dag] = {}
        self._places = Places()
        self._until = 0.0

    def places(self, of: Task | None = None) -> Places:
        """
        Return the known places, at most a few seconds old.

        :param of: a task whose places are needed: its DAG may be newer
        """
        with self._lock:
            left = self._until - time.monotonic()
            is_new = of is not None and left < _KEEP - _SOON and of not in self._places.every_task
            if left <= 0 or is_new:
                self._places = self._look()
                self._until = time.monotonic() + _KEEP
            return self._places

    def _look(self) -> Places:
        found = Places(configured=set(_configured()))
        if not conf.getboolean("checkpoint", "discover", fallback=True):
            return found
        self._refresh()
        unknown = []
        for dag_id, dag in self._dags.items():
            found.names.update({(dag_id, task_id): name for task_id, name in dag.names.items()})
            found.targets.update({(dag_id, task_id): target for task_id, target in dag.targets.items()})
            found.groups.update({(dag_id, group.group_id): group for group in dag.groups})
            for task_id, place in dag.transfers:
                found.transfers.add((dag_id, task_id))
                if place:
                    found.tasks[place].add((dag_id, task_id))
                else:
                    unknown.append((dag_id, task_id))
        rendered: dict[Task, set[Place]] = defaultdict(set)
        for task, fields in rendered_fields(unknown):
            # Whoever triggers a run may choose the places, and each is read in a thread of its own.
            if len(rendered[task]) < MOST_RENDERED and (place := place_of(fields)):
                rendered[task].add(place)
                found.tasks[place].add(task)
        return _in_teams(found)

    def _refresh(self) -> None:
        """Read the DAGs that are new or have changed."""
        current = current_dags()
        known = {dag_id: kept for dag_id, kept in self._dags.items() if kept.version == current.get(dag_id)}
        changed = [dag_id for dag_id in current if dag_id not in known]
        for dag_id in changed:
            known[dag_id] = _Dag(current[dag_id])
        # The database leaves out DAGs that cannot have a transfer: DAGs are large.
        for dag_id, dag in serialized_dags([current[dag_id][0] for dag_id in changed], "checkpoint_table"):
            transfers = list(transfers_of(dag))
            ours = {task_id for task_id, _ in transfers}
            targets = {task_id: target for task_id, target in targets_of(dag).items() if task_id in ours}
            names, groups = display_names_of(dag), groups_of(dag_id, dag, ours)
            known[dag_id] = _Dag(current[dag_id], transfers, names, targets, groups)
        self._dags = known


def _in_teams(found: Places) -> Places:
    """Split places by the teams whose tasks use them: each team may have a connection of its own."""
    teams = teams_of({dag_id for tasks in found.tasks.values() for dag_id, _ in tasks})
    if not teams:
        return found
    told = replace(found, tasks=defaultdict(set))
    for place, tasks in found.tasks.items():
        for task in tasks:
            told.tasks[replace(place, team=teams.get(task[0], ""))].add(task)
    return told


def _configured() -> Iterable[Place]:
    for conn_id, table in configured_places():
        yield Place(conn_id, table) if table else Place(conn_id)
