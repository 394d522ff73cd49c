"""Where the checkpoints are: found in the DAGs and in what their tasks were run with, without configuration."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.serialized_dag import SerializedDagModel
from airflow.providers.common.compat.sdk import conf
from airflow.utils.session import create_session
from sqlalchemy import Text, and_, cast, func, or_, select
from sqlalchemy.orm import Session

from airflow_checkpoint_provider.hooks.settings import configured_places
from airflow_checkpoint_provider.plugin.transfers import Place, place_of, transfers_of

Task = tuple[str, str]

_KEEP = 15.0  # seconds for which an answer holds: pages that refresh themselves ask again and again
_MOST_RENDERED = 2000  # rendered task instances to look at; Airflow keeps 30 runs of each task
_AT_ONCE = 100


@dataclass(slots=True)
class Places:
    """
    Where to look.

    :param tasks: for each place, the transfers ``(dag_id, task_id)`` that keep their checkpoints there
    :param configured: places that the configuration names
    """

    tasks: dict[Place, set[Task]] = field(default_factory=lambda: defaultdict(set))
    configured: set[Place] = field(default_factory=set)

    def all(self) -> list[Place]:
        """Return every place."""
        return sorted({*self.tasks, *self.configured})

    def of(self, dag_id: str, task_id: str) -> list[Place]:
        """Return where one task's checkpoints are: every place, if nothing tells."""
        return (
            sorted(place for place, tasks in self.tasks.items() if (dag_id, task_id) in tasks) or self.all()
        )

    def dag_ids(self, place: Place) -> set[str]:
        """Return the DAGs that keep checkpoints in a place."""
        return {dag_id for dag_id, _ in self.tasks.get(place, ())}


class Discovery:
    """Looks for places, and remembers the DAGs that have not changed since."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._dags: dict[str, tuple[Any, datetime, list[tuple[str, Place | None]]]] = {}
        self._places = Places()
        self._until = 0.0

    def places(self) -> Places:
        """Return the places known now; a few seconds old at most."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._places = self._look()
                self._until = time.monotonic() + _KEEP
            return self._places

    def _look(self) -> Places:
        found = Places(configured=set(_configured()))
        if not conf.getboolean("checkpoint", "discover", fallback=True):
            return found
        with create_session() as session:
            self._refresh(session)
            unknown = []
            for dag_id, (_, _, transfers) in self._dags.items():
                for task_id, place in transfers:
                    if place:
                        found.tasks[place].add((dag_id, task_id))
                    else:
                        unknown.append((dag_id, task_id))
            for task, place in _rendered(session, unknown):
                found.tasks[place].add(task)
        return found

    def _refresh(self, session: Session) -> None:
        """Read the DAGs that are new or have changed."""
        model = SerializedDagModel
        newest = select(model.dag_id, func.max(model.created_at).label("created_at")).group_by(model.dag_id)
        latest = newest.subquery()
        is_latest = and_(model.dag_id == latest.c.dag_id, model.created_at == latest.c.created_at)
        rows = session.execute(
            select(model.dag_id, model.id, model.last_updated).join(latest, is_latest)
        ).all()
        current = {row.dag_id: (row.id, row.last_updated) for row in rows}
        known = {dag_id: kept for dag_id, kept in self._dags.items() if kept[:2] == current.get(dag_id)}
        changed = [dag_id for dag_id in current if dag_id not in known]
        for dag_id in changed:
            known[dag_id] = (*current[dag_id], [])
        for part in _parts([current[dag_id][0] for dag_id in changed]):
            # Let the database leave out what cannot hold a transfer: DAGs are large.
            text = cast(model._data, Text).like("%checkpoint_table%")
            statement = select(model).where(
                model.id.in_(part), or_(text, model._data_compressed.is_not(None))
            )
            for dag in session.scalars(statement):
                known[dag.dag_id][2].extend(transfers_of(dag.data or {}))
        self._dags = known


def _rendered(session: Session, tasks: Sequence[Task]) -> Iterable[tuple[Task, Place]]:
    """Read from recent task instances where they keep their checkpoints."""
    model = RenderedTaskInstanceFields
    for part in _parts(tasks):
        these = or_(*(and_(model.dag_id == dag_id, model.task_id == task_id) for dag_id, task_id in part))
        columns = select(model.dag_id, model.task_id, model.rendered_fields)
        for dag_id, task_id, fields in session.execute(columns.where(these).limit(_MOST_RENDERED)):
            if place := place_of(fields or {}):
                yield (dag_id, task_id), place


def _configured() -> Iterable[Place]:
    for conn_id, table in configured_places():
        yield Place(conn_id, table) if table else Place(conn_id)


def _parts(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[n : n + _AT_ONCE] for n in range(0, len(values), _AT_ONCE))
