"""Airflow's metrics of a transfer."""

from __future__ import annotations

import threading
import time
import weakref
from datetime import timedelta

from airflow.providers.common.compat.sdk import Stats

from airflow_checkpoint_provider.engine.model.checkpoint import Identity
from airflow_checkpoint_provider.engine.model.events.failure import Failed
from airflow_checkpoint_provider.engine.model.events.steps import KeyBuilding, KeyBuilt
from airflow_checkpoint_provider.engine.model.events.transfer import (
    BatchCommitted,
    Completed,
    Event,
    Reconnecting,
    RowsRejected,
    Started,
    StrategyChosen,
)

BEAT_S = 10.0
"""Seconds between two gauges of the time since the last commit."""


class Metrics:
    """
    An observer that counts, with the tags ``dag_id``, ``task_id`` and ``strategy``.

    Counters: ``checkpoint.rows``, ``checkpoint.batches``, ``checkpoint.resumes``, ``checkpoint.reloads``,
    ``checkpoint.reconnects``, ``checkpoint.rejects``. Timer: ``checkpoint.batch_duration``, from one commit to the
    next.

    Gauges, with the tags ``map_index`` or ``name`` besides, where there is one: ``checkpoint.progress``, the share of
    the load that is committed (0 to 1), where it is known; ``checkpoint.last_commit``, in seconds since 1970;
    ``checkpoint.seconds_since_commit``, every ten seconds while an attempt is at work, and 0 at its end;
    a sign of life of a key that is built counts as a commit.
    """

    def __init__(self, identity: Identity) -> None:
        self._tags = {"dag_id": identity.dag_id, "task_id": identity.task_id, "strategy": "none"}
        self._started = False
        self._last = 0.0
        self._part = identity.within_task
        self._committed_at = time.monotonic()
        self._over = threading.Event()
        self._beating = threading.Lock()

    def __call__(self, event: Event) -> None:
        match event:
            case StrategyChosen(strategy):
                self._tags["strategy"] = strategy
            case Started():
                self._last = 0.0
                # The event comes again after a lost connection.
                if not self._started:
                    self._started = True
                    self._count_start(event)
                    self._begin()
            case BatchCommitted():
                self._gauge_commit(event.done)
                self._count("rows", event.rows)
                self._count("batches")
                spent = timedelta(seconds=max(event.seconds - self._last, 0))
                self._last = event.seconds
                Stats.timing("checkpoint.batch_duration", spent, tags=dict(self._tags))
            case KeyBuilding() | KeyBuilt():  # the attempt is at work, without a batch
                self._committed_at = time.monotonic()
            case RowsRejected(rows):
                self._count("rejects", rows)
            case Reconnecting():
                self._count("reconnects")
            case Completed() | Failed():
                self._end(completed=isinstance(event, Completed))

    def _count_start(self, event: Started) -> None:
        if event.action == "resume":
            self._count("resumes")
        elif event.action == "start" and event.again:
            self._count("reloads")

    def since_commit(self) -> None:
        """Report the time since the last commit of the attempt, or since its beginning, until its end is reported."""
        with self._beating:
            if not self._over.is_set():
                self._gauge("seconds_since_commit", time.monotonic() - self._committed_at)

    def _begin(self) -> None:
        self._committed_at = time.monotonic()
        beating = threading.Thread(
            target=_beat, args=(weakref.ref(self), self._over), name="checkpoint-metrics", daemon=True
        )
        beating.start()

    def _end(self, *, completed: bool) -> None:
        if self._started and not self._over.is_set():
            with self._beating:
                self._over.set()
                self._gauge("seconds_since_commit", 0.0)
            if completed:
                self._gauge("progress", 1.0)

    def _gauge_commit(self, share: float | None) -> None:
        self._committed_at = time.monotonic()
        self._gauge("last_commit", time.time())
        if share is not None:
            self._gauge("progress", share)

    def _gauge(self, name: str, value: float) -> None:
        Stats.gauge(f"checkpoint.{name}", value, tags={**self._tags, **self._part})

    def _count(self, name: str, number: int = 1) -> None:
        Stats.incr(f"checkpoint.{name}", number, tags=dict(self._tags))


def _beat(metrics: weakref.ref[Metrics], over: threading.Event) -> None:
    """Report the time since the last commit, which has no event, until the load is over or ``metrics`` is gone."""
    while not over.wait(BEAT_S):
        told = metrics()
        if told is None:
            return
        told.since_commit()
        del told
