"""A row of the event table: what happened to a checkpoint, or a request to its next attempt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.model.checkpoint import Identity
from airflow_checkpoint_provider.engine.model.decision import Request
from airflow_checkpoint_provider.engine.model.events.batch_times import BatchTimes
from airflow_checkpoint_provider.engine.model.history_kind import Kind
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.store.row_mapper import identity_of_row
from airflow_checkpoint_provider.engine.store.schema.columns import _event_table
from airflow_checkpoint_provider.engine.store.stored_values import checked

_COLUMNS = dict(_event_table("event", sa.MetaData()).columns)


_ASKED_FOR: dict[str, Request] = {
    Kind.RELOAD_REQUESTED: Request.RELOAD,
    Kind.RESUME_REQUESTED: Request.RESUME,
}


def asked_for(kind: str) -> Request | None:
    """Return the request that an entry of a kind makes; a newer version may have written a kind unknown here."""
    return _ASKED_FOR.get(kind)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """
    A history entry: one row of the event table.

    :param id: grows with each entry of the table
    :param identity: the checkpoint that it happened to
    :param kind: what happened, a value of :class:`Kind`
    :param recorded_at: when, in UTC
    :param who: the host and process of an attempt, or the user who made a request
    :param try_number: the attempt; ``None`` for what a person did
    :param rows: rows of the load committed until then
    :param position: the position then, as text
    :param detail: a reason or an error; of ``opened`` and ``progress`` entries JSON
    """

    id: int
    identity: Identity
    kind: str
    recorded_at: datetime
    who: str
    try_number: int | None
    rows: int | None
    position: str | None
    detail: str | None

    @property
    def asks_for(self) -> Request | None:
        """The request to the next attempt, where this entry is one."""
        return asked_for(self.kind)

    @property
    def facts(self) -> LoadFacts | None:
        """The facts of the load, where this entry has them."""
        return LoadFacts.of_text(self.detail) if self.kind == Kind.OPENED else None

    @property
    def times(self) -> BatchTimes | None:
        """The times of the attempt's batches until then, where this entry has them."""
        return BatchTimes.of_text(self.detail) if self.kind == Kind.PROGRESS else None

    @property
    def committed(self) -> int:
        """Committed rows of the load after this entry: none after a start, whose ``rows`` are those before it."""
        return 0 if self.kind == Kind.STARTED else self.rows or 0

    @classmethod
    def from_row(cls, row: Any) -> HistoryEntry:
        """
        Read a row.

        :raises ValueError: when it is damaged
        :raises InvalidCheckpointError: when no checkpoint can have its ids
        """
        values = SimpleNamespace(**checked(row._mapping, _COLUMNS))
        return cls(
            id=values.id,
            identity=identity_of_row(row),
            kind=values.kind,
            recorded_at=values.recorded_at,
            who=values.who,
            try_number=values.try_number,
            rows=values.rows_written,
            position=values.position,
            detail=values.detail,
        )


def step_of(newest: HistoryEntry | None) -> str | None:
    """
    Return the long step behind the last batch that an attempt is at, in words; ``None`` while there is none.

    :param newest: the newest entry of a checkpoint whose attempt is at work
    """
    return newest.detail if newest and newest.kind == Kind.KEY_BUILDING else None


def is_staged(entries: Iterable[HistoryEntry]) -> bool:
    """
    Return whether the rows of a completed load are in a stage that another task has yet to publish.

    :param entries: of one checkpoint, in the order in which they happened
    """
    publishes, staged = True, False
    for entry in entries:
        if facts := entry.facts:
            publishes = facts.publishes
        elif entry.kind == Kind.COMPLETED:
            staged = not publishes
        elif entry.kind == Kind.PUBLISHED:
            staged = False
    return staged
