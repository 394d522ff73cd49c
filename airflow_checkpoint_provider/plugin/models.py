"""What the pages show, ready to be put into a template."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from airflow_checkpoint_provider.engine.checkpoint import ALL_RUNS, Checkpoint, Identity
from airflow_checkpoint_provider.engine.history import Event
from airflow_checkpoint_provider.engine.outlook import STALLED, is_stalled, outlook
from airflow_checkpoint_provider.engine.search import Listed
from airflow_checkpoint_provider.plugin.pace import Pace, pace
from airflow_checkpoint_provider.plugin.transfers import Place
from airflow_checkpoint_provider.plugin.words import ago, duration, position


@dataclass(frozen=True, slots=True)
class View:
    """
    A checkpoint as it is shown.

    :param state: ``running``, ``stalled``, ``failed`` or ``completed``
    :param request: what the next attempt was asked to do
    :param outlook: what it will do
    """

    place: Place
    checkpoint: Checkpoint
    state: str
    request: Event | None
    pace: Pace
    position: str
    ago: str
    outlook: str

    @classmethod
    def of(cls, place: Place, listed: Listed, stalled_after: timedelta, now: datetime) -> View:
        """Describe a checkpoint as of ``now``."""
        checkpoint, request = listed.checkpoint, listed.request
        stalled = is_stalled(checkpoint, now, stalled_after)
        return cls(
            place,
            checkpoint,
            STALLED if stalled else checkpoint.status.value,
            request,
            Pace(pace(checkpoint, None, now).share) if stalled else pace(checkpoint, listed.sample, now),
            position(checkpoint),
            ago(checkpoint.updated_at, now),
            outlook(checkpoint, request.asks_for if request else None, now),
        )

    @property
    def identity(self) -> Identity:
        """Whose it is."""
        return self.checkpoint.identity

    @property
    def href(self) -> str:
        """The address of its page, from a page beside it."""
        return f"task?{self.query}"

    @property
    def query(self) -> str:
        """What names it in an address."""
        identity = self.identity
        return urlencode(
            {
                "dag_id": identity.dag_id,
                "task_id": identity.task_id,
                "run_id": identity.run_id,
                "map_index": identity.map_index,
                "conn_id": self.place.conn_id,
                "table": self.place.table,
            }
        )

    @property
    def airflow_href(self) -> str:
        """The address of the task instance in Airflow's UI, from a page of this app."""
        identity, run_id = self.identity, self.checkpoint.run_id
        path = f"../dags/{_part(identity.dag_id)}/runs/{_part(run_id)}/tasks/{_part(identity.task_id)}"
        return f"{path}/mapped/{identity.map_index}" if identity.map_index >= 0 else path

    @property
    def spans_runs(self) -> bool:
        """Whether it belongs to all runs of the task."""
        return self.identity.run_id == ALL_RUNS

    @property
    def took(self) -> str:
        """How long the load has taken so far, or took in all."""
        end = self.checkpoint.completed_at or self.checkpoint.updated_at
        return duration(end - self.checkpoint.started_at)


def _part(text: str) -> str:
    return quote(text, safe="")
