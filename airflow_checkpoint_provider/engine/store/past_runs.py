"""The completed runs of a task, from its checkpoints or from the history of one that spans runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.history_kind import STARTS, Kind
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry


@dataclass(frozen=True, slots=True)
class Run:
    """A completed run: the seconds that it took, and its rows."""

    seconds: float
    rows: int


def runs_of(checkpoints: Iterable[Checkpoint]) -> list[Run]:
    """Return the completed runs of a task that has a checkpoint for each, in their order."""
    done = [one for one in checkpoints if one.status is Status.COMPLETED and one.completed_at]
    done.sort(key=lambda one: one.started_at)
    return [
        Run((one.completed_at - one.started_at).total_seconds(), one.rows) for one in done if one.completed_at
    ]


def earlier_runs(entries: Iterable[HistoryEntry]) -> list[Run]:
    """
    Return the completed runs of a checkpoint that spans runs, the last one left out if it is complete.

    :param entries: of its history, oldest first
    """
    runs: list[Run] = []
    began: datetime | None = None
    for entry in entries:
        if entry.kind == Kind.STARTED or (
            entry.kind in STARTS and not began
        ):  # a new run is always "started"
            began = entry.recorded_at
        elif entry.kind == Kind.COMPLETED and began:
            runs.append(Run((entry.recorded_at - began).total_seconds(), entry.rows or 0))
            began = None
    return runs if began else runs[:-1]
