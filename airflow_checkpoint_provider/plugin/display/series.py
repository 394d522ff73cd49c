"""The runs of a checkpoint that spans runs, from its history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from airflow_checkpoint_provider.engine.model.history_kind import STARTS, Kind
from airflow_checkpoint_provider.engine.model.key import stored_key
from airflow_checkpoint_provider.engine.model.position import Position, describe_position
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry


@dataclass(slots=True)
class RunOfSeries:
    """
    One run, with the rows that it has added.

    :param run_id: empty where it was not recorded
    :param rows: committed rows of this run
    :param start: the position where it began, in words; empty at the beginning, or where that was not recorded
    :param end: its last position, in words
    :param ended_at: its last sign of life
    :param state: ``completed`` or ``failed``; ``running`` before its end is recorded
    """

    began_at: datetime
    ended_at: datetime
    run_id: str = ""
    rows: int = 0
    start: str = ""
    end: str = ""
    state: str = Status.RUNNING.value
    _is_open: bool = False

    @property
    def seconds(self) -> float:
        """The time from its beginning to its last sign of life."""
        return (self.ended_at - self.began_at).total_seconds()


def runs_in(entries: Iterable[HistoryEntry], columns: Sequence[str]) -> list[RunOfSeries]:
    """
    Return the runs of a checkpoint that spans runs, oldest first.

    :param entries: of its history, oldest first
    :param columns: of its key
    """
    runs: list[RunOfSeries] = []
    for entry in entries:
        if entry.kind == Kind.STARTED or (entry.kind in STARTS and not runs):
            runs.append(RunOfSeries(entry.recorded_at, entry.recorded_at))
        elif not runs:
            continue
        run, where = runs[-1], _where(entry, columns)
        if facts := entry.facts:
            run.run_id = facts.run_id or run.run_id
            if not run._is_open:
                run.start, run._is_open = where, True
            # A cleared run begins where it began before; a later pass of a task loop, where the one before ended.
            if len(runs) > 1 and run.run_id and (runs[-2].run_id, runs[-2].start) == (run.run_id, run.start):
                del runs[-2]
        elif entry.kind in STARTS:
            run.state = Status.RUNNING.value
        elif entry.kind in (Kind.PROGRESS, Kind.COMPLETED, Kind.FAILED):
            run.rows, run.end, run.ended_at = entry.rows or 0, where or run.end, entry.recorded_at
            if entry.kind != Kind.PROGRESS:
                run.state = entry.kind
    for run in runs[:-1]:
        run.state = Status.INTERRUPTED.value if run.state == Status.RUNNING else run.state
    return runs


def _where(entry: HistoryEntry, columns: Sequence[str]) -> str:
    key = stored_key(entry.position)
    return describe_position(tuple(columns), Position(key)) if key else ""
