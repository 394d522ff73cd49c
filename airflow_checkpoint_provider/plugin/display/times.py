"""Where the time of a load went, from the samples in its history."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_checkpoint_provider.engine.model.events.batch_times import BatchTimes
from airflow_checkpoint_provider.engine.model.history_kind import STARTS, Kind
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry


def times_of(entries: Iterable[HistoryEntry]) -> BatchTimes | None:
    """
    Add up the last samples of each attempt of the load that is under way, or of the last one.

    :param entries: of one checkpoint, oldest first
    :return: ``None`` where nothing was measured
    """
    attempts: list[BatchTimes | None] = []
    for entry in entries:
        if entry.kind == Kind.STARTED:
            attempts = []
        if entry.kind in STARTS:
            attempts.append(None)
        elif (times := entry.times) and attempts:
            attempts[-1] = times
    measured = [times for times in attempts if times and times.batches]
    return sum(measured[1:], measured[0]) if measured else None
