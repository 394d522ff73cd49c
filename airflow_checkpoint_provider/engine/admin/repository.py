"""All checkpoints of a metadata table: listed, searched, read, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.admin.newest import Newest, newest
from airflow_checkpoint_provider.engine.admin.purge import Purge
from airflow_checkpoint_provider.engine.admin.readable import Readable
from airflow_checkpoint_provider.engine.admin.search import Found, Search, Searcher
from airflow_checkpoint_provider.engine.admin.states import STALLED_AFTER, States
from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.checks import moment, text, whole_number, words_among
from airflow_checkpoint_provider.engine.model.decision import Request
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, MetadataTableError
from airflow_checkpoint_provider.engine.model.history_kind import Kind
from airflow_checkpoint_provider.engine.model.status import FILTERS, STORED, Status
from airflow_checkpoint_provider.engine.store.bounded_queries import (
    in_group,
    in_order,
    reaching,
    unchanged_since,
)
from airflow_checkpoint_provider.engine.store.history import History
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry
from airflow_checkpoint_provider.engine.store.rejected.reasons import ReasonCount
from airflow_checkpoint_provider.engine.store.rejected.rejects import Reject, Rejects, counts_of
from airflow_checkpoint_provider.engine.store.row_mapper import is_identity
from airflow_checkpoint_provider.engine.store.row_reading import UnreadableRow, read_one, read_page
from airflow_checkpoint_provider.engine.store.schema.columns import CATALOG_COLUMNS
from airflow_checkpoint_provider.engine.store.schema.migration import is_outdated
from airflow_checkpoint_provider.engine.store.schema.tables import Tables, refuse_other_table

COLUMNS = (
    *("dag_id", "task_id", "run_id", "map_index", "name", "claimed_map_index"),
    *("status", "strategy", "destination_table"),
    *CATALOG_COLUMNS,
)
ORDERS = (*COLUMNS, "created_at", "started_at", "updated_at", "committed_at", "completed_at", "rows_written")


class CheckpointRepository:
    """
    The metadata tables of one database; each call opens a connection of its own.

    :param database: where the tables are
    :param checkpoint_table: their name
    :param migrates: whether tables of an earlier format are migrated on first use
    """

    def __init__(self, database: Database, checkpoint_table: str, *, migrates: bool = True) -> None:
        self._database = database
        self._migrates = migrates
        self.tables = Tables.named(checkpoint_table)
        self._table = self.tables.checkpoint

    def get(self, identity: Identity) -> Checkpoint | None:
        """Return a checkpoint, or ``None``."""
        with self._open() as connection:
            return read_one(connection, self._table, identity)

    def list(
        self,
        filters: dict[str, Any],
        *,
        limit: int | None,
        offset: int,
        order_by: str,
        stalled_after: timedelta = STALLED_AFTER,
    ) -> tuple[Sequence[Checkpoint], Sequence[UnreadableRow]]:
        """
        Return the checkpoints that match all filters, and matching rows that are unreadable; a filter may be a list.

        :param stalled_after: a running load that has committed nothing for so long is in the state ``stalled``
        """
        filters = dict(filters)
        group = text("group", filters.pop("group", None), optional=True)
        states = words_among("state", filters.pop("state", None), FILTERS)
        requests = words_among(
            "request", filters.pop("request", None), [request.value for request in Request]
        )
        order = in_order(self._table, _known(order_by), self._table)
        conditions = [self._matches(*one) for one in filters.items()]
        with self._open() as connection:
            if states is not None:
                conditions.append(self._is_in(states, connection, stalled_after))
            if requests is not None:
                conditions.append(self._is_asked_for(requests, connection))
            if group is not None:
                conditions.append(in_group(connection, self._table, group))
            last = None if limit is None else offset + limit
            conditions += reaching(connection, self._table, conditions, order_by, last)
            statement = sa.select(self._table).where(*conditions).order_by(*order)
            found = list(read_page(connection, self._table, self._table, statement, limit, offset))
            readable = [one for one in found if isinstance(one, Checkpoint)]
            return readable, [one for one in found if isinstance(one, UnreadableRow)]

    def find(self, search: Search, *, limit: int, offset: int, order_by: str) -> Found:
        """Return a page of the matching checkpoints with their requests, and counts."""
        _known(order_by)
        with self._open() as connection:
            return Searcher(connection, self.tables, search, datetime.now(UTC)).find(order_by, limit, offset)

    def newest(self, readable: Readable, limit: int) -> Newest:
        """Return the newest checkpoints of the DAGs that may be seen."""
        with self._open() as connection:
            return newest(connection, self.tables, readable, limit)

    def look(
        self, identity: Identity, samples: int
    ) -> tuple[Checkpoint | None, HistoryEntry | None, Sequence[HistoryEntry]]:
        """
        Return one checkpoint with its request and its history.

        :param samples: the approximate number of progress samples
        :return: the checkpoint, the request to its next attempt, and its history from the beginning
        """
        with self._open() as connection, reading(connection):
            history = History(connection, self.tables)
            checkpoint = read_one(connection, self._table, identity)
            asked = history.last_request(identity, checkpoint.request_seen if checkpoint else 0)
            entries = history.timeline(identity, samples)
            return checkpoint, asked if asked and asked.asks_for else None, entries

    def history(
        self, identity: Identity, *, kind: Any = None, limit: int | None, offset: int
    ) -> Sequence[HistoryEntry]:
        """
        Return the history entries of a checkpoint, newest first.

        :param kind: only those of this kind, or of these
        :raises ArgumentError: for an unknown kind
        """
        kinds = words_among("kind", kind, [kind.value for kind in Kind])
        with self._open() as connection:
            return History(connection, self.tables).list(
                identity, kinds=kinds or (), limit=limit, offset=offset
            )

    def rejects(
        self, identity: Identity, *, limit: int | None, offset: int, whole: bool = True
    ) -> tuple[int, Sequence[Reject]]:
        """Return the number of rejected rows, and a page of them in the order in which they were rejected."""
        with self._open() as connection:
            there = self.tables.keeps_rejects(connection)
            rejects = Rejects(connection, self.tables, identity, there=there)
            return rejects.count(), rejects.list(limit=limit, offset=offset, whole=whole)

    def reject_reasons(self, identity: Identity) -> Sequence[ReasonCount]:
        """Return the reasons of the first 10,000 rejected rows, the most frequent one first."""
        with self._open() as connection:
            there = self.tables.keeps_rejects(connection)
            return Rejects(connection, self.tables, identity, there=there).reasons()

    def rejected(self, checkpoints: Sequence[Checkpoint]) -> dict[Identity, int]:
        """Return the number of rejected rows of each checkpoint; one without any is left out."""
        with self._open() as connection:
            return counts_of(connection, self.tables, [checkpoint.identity for checkpoint in checkpoints])

    def requests(self, checkpoints: Sequence[Checkpoint]) -> dict[Identity, Request]:
        """Return the requests not yet followed, by checkpoint; one without a request is left out."""
        with self._open() as connection:
            return History(connection, self.tables).requests(checkpoints)

    def staged(self, checkpoints: Sequence[Checkpoint]) -> frozenset[Identity]:
        """Return the completed ones whose rows are staged and not yet published."""
        if not any(checkpoint.stages for checkpoint in checkpoints):
            return frozenset()
        with self._open() as connection:
            return History(connection, self.tables).staged(checkpoints)

    def record(self, identities: Iterable[Identity], kind: Kind, who: str, detail: str | None) -> None:
        """Add a history entry for each, such as a request, in one transaction that waits for no running batch."""
        with self._open(for_writing=True) as connection, connection.begin():
            history = History(connection, self.tables)
            for identity in identities:
                history.record(identity, kind, who, detail=detail)

    def delete(self, identity: Identity, who: str) -> bool:
        """Delete a checkpoint and its rejected rows; its history stays. Return whether there was one."""
        with self._open(for_writing=True) as connection, connection.begin():
            kept = self.tables.keeps_rejects(connection)
            Rejects(connection, self.tables, identity, there=kept).clear()
            mine = is_identity(self._table, identity)
            # Counted before, because not every driver returns the number of deleted rows.
            there = connection.execute(
                sa.select(sa.func.count()).select_from(self._table).where(mine)
            ).scalar_one()
            if there:
                connection.execute(self._table.delete().where(mine))
                History(connection, self.tables).record(identity, Kind.DELETED, who)
            return bool(there)

    def purge(self, older_than: timedelta, statuses: Sequence[str], dry_run: bool) -> int:
        """Delete checkpoints that have not changed for long, with all that belongs to them; return their number."""
        wanted = words_among("status", statuses, STORED) or []
        if not isinstance(older_than, timedelta):
            raise ArgumentError(f"older_than: {older_than!r} is not a timedelta.")
        before = _before(older_than)
        with self._open(for_writing=True) as connection:
            return Purge(connection, self.tables, before, wanted).run(dry_run=dry_run)

    def create(self) -> None:
        """Create the tables, if they do not exist."""
        with self._open(for_writing=True) as connection:
            self.tables.create(connection, rejects=True)

    def _matches(self, name: str, wanted: Any) -> Any:
        if name == "updated_before":
            return unchanged_since(self._table, moment(name, wanted))
        if name not in COLUMNS:
            known = ", ".join((*COLUMNS, "group", "state", "request", "updated_before"))
            raise ArgumentError(f"{name}: cannot be filtered by; choose from {known}.")
        if isinstance(wanted, (list, tuple, set, frozenset)):
            return self._table.c[name].in_([_filter(name, one) for one in wanted])
        return self._table.c[name] == _filter(name, wanted)

    def _is_in(
        self, wanted: Sequence[str], connection: sa.Connection, stalled_after: timedelta
    ) -> sa.ColumnElement[bool]:
        """Return the condition that rows are in one of the states."""
        asked = History(connection, self.tables).newest_requests() if Status.REQUESTED in wanted else {}
        states = States(datetime.now(UTC) - stalled_after, asked)
        # IN with no values is false everywhere; SQLAlchemy's constants are not conditions in Oracle.
        nothing = self._table.c.status.in_([])
        return sa.or_(nothing, *(states.condition(self._table, Status(state)) for state in wanted))

    def _is_asked_for(self, wanted: Sequence[str], connection: sa.Connection) -> sa.ColumnElement[bool]:
        """Return the condition that rows have one of these requests to the next attempt."""
        newest = History(connection, self.tables).newest_requests()
        asked = [identity for identity, entry in newest.items() if entry.asks_for in wanted]
        return States(datetime.now(UTC), asked).condition(self._table, Status.REQUESTED)

    @contextmanager
    def _open(self, *, for_writing: bool = False) -> Iterator[sa.Connection]:
        connection = self._database.open(for_writing=for_writing)
        try:
            self._bring_up_to_date(connection)
            yield connection
        except sa.exc.DBAPIError as error:
            connection.rollback()
            refuse_other_table(connection, self.tables)
            if self.tables.exist(connection):
                raise
            raise MetadataTableError(
                f"There is no metadata table {self.tables.name} in {self._database.conn_id!r}. The first transfer "
                "creates it in its destination; `airflow checkpoint create-tables` does so, too, and "
                "CheckpointHook.create_tables()."
            ) from error
        finally:
            connection.close()

    def _bring_up_to_date(self, connection: sa.Connection) -> None:
        try:
            if not is_outdated(connection, self._table):
                return
        except sa.exc.DBAPIError:  # there is no table yet, or the caller's own statement raises the error
            return
        if not self._migrates:
            self.tables.refuse_outdated(connection, "[checkpoint] auto_create is off")
        writing = self._database.open(for_writing=True)
        try:
            self.tables.create(writing)
        finally:
            writing.close()


def _filter(name: str, wanted: Any) -> Any:
    if name == "status":
        words_among(name, [wanted], STORED)
    return whole_number(name, wanted, least=-1) if name.endswith("map_index") else text(name, wanted)


def _before(older_than: timedelta) -> datetime:
    try:
        return datetime.now(UTC) - older_than
    except OverflowError:
        raise ArgumentError(f"older_than: {older_than!r} reaches further than there are dates.") from None


def _known(order_by: str) -> str:
    if not isinstance(order_by, str) or order_by.removeprefix("-") not in ORDERS:
        raise ArgumentError(
            f"order_by: {order_by!r} is not one of {', '.join(ORDERS)} (with - for descending)."
        )
    return order_by
