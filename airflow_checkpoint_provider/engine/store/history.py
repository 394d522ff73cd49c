"""The history of a checkpoint, and people's requests to its next attempt: rows that are only added."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.decision import Request
from airflow_checkpoint_provider.engine.model.errors import CheckpointError, one_line
from airflow_checkpoint_provider.engine.model.history_kind import OF_STAGES, REQUESTS, STARTS, Kind
from airflow_checkpoint_provider.engine.model.key import encode_key
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.bounded_queries import REQUESTS_AMONG, recent
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry, asked_for, is_staged
from airflow_checkpoint_provider.engine.store.row_mapper import identity_values, is_identity
from airflow_checkpoint_provider.engine.store.row_reading import DAMAGED, each_row
from airflow_checkpoint_provider.engine.store.schema.columns import IDENTITY_COLUMNS
from airflow_checkpoint_provider.engine.store.schema.tables import Tables

log = logging.getLogger(__name__)

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
                **identity_values(identity),
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
        Return the request made since entry ``after``, and the id of its entry.

        A later request replaces an earlier one, and a cancellation withdraws it.
        """
        columns = self._table.c
        row = self._connection.execute(
            self._requests_of(identity, after).with_only_columns(columns.id, columns.kind).limit(1)
        ).first()
        return (asked_for(row.kind), row.id) if row else (None, after)

    def last_request(self, identity: Identity, after: int) -> HistoryEntry | None:
        """Return the last request or cancellation since entry ``after``."""
        return next(iter(self._read(self._requests_of(identity, after), 1)), None)

    def _requests_of(self, identity: Identity, after: int) -> sa.Select[Any]:
        return (
            sa.select(self._table)
            .where(is_identity(self._table, identity))
            .where(self._table.c.kind.in_(_ASKING), self._table.c.id > after)
            .order_by(self._table.c.id.desc())
        )

    def is_published(self, identity: Identity) -> bool:
        """Return whether another task has published the load that was completed last."""
        kinds = [Kind.COMPLETED.value, Kind.PUBLISHED.value]
        row = self._connection.execute(
            sa.select(self._table.c.kind)
            .where(is_identity(self._table, identity), self._table.c.kind.in_(kinds))
            .order_by(self._table.c.id.desc())
            .limit(1)
        ).first()
        return row is not None and row[0] == Kind.PUBLISHED.value

    def sample(self, checkpoint: Checkpoint) -> HistoryEntry | None:
        """Return a recent entry of the running attempt, at most a few progress samples old."""
        kinds = [kind.value for kind in (*STARTS, Kind.PROGRESS)]
        statement = (
            sa.select(self._table)
            .where(is_identity(self._table, checkpoint.identity), self._table.c.kind.in_(kinds))
            .order_by(self._table.c.id.desc())
        )
        sample = None
        for sample in self._read(statement, 3):
            if sample.kind in STARTS:
                break
        return sample

    def requests(self, checkpoints: Sequence[Checkpoint]) -> dict[Identity, Request]:
        """Return the requests not yet followed, by checkpoint; one without a request is left out."""
        found: dict[Identity, Request] = {}
        for begin in range(0, len(checkpoints), _AT_ONCE):
            some = {checkpoint.identity: checkpoint for checkpoint in checkpoints[begin : begin + _AT_ONCE]}
            statement = (
                sa.select(self._table)
                .where(self._table.c.kind.in_(_ASKING))
                .where(sa.or_(*(is_identity(self._table, identity) for identity in some)))
                .order_by(self._table.c.id)
            )
            for entry in self._read(statement):
                if entry.id <= some[entry.identity].request_seen:
                    continue
                if request := entry.asks_for:
                    found[entry.identity] = request
                else:
                    found.pop(entry.identity, None)
        return found

    def staged(self, checkpoints: Sequence[Checkpoint]) -> frozenset[Identity]:
        """Return the completed ones whose rows are staged and not yet published."""
        found = [one.identity for one in checkpoints if one.status is Status.COMPLETED and one.stages]
        entries: dict[Identity, list[HistoryEntry]] = {identity: [] for identity in found}
        for begin in range(0, len(found), _AT_ONCE):
            some = (is_identity(self._table, identity) for identity in found[begin : begin + _AT_ONCE])
            statement = (
                sa.select(self._table)
                .where(self._table.c.kind.in_([kind.value for kind in OF_STAGES]), sa.or_(*some))
                .order_by(self._table.c.id)
            )
            for entry in self._read(statement):
                entries[entry.identity].append(entry)
        return frozenset(identity for identity in found if is_staged(entries[identity]))

    def newest_requests(self) -> dict[Identity, HistoryEntry]:
        """Return the newest requests not yet followed: they are few, because people make them."""
        key = [column.name for column in self._checkpoints.primary_key.columns]
        columns, rows, later = self._checkpoints.c, self._table.c, self._table.alias("later")
        # Requests without a checkpoint, and replaced ones, do not count towards the limit.
        waiting = sa.exists().where(
            *(columns[name] == rows[name] for name in key), rows.id > columns.request_seen
        )
        replaced = sa.exists().where(
            *(later.c[name] == rows[name] for name in key), later.c.kind.in_(_ASKING), later.c.id > rows.id
        )
        conditions = (
            rows.kind.in_(_ASKING),
            waiting.select_from(self._checkpoints).correlate(self._table),
            ~replaced.select_from(later).correlate(self._table),
        )
        entry = recent(self._connection, self._table, *conditions, by=rows.id, most=REQUESTS_AMONG)
        statement = sa.select(entry).order_by(entry.c.id)
        last = {}
        for asked in self._read(statement, rows=entry):
            last[asked.identity] = asked
        return {identity: asked for identity, asked in last.items() if asked.asks_for}

    def deletion(self, identity: Identity) -> HistoryEntry | None:
        """Return the last deletion of a checkpoint."""
        statement = (
            sa.select(self._table)
            .where(is_identity(self._table, identity), self._table.c.kind == Kind.DELETED.value)
            .order_by(self._table.c.id.desc())
        )
        return next(iter(self._read(statement, 1)), None)

    def last_completed(self, identities: Sequence[Identity]) -> dict[Identity, HistoryEntry]:
        """Return the last completion of each checkpoint; one without any is left out."""
        found: dict[Identity, HistoryEntry] = {}
        columns = self._table.c
        for begin in range(0, len(identities), _AT_ONCE):
            some = (is_identity(self._table, identity) for identity in identities[begin : begin + _AT_ONCE])
            last = (
                sa.select(sa.func.max(columns.id))
                .where(columns.kind == Kind.COMPLETED.value, sa.or_(*some))
                .group_by(*(columns[name] for name in IDENTITY_COLUMNS))
            )
            for entry in self._read(sa.select(self._table).where(columns.id.in_(last))):
                found[entry.identity] = entry
        return found

    def facts(self, identity: Identity) -> LoadFacts | None:
        """Return the facts of a load as its last attempt has recorded them; ``None`` where none has."""
        opened = self.list(identity, kinds=[Kind.OPENED.value], limit=1)
        return opened[0].facts if opened else None

    def list(
        self,
        identity: Identity,
        *,
        kinds: Collection[str] = (),
        limit: int | None = None,
        offset: int = 0,
    ) -> list[HistoryEntry]:
        """
        Return the entries of one checkpoint, newest first.

        :param kinds: only those of these kinds; by default all
        """
        conditions = [self._table.c.kind.in_(sorted(kinds))] if kinds else []
        statement = (
            sa.select(self._table)
            .where(is_identity(self._table, identity), *conditions)
            .order_by(self._table.c.id.desc())
        )
        return [*self._read(statement, limit, offset)]

    def timeline(self, identity: Identity, most: int) -> Sequence[HistoryEntry]:
        """
        Return the newest entries in the order in which they happened, with the progress thinned out.

        The last progress before each other entry is among them: it has what an attempt has measured in all.

        :param most: about so many progress samples besides, and at most so many other entries
        """
        columns = self._table.c
        progress = sa.and_(is_identity(self._table, identity), columns.kind == Kind.PROGRESS.value)
        count = self._connection.execute(
            sa.select(sa.func.count()).select_from(self._table).where(progress)
        ).scalar_one()
        every = max(count // most, 1)
        others = sa.and_(is_identity(self._table, identity), columns.kind != Kind.PROGRESS.value)
        turns = self._read(sa.select(self._table).where(others).order_by(columns.id.desc()), most)
        samples = sa.select(self._table).where(progress)
        if every > 1:
            earliest = turns[-1].id if turns else 0
            last = self._last_progress(identity, earliest)
            samples = samples.where(sa.or_(columns.id % every == 0, columns.id.in_(last)))
        return sorted([*self._read(samples), *turns], key=lambda entry: entry.id)

    def _last_progress(self, identity: Identity, after: int) -> sa.Select[tuple[int]]:
        """Return what selects the ids of progress that another kind of entry follows, or none."""
        columns = self._table.c
        following = sa.func.lead(columns.kind).over(order_by=columns.id).label("following")
        entries = sa.select(columns.id, columns.kind, following)
        found = entries.where(is_identity(self._table, identity), columns.id >= after).subquery("entries")
        ends = sa.or_(found.c.following.is_(None), found.c.following != Kind.PROGRESS.value)
        return sa.select(found.c.id).where(found.c.kind == Kind.PROGRESS.value, ends)

    def _read(
        self,
        statement: sa.Select[Any],
        limit: int | None = None,
        offset: int = 0,
        rows: sa.FromClause | None = None,
    ) -> Sequence[HistoryEntry]:
        """Return entries; a damaged one is left out, and hides no other."""
        entries = []
        among = self._table if rows is None else rows
        for row, refused in each_row(self._connection, self._table, among, statement, limit, offset):
            try:
                if refused:
                    raise refused
                entries.append(HistoryEntry.from_row(row))
            except (CheckpointError, *DAMAGED) as error:
                log.warning(
                    "Entry %s of %s cannot be read and is left out: %s",
                    row.id,
                    self._table.fullname,
                    one_line(error),
                )
        return entries
