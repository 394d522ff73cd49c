"""The values that the pages show, ready for a template."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from airflow_checkpoint_provider.engine.admin.outlook import is_stalled, outlook
from airflow_checkpoint_provider.engine.admin.search import Listed
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, PARTITION, Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.display.ahead import seen
from airflow_checkpoint_provider.plugin.display.pace import Pace, pace
from airflow_checkpoint_provider.plugin.display.words import ago, duration, position, state_word

SLOW = timedelta(seconds=30)
"""How long an attempt may commit nothing before its page offers to look for the reason."""


@dataclass(frozen=True, slots=True)
class View:
    """
    A checkpoint as it is shown.

    :param state: ``running``, ``stalled``, ``failed``, ``completed``, ``staged`` or ``seeded``; or ``interrupted``,
        where the attempt is over for Airflow and not for the checkpoint
    :param instance: the task instance's state, where the state is ``interrupted``
    :param request: the open request for the next attempt
    :param outlook: what the next attempt will do
    :param rejected: number of rows that the destination has refused
    """

    place: Place
    checkpoint: Checkpoint
    state: Status
    request: HistoryEntry | None
    pace: Pace
    position: str
    ago: str
    outlook: str
    instance: str
    shown_at: datetime
    rejected: int = 0

    @classmethod
    def of(
        cls, place: Place, listed: Listed, instance: str | None, stalled_after: timedelta, now: datetime
    ) -> View:
        """Describe a checkpoint as of ``now``; ``instance`` is the state of a task instance that is over."""
        checkpoint, request = listed.checkpoint, listed.request
        if instance:
            state = Status.INTERRUPTED
        else:
            state = Status.STALLED if is_stalled(checkpoint, now, stalled_after) else checkpoint.status
            state = Status.STAGED if listed.staged and state is Status.COMPLETED else state
        return cls(
            place,
            checkpoint,
            state,
            request,
            pace(checkpoint, listed.sample if state is Status.RUNNING else None, now),
            position(checkpoint),
            ago(checkpoint.committed_at, now),
            outlook(
                # The attempt is over, so the outlook is that of the next one.
                replace(checkpoint, status=Status.FAILED) if instance else checkpoint,
                request.asks_for if request else None,
                now,
            ),
            (instance or "").replace("_", " "),
            now,
            listed.rejected,
        )

    @property
    def identity(self) -> Identity:
        """The checkpoint's identity."""
        return self.checkpoint.identity

    @property
    def index(self) -> int | None:
        """The map index of its task instance; for a named checkpoint, that of its last attempt."""
        identity = self.identity
        index = self.checkpoint.claimed_map_index if identity.name else identity.map_index
        return index if index is not None and index >= 0 else None

    @property
    def part(self) -> Partition | None:
        """The partition that it loads, where many tasks load one table."""
        return Partition.of_text(self.checkpoint.fingerprint.get(PARTITION))

    @property
    def word(self) -> str:
        """The state as it is shown."""
        return state_word(self.state.value)

    @property
    def done_at(self) -> datetime | None:
        """The estimated end of the load."""
        try:
            return None if self.pace.left is None else self.shown_at + timedelta(seconds=self.pace.left)
        except OverflowError:
            return None

    @property
    def over(self) -> bool:
        """Whether no attempt is at work."""
        return self.state is Status.INTERRUPTED or self.checkpoint.status is not Status.RUNNING

    @property
    def is_slow(self) -> bool:
        """Whether an attempt is at work that has committed nothing for a while."""
        return not self.over and self.shown_at - self.checkpoint.committed_at > SLOW

    @property
    def href(self) -> str:
        """The address of its page, from a page beside it."""
        return f"task?{self.query}"

    @property
    def query(self) -> str:
        """The query string that identifies it."""
        return query_of(self.identity, self.place)

    @property
    def target(self) -> dict[str, Any]:
        """The fields that identify it in a request."""
        return target_of(self.identity, self.place)

    @property
    def seen(self) -> str:
        """A token that changes with every update of the checkpoint."""
        return seen(self.checkpoint)

    @property
    def airflow_href(self) -> str:
        """The address of the task instance in Airflow's UI, from a page of this app."""
        identity = self.identity
        index = -1 if self.index is None else self.index
        return instance_href(identity.dag_id, identity.task_id, self.checkpoint.run_id, index)

    @property
    def spans_runs(self) -> bool:
        """Whether it belongs to all runs of the task."""
        return self.identity.run_id == ALL_RUNS

    @property
    def tries(self) -> str:
        """The last attempt's try number, and the number of tries."""
        stored = self.checkpoint
        return f"{stored.try_number} of {max(stored.max_tries + 1, stored.try_number)}"

    @property
    def took(self) -> str:
        """How long the load has taken so far, or took in all."""
        return duration(self._seconds)

    @property
    def average(self) -> float | None:
        """Rows a second since the load began, including the time between attempts."""
        return self.checkpoint.rows / self._seconds if self._seconds > 0 else None

    @property
    def ended_at(self) -> datetime:
        """The end of the load so far: now, while an attempt is at work."""
        if not self.over:
            return self.shown_at
        return self.checkpoint.completed_at or self.checkpoint.updated_at

    @property
    def _seconds(self) -> float:
        return (self.ended_at - self.checkpoint.started_at).total_seconds()


def target_of(identity: Identity, place: Place) -> dict[str, Any]:
    """Return the fields that identify a checkpoint."""
    return {
        "dag_id": identity.dag_id,
        "task_id": identity.task_id,
        "run_id": identity.run_id,
        "map_index": identity.map_index,
        **({"name": identity.name} if identity.name else {}),
        "conn_id": place.conn_id,
        "table": place.table,
        **({"team": place.team} if place.team else {}),
    }


def query_of(identity: Identity, place: Place) -> str:
    """Return the query string that identifies a checkpoint."""
    return urlencode(target_of(identity, place))


def instance_href(dag_id: str, task_id: str, run_id: str, index: int) -> str:
    """Return the address of a task instance in Airflow's UI, from a page of this app."""
    path = f"../dags/{_part(dag_id)}/runs/{_part(run_id)}/tasks/{_part(task_id)}"
    return path if index < 0 else f"{path}/mapped/{index}"


def _part(text: str) -> str:
    return quote(text, safe="")
