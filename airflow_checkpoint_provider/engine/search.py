"""Looking for checkpoints among many: by status, DAG or text, counted and page by page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.checkpoint import Checkpoint, Identity, Status
from airflow_checkpoint_provider.engine.errors import CheckpointError
from airflow_checkpoint_provider.engine.history import REQUESTS, Event, History, is_identity, page
from airflow_checkpoint_provider.engine.outlook import STALLED_AFTER, DisplayStatus
from airflow_checkpoint_provider.engine.rows import from_row
from airflow_checkpoint_provider.engine.schema import Tables

REQUESTED = "requested"
STATES = (
    Status.RUNNING.value,
    DisplayStatus.STALLED.value,
    Status.FAILED.value,
    Status.COMPLETED.value,
    REQUESTED,
)

_MOST_IN_LIST = 500  # values in one IN; Oracle allows 1,000
_TEXTS = ("dag_id", "task_id", "run_id", "destination_table")


@dataclass(frozen=True, slots=True)
class Search:
    """
    What to look for; all that is given must hold.

    :param dag_id: a DAG
    :param task_id: a task
    :param run_id: a DAG run
    :param state: one of ``STATES``
    :param text: part of an id or of the destination table, in any case
    :param stalled_after: a running load that has committed nothing for so long counts as stalled
    :param readable: picks the DAGs that may be seen, of those that there are; by default all
    """

    dag_id: str | None = None
    task_id: str | None = None
    run_id: str | None = None
    state: str | None = None
    text: str | None = None
    stalled_after: timedelta = STALLED_AFTER
    readable: Callable[[Collection[str]], Collection[str]] = field(default=lambda dag_ids: dag_ids)


@dataclass(frozen=True, slots=True)
class Listed:
    """
    A checkpoint that was found.

    :param request: what the next attempt was asked to do
    :param sample: an earlier moment of the running attempt, to tell its speed from
    """

    checkpoint: Checkpoint
    request: Event | None = None
    sample: Event | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """
    A page of what was found.

    :param total: how many match
    :param counts: how many there are of each state, whatever state was looked for
    :param dag_ids: the DAGs that have checkpoints
    :param unreadable: why rows on this page could not be read
    :param table: tells whether two connections lead to one table: how many rows it has, and when the first and the
        last were created
    """

    rows: list[Listed]
    total: int
    counts: dict[str, int]
    dag_ids: list[str]
    unreadable: list[str]
    table: tuple[int, datetime | None, datetime | None]


class Searcher:
    """Searches the metadata tables on an open connection."""

    def __init__(self, connection: sa.Connection, tables: Tables, search: Search, now: datetime) -> None:
        self._connection = connection
        self._tables = tables
        self._table = tables.checkpoint
        self._search = search
        self._stalled_before = now - search.stalled_after

    def find(self, order: Iterable[sa.ColumnElement[object]], limit: int, offset: int) -> Found:
        """Return a page."""
        dag_ids = self._dag_ids()
        seen = set(self._search.readable(dag_ids))
        scope = [*self._conditions(), *self._only(seen, dag_ids)]
        requests = self._requests()
        counts = self._counts(scope, requests)
        statement = sa.select(self._table).where(*scope)
        if self._search.state:
            statement = statement.where(self._in_state(self._search.state, requests))
        found, unreadable = [], []
        for row in page(self._connection, statement.order_by(*order), limit, offset):
            try:
                checkpoint = from_row(row)
            except CheckpointError as error:
                unreadable.append(str(error))
            else:
                found.append(Listed(checkpoint, requests.get(checkpoint.identity)))
        total = (
            counts[self._search.state]
            if self._search.state
            else sum(count for state, count in counts.items() if state != REQUESTED)
        )
        return Found(
            [self._with_sample(listed) for listed in found],
            total,
            counts,
            [dag_id for dag_id in dag_ids if dag_id in seen],
            unreadable,
            self._table_itself(),
        )

    def _table_itself(self) -> tuple[int, datetime | None, datetime | None]:
        created = self._table.c.created_at
        statement = sa.select(sa.func.count(), sa.func.min(created), sa.func.max(created)).select_from(
            self._table
        )
        count, first, last = self._connection.execute(statement).one()
        return count, first, last

    def _dag_ids(self) -> list[str]:
        column = self._table.c.dag_id
        return list(self._connection.execute(sa.select(column).distinct().order_by(column)).scalars())

    def _only(self, seen: set[str], among: list[str]) -> list[sa.ColumnElement[bool]]:
        return [] if len(seen) == len(among) else [_is_one_of(self._table.c.dag_id, sorted(seen))]

    def _conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        search, columns = self._search, self._table.c
        for name in ("dag_id", "task_id", "run_id"):
            if value := getattr(search, name):
                yield columns[name] == value
        if search.text:
            yield sa.or_(*(columns[name].icontains(search.text, autoescape=True) for name in _TEXTS))

    def _in_state(self, state: str, requests: dict[Identity, Event]) -> sa.ColumnElement[bool]:
        status, updated = self._table.c.status, self._table.c.updated_at
        if state == REQUESTED:
            identities = (is_identity(self._table, identity) for identity in requests)
            return sa.or_(_is_one_of(self._table.c.dag_id, []), *identities)
        if state == DisplayStatus.STALLED.value:
            return sa.and_(status == Status.RUNNING.value, updated < self._stalled_before)
        if state == Status.RUNNING:
            return sa.and_(status == Status.RUNNING.value, updated >= self._stalled_before)
        return status == state

    def _counts(self, scope: list[sa.ColumnElement[bool]], requests: dict[Identity, Event]) -> dict[str, int]:
        columns = self._table.c
        stalled = sa.case((columns.updated_at < self._stalled_before, 1), else_=0)
        statement = (
            sa.select(columns.status, sa.func.count(), sa.func.sum(stalled))
            .where(*scope)
            .group_by(columns.status)
        )
        counts = dict.fromkeys(STATES, 0)
        for status, number, old in self._connection.execute(statement):
            if status == Status.RUNNING:
                counts[DisplayStatus.STALLED.value] = int(old)
                counts[status] = number - int(old)
            else:
                counts[status] = number
        if requests:
            asked = sa.select(sa.func.count()).select_from(self._table)
            asked = asked.where(*scope, self._in_state(REQUESTED, requests))
            counts[REQUESTED] = self._connection.execute(asked).scalar_one()
        return counts

    def _requests(self) -> dict[Identity, Event]:
        """Return the requests that no attempt has followed yet: few, as people make them."""
        event, columns = self._tables.event, self._table.c
        same = [event.c[name] == columns[name] for name in ("dag_id", "task_id", "run_id", "map_index")]
        statement = (
            sa.select(event)
            .join(self._table, sa.and_(*same))
            .where(event.c.kind.in_([kind.value for kind in REQUESTS]), event.c.id > columns.request_seen)
            .order_by(event.c.id)
        )
        last = {}
        for row in self._connection.execute(statement):
            asked = Event.from_row(row)
            last[asked.identity] = asked
        return {identity: asked for identity, asked in last.items() if asked.asks_for}

    def _with_sample(self, listed: Listed) -> Listed:
        if listed.checkpoint.status is not Status.RUNNING:
            return listed
        history = History(self._connection, self._tables)
        return replace(listed, sample=history.sample(listed.checkpoint))


def _is_one_of(column: sa.ColumnElement[str], values: list[str]) -> sa.ColumnElement[bool]:
    parts = [values[n : n + _MOST_IN_LIST] for n in range(0, len(values), _MOST_IN_LIST)]
    # Of no values IN is false everywhere; the constants of SQLAlchemy are no conditions in Oracle.
    return sa.or_(*(column.in_(part) for part in parts or [[]]))
