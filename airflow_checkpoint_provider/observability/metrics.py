"""Airflow's metrics of a transfer."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import Stats

from airflow_checkpoint_provider.engine.model.checkpoint import Identity
from airflow_checkpoint_provider.engine.model.events import (
    BatchCommitted,
    Event,
    Reconnecting,
    RowsRejected,
    Started,
    StrategyChosen,
)


class Metrics:
    """
    An observer that counts, with the tags ``dag_id``, ``task_id`` and ``strategy``.

    Counters: ``checkpoint.rows``, ``checkpoint.batches``, ``checkpoint.resumes``, ``checkpoint.reloads``,
    ``checkpoint.reconnects``, ``checkpoint.rejects``. Timer: ``checkpoint.batch_duration``, from one commit to the
    next.
    """

    def __init__(self, identity: Identity) -> None:
        self._tags = {"dag_id": identity.dag_id, "task_id": identity.task_id, "strategy": "none"}
        self._started = False
        self._last = 0.0

    def __call__(self, event: Event) -> None:
        match event:
            case StrategyChosen(strategy):
                self._tags["strategy"] = strategy
            case Started():
                self._last = 0.0
                # Said again after a lost connection.
                if not self._started:
                    self._started = True
                    self._count_start(event)
            case BatchCommitted():
                self._count("rows", event.rows)
                self._count("batches")
                spent = timedelta(seconds=max(event.seconds - self._last, 0))
                self._last = event.seconds
                Stats.timing("checkpoint.batch_duration", spent, tags=dict(self._tags))
            case RowsRejected(rows):
                self._count("rejects", rows)
            case Reconnecting():
                self._count("reconnects")

    def _count_start(self, event: Started) -> None:
        if event.action == "resume":
            self._count("resumes")
        elif event.action == "start" and event.again:
            self._count("reloads")

    def _count(self, name: str, number: int = 1) -> None:
        Stats.incr(f"checkpoint.{name}", number, tags=dict(self._tags))
