"""What happened to a checkpoint, and what people ask the next attempt to do: rows that are only added."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.decision import Request
from airflow_checkpoint_provider.engine.model.key import encode_key
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.store.bounded_queries import REQUESTS_AMONG, page, recent
from airflow_checkpoint_provider.engine.store.history_entry import REQUESTS, STARTS, HistoryEntry, Kind
from airflow_checkpoint_provider.engine.store.row_mapper import is_identity
from airflow_checkpoint_provider.engine.store.tables import Tables

_ASKING = [kind.value for kind in REQUESTS]
_AT_ONCE = 100  # checkpoints asked about in one statement


class History:
    """The event table, on a connection whose transactions are the caller's."""

    def __init__(self, connection: sa.Connection, tables: Tables) -> None:
        self._connection = connection
        self._table = tables.event
        self._checkpoints = tables.checkpoint

    def record(
        self,
        identity: Identity,
        kind: Kind,
        who: str,
        *,
        try_number: int | None = None,
        rows: int | None = None,
        position: Position | None = None,
        detail: str | None = None,
    ) -> None:
        """Add an entry."""
        own = {}
        if not dialect_of(self._connection).numbers_rows:
            last = sa.select(sa.func.coalesce(sa.func.max(self._table.c.id), 0) + 1)
            own = {"id": last.scalar_subquery()}
        self._connection.execute(
            self._table.insert()
            .inline()
            .values(
                **own,
                dag_id=identity.dag_id,
                task_id=identity.task_id,
                run_id=identity.run_id,
                map_index=identity.map_index,
                kind=kind.value,
                recorded_at=datetime.now(UTC),
                who=who,
                try_number=try_number,
                rows_written=rows,
                position=encode_key(position.key) if position and position.key else None,
                detail=detail,
            )
        )

    def pending(self, identity: Identity, after: int) -> tuple[Request | None, int]:
        """
        Return what was asked for since entry ``after``, and the id of the entry that says so.

        The last word counts: a later request replaces an earlier one, and a cancellation takes it back.
        """
        entry = self.last_request(identity, after)
        return (entry.asks_for, entry.id) if entry else (None, after)

    def last_request(self, identity: Identity, after: int) -> HistoryEntry | None:
        """Return the last word, a request or a cancellation, since entry ``after``."""
        row = self._connection.execute(
            sa.select(self._table)
            .where(is_identity(self._table, identity))
            .where(self._table.c.kind.in_(_ASKING), self._table.c.id > after)
            .order_by(self._table.c.id.desc())
            .limit(1)
        ).first()
        return HistoryEntry.from_row(row) if row else None

    def is_published(self, identity: Identity) -> bool:
        """Tell whether what was completed last has been published by another task."""
        kinds = [Kind.COMPLETED.value, Kind.PUBLISHED.value]
        row = self._connection.execute(
            sa.select(self._table.c.kind)
            .where(is_identity(self._table, identity), self._table.c.kind.in_(kinds))
            .order_by(self._table.c.id.desc())
            .limit(1)
        ).first()
        return row is not None and row[0] == Kind.PUBLISHED.value

    def sample(self, checkpoint: Checkpoint) -> HistoryEntry | None:
        """Return a recent moment of the running attempt, a few progress samples ago at most."""
        kinds = [kind.value for kind in (*STARTS, Kind.PROGRESS)]
        statement = (
            sa.select(self._table)
            .where(is_identity(self._table, checkpoint.identity), self._table.c.kind.in_(kinds))
            .order_by(self._table.c.id.desc())
        )
        sample = None
        for row in page(self._connection, statement, 3, 0):
            sample = HistoryEntry.from_row(row)
            if sample.kind in STARTS:
                break
        return sample

    def requests(self, checkpoints: Sequence[Checkpoint]) -> dict[Identity, Request]:
        """Return what was asked for and not yet followed, of those checkpoints that somebody asked something of."""
        found: dict[Identity, Request] = {}
        for begin in range(0, len(checkpoints), _AT_ONCE):
            some = {checkpoint.identity: checkpoint for checkpoint in checkpoints[begin : begin + _AT_ONCE]}
            statement = (
                sa.select(self._table)
                .where(self._table.c.kind.in_(_ASKING))
                .where(sa.or_(*(is_identity(self._table, identity) for identity in some)))
                .order_by(self._table.c.id)
            )
            for entry in map(HistoryEntry.from_row, self._connection.execute(statement)):
                if entry.id <= some[entry.identity].request_seen:
                    continue
                if request := entry.asks_for:
                    found[entry.identity] = request
                else:
                    found.pop(entry.identity, None)
        return found

    def newest_requests(self) -> dict[Identity, HistoryEntry]:
        """Return what was asked for and not yet followed, among the newest requests: few, as people make them."""
        columns = self._checkpoints.c
        asking = self._table.c.kind.in_(_ASKING)
        entry = recent(self._connection, self._table, asking, by=self._table.c.id, most=REQUESTS_AMONG)
        same = [entry.c[name] == columns[name] for name in ("dag_id", "task_id", "run_id", "map_index")]
        statement = (
            sa.select(entry)
            .join(self._checkpoints, sa.and_(*same))
            .where(entry.c.id > columns.request_seen)
            .order_by(entry.c.id)
        )
        last = {}
        for row in self._connection.execute(statement):
            asked = HistoryEntry.from_row(row)
            last[asked.identity] = asked
        return {identity: asked for identity, asked in last.items() if asked.asks_for}

    def list(self, identity: Identity, *, limit: int | None = None, offset: int = 0) -> list[HistoryEntry]:
        """Return the entries of one checkpoint, newest first."""
        statement = (
            sa.select(self._table).where(is_identity(self._table, identity)).order_by(self._table.c.id.desc())
        )
        return [HistoryEntry.from_row(row) for row in page(self._connection, statement, limit, offset)]

    def timeline(self, identity: Identity, most: int) -> Sequence[HistoryEntry]:
        """
        Return the newest entries in the order in which they happened, with the progress thinned out.

        :param most: about so many progress samples, and at most so many other entries
        """
        columns = self._table.c
        progress = sa.and_(is_identity(self._table, identity), columns.kind == Kind.PROGRESS.value)
        count = self._connection.execute(
            sa.select(sa.func.count()).select_from(self._table).where(progress)
        ).scalar_one()
        every = max(count // most, 1)
        others = sa.and_(is_identity(self._table, identity), columns.kind != Kind.PROGRESS.value)
        samples = sa.select(self._table).where(progress, columns.id % every == 0)
        turns = sa.select(self._table).where(others).order_by(columns.id.desc())
        rows = [*self._connection.execute(samples), *page(self._connection, turns, most, 0)]
        return [HistoryEntry.from_row(row) for row in sorted(rows, key=lambda row: row.id)]
