"""Searching checkpoints among many: by status, DAG or text, with counts and page by page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.admin.states import STALLED_AFTER, States, sum_of_states
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.checks import ID_LENGTH, is_text
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.bounded_queries import (
    COUNTED_TO,
    TEXT_AMONG,
    count,
    distinct,
    in_order,
    page,
    recent,
)
from airflow_checkpoint_provider.engine.store.history import History
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry
from airflow_checkpoint_provider.engine.store.rejects import counts_of
from airflow_checkpoint_provider.engine.store.row_reading import DAMAGED, UnreadableRow, read_page
from airflow_checkpoint_provider.engine.store.schema.tables import Tables

_MOST_IN_LIST = 500  # values in one IN; Oracle allows 1,000
_MANY = 4  # a fourth of all DAGs
_TEXTS = ("dag_id", "task_id", "run_id", "name", "destination_table")


@dataclass(frozen=True, slots=True)
class Search:
    """
    Search conditions; all that are given must hold.

    :param dag_id: a DAG
    :param task_id: a task
    :param run_id: a DAG run
    :param state: ``running``, ``stalled``, ``failed``, ``completed`` or ``seeded``; or ``requested``, for a reload
        or resume
    :param text: part of an id or of the destination table, in any case, among the newest that the others select
    :param stalled_after: a running load that has committed nothing for so long counts as stalled
    :param readable: selects the DAGs that may be seen, from all DAGs; by default all
    """

    dag_id: str | None = None
    task_id: str | None = None
    run_id: str | None = None
    state: Status | None = None
    text: str | None = None
    stalled_after: timedelta = STALLED_AFTER
    readable: Callable[[Collection[str]], Collection[str]] = field(default=lambda dag_ids: dag_ids)


@dataclass(frozen=True, slots=True)
class Listed:
    """
    A found checkpoint.

    :param checkpoint: the checkpoint itself
    :param request: the request to the next attempt
    :param sample: an earlier entry of the running attempt, for its speed
    :param staged: whether it is completed, and its rows are staged and not yet published
    :param rejected: the number of its rows that the destination has refused
    """

    checkpoint: Checkpoint
    request: HistoryEntry | None = None
    sample: HistoryEntry | None = None
    staged: bool = False
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """
    A page of found checkpoints.

    :param rows: the checkpoints of this page, in the requested order
    :param total: the number of matches
    :param counts: the number of checkpoints in each state, whatever state was searched for
    :param dag_ids: the DAGs that have checkpoints
    :param unreadable: rows of this page that cannot be read
    :param table: the first and last row of the table, to recognise two connections that lead to one table
    :param at_least: the states with more checkpoints than ``counts`` has
    :param text_among: the number of the newest ones that were searched for text; ``None`` if all were
    """

    rows: list[Listed]
    total: int
    counts: dict[Status, int]
    dag_ids: list[str]
    unreadable: list[UnreadableRow]
    table: tuple[Any, ...]
    at_least: frozenset[Status] = frozenset()
    text_among: int | None = None


class Searcher:
    """Searches the metadata tables on an open connection."""

    def __init__(self, connection: sa.Connection, tables: Tables, search: Search, now: datetime) -> None:
        self._connection = connection
        self._tables = tables
        self._table = tables.checkpoint
        self._search = search
        self._stalled_before = now - search.stalled_after

    def find(self, order_by: str, limit: int, offset: int) -> Found:
        """
        Return a page.

        :param order_by: a column, with ``-`` in front for descending
        """
        search = self._search
        stored = distinct(self._connection, self._table.c.dag_id)
        dag_ids = [dag_id for dag_id in stored if is_text(dag_id) and len(dag_id) <= ID_LENGTH]
        seen = set(search.readable(dag_ids))
        scope = [*self._conditions(), *self._only(seen, stored)]
        requests = History(self._connection, self._tables).newest_requests()
        states = States(self._stalled_before, requests)
        rows: sa.FromClause = self._table
        text_among = None
        if search.text:
            if count(self._connection, self._table, *scope, most=TEXT_AMONG + 1) > TEXT_AMONG:
                text_among = TEXT_AMONG
            by = self._table.c.committed_at
            rows = recent(self._connection, self._table, *scope, by=by, most=TEXT_AMONG)
            scope = [_has_text(rows, search.text)]
            counts = states.count_together(self._connection, rows, scope)
        else:
            counts = states.count_each(self._connection, self._table, scope)
        at_least = frozenset(
            state for state, number in counts.items() if number > COUNTED_TO and not search.text
        )
        counts |= dict.fromkeys(at_least, COUNTED_TO)
        statement = sa.select(rows).where(*scope)
        if search.state:
            statement = statement.where(states.condition(rows, search.state))
        statement = statement.order_by(*in_order(rows, order_by, self._table))
        found: list[Listed] = []
        unreadable: list[UnreadableRow] = []
        for one in read_page(self._connection, self._table, rows, statement, limit, offset):
            if isinstance(one, UnreadableRow):
                unreadable.append(one)
            else:
                found.append(Listed(one, requests.get(one.identity)))
        staged = History(self._connection, self._tables).staged([listed.checkpoint for listed in found])
        identities = [listed.checkpoint.identity for listed in found]
        rejected = counts_of(self._connection, self._tables, identities)
        found = [
            replace(listed, staged=identity in staged, rejected=rejected.get(identity, 0))
            for listed, identity in zip(found, identities, strict=True)
        ]
        return Found(
            [self._with_sample(listed) for listed in found],
            counts[search.state] if search.state else sum_of_states(counts),
            counts,
            [dag_id for dag_id in dag_ids if dag_id in seen],
            unreadable,
            self._table_itself(),
            at_least,
            text_among,
        )

    def _table_itself(self) -> tuple[Any, ...]:
        """Return the first and the last row of the primary key, which rows that come and go between leave alone."""
        key = list(self._table.primary_key.columns)
        orders = (key, [column.desc() for column in key])
        try:
            return self._first_of(orders, *key, self._table.c.created_at)
        except DAMAGED:
            return self._first_of(orders, *key)

    def _first_of(
        self, orders: Iterable[Sequence[sa.ColumnElement[Any]]], *columns: sa.ColumnElement[Any]
    ) -> tuple[Any, ...]:
        statement = sa.select(*columns)
        return tuple(
            tuple(row) for order in orders for row in page(self._connection, statement.order_by(*order), 1, 0)
        )

    def _only(self, seen: set[str], among: list[str]) -> list[sa.ColumnElement[bool]]:
        if len(seen) == len(among):
            return []
        column: sa.ColumnElement[str] = self._table.c.dag_id
        if dialect_of(self._connection).takes_any_index and len(seen) * _MANY > len(among):
            # All rows of these DAGs would be read by their index, and sorted; the newest rows are mostly theirs.
            column = sa.func.coalesce(column, column)
        return [_is_one_of(column, sorted(seen))]

    def _conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        search, columns = self._search, self._table.c
        for name in ("dag_id", "task_id", "run_id"):
            if value := getattr(search, name):
                yield columns[name] == value

    def _with_sample(self, listed: Listed) -> Listed:
        if listed.checkpoint.status is not Status.RUNNING:
            return listed
        history = History(self._connection, self._tables)
        return replace(listed, sample=history.sample(listed.checkpoint))


def _has_text(rows: sa.FromClause, text: str) -> sa.ColumnElement[bool]:
    return sa.or_(*(rows.c[name].icontains(text, autoescape=True) for name in _TEXTS))


def _is_one_of(column: sa.ColumnElement[str], values: list[str]) -> sa.ColumnElement[bool]:
    parts = [values[n : n + _MOST_IN_LIST] for n in range(0, len(values), _MOST_IN_LIST)]
    # IN with no values is false everywhere; SQLAlchemy's constants are not conditions in Oracle.
    return sa.or_(*(column.in_(part) for part in parts or [[]]))
