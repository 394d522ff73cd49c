"""Searching checkpoints among many: by status, DAG or text, with counts and page by page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.admin.mapped_loads import (
    Run,
    Totals,
    mapped_runs,
    newest_of_loads,
    parts_of,
    totals_of,
)
from airflow_checkpoint_provider.engine.admin.readable import DagsThere
from airflow_checkpoint_provider.engine.admin.states import STALLED_AFTER, States, sum_of_states
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.bounded_queries import (
    COUNTED_TO,
    INDEXED,
    NEWEST_AMONG,
    count,
    in_order,
    reaching,
    recent,
)
from airflow_checkpoint_provider.engine.store.history import History
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry
from airflow_checkpoint_provider.engine.store.rejected.rejects import counts_of
from airflow_checkpoint_provider.engine.store.row_reading import UnreadableRow, read_page, table_itself
from airflow_checkpoint_provider.engine.store.schema.tables import Tables

_WIDER = 8
_MOST_SAMPLES = 50  # running loads whose speed is measured
MOST_IN_LIST = 1_000
"""Oracle takes no more values in one list."""
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
    :param by_load: of the instances of a mapped task in one run, find the one that has committed last
    :param task_ids: some tasks, at most ``MOST_IN_LIST``
    :param run_ids: some runs, at most as many
    """

    dag_id: str | None = None
    task_id: str | None = None
    run_id: str | None = None
    state: Status | None = None
    text: str | None = None
    stalled_after: timedelta = STALLED_AFTER
    readable: Callable[[Collection[str]], Collection[str]] = field(default=lambda dag_ids: dag_ids)
    by_load: bool = False
    task_ids: Sequence[str] = ()
    run_ids: Sequence[str] = ()


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
    :param total: the number of matches; with ``by_load`` that up to the end of this page
    :param counts: the number of checkpoints in each state, whatever state was searched for
    :param dag_ids: the DAGs that have checkpoints
    :param unreadable: rows of this page that cannot be read
    :param table: the first and last row of the table, to recognise two connections that lead to one table
    :param at_least: the states with more checkpoints than ``counts`` has
    :param among_newest: the number of the newest ones that were searched for text, or sorted; ``None`` if all were
    :param more: with ``by_load``, whether there are more matches
    :param parts: with ``by_load``, checkpoints of the mapped loads among ``rows``, those first that may need a person
    :param loads: with ``by_load``, the totals of these loads; of one that has more, ``parts`` has some
    """

    rows: list[Listed]
    total: int
    counts: dict[Status, int]
    dag_ids: list[str]
    unreadable: list[UnreadableRow]
    table: tuple[Any, ...]
    at_least: frozenset[Status] = frozenset()
    among_newest: int | None = None
    more: bool = False
    parts: list[Listed] = field(default_factory=list)
    loads: dict[Run, Totals] = field(default_factory=dict)


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
        dags = DagsThere.of(self._connection, self._table, search.readable)
        scope = [*self._conditions(), *dags.conditions]
        requests = History(self._connection, self._tables).newest_requests()
        states = States(self._stalled_before, requests)
        rows: sa.FromClause = self._table
        among = None
        if search.text:
            rows, among = self._newest(scope)
            scope = [_has_text(rows, search.text)]
            counts = states.count_together(self._connection, rows, scope)
        else:
            counts = states.count_each(self._connection, self._table, scope)
            if order_by.removeprefix("-") != INDEXED:
                rows, among = self._newest([*scope, *self._of_state(states, self._table)])
                scope = []
        at_least = frozenset(
            state for state, number in counts.items() if number > COUNTED_TO and not search.text
        )
        counts |= dict.fromkeys(at_least, COUNTED_TO)
        matching = [*scope, *self._of_state(states, rows)]
        total = counts[search.state] if search.state else sum_of_states(counts)
        total = min(total, among or total)
        parts: list[Checkpoint] = []
        loads: dict[Run, Totals] = {}
        more = False
        if search.by_load:
            found, unreadable = self._loads(rows, matching, states, order_by, limit, offset)
            # Not counted: a database would read all rows for it. One row beyond the page shows that there are more.
            number = len(found) + len(unreadable)
            more, total, found = number > limit, offset + min(number, limit), found[:limit]
            loads = totals_of(self._connection, self._table, mapped_runs(found))
            for statement in parts_of(self._table, loads):
                parts += self._read(self._table, statement, None, 0)[0]
        else:
            matching += reaching(self._connection, rows, matching, order_by, offset + limit)
            statement = sa.select(rows).where(*matching).order_by(*in_order(rows, order_by, self._table))
            found, unreadable = self._read(rows, statement, limit, offset)
        return Found(
            self._listed(found, requests),
            total,
            counts,
            dags.readable,
            unreadable,
            table_itself(self._connection, self._table),
            at_least,
            among,
            more,
            self._listed(parts, requests),
            loads,
        )

    def _loads(
        self,
        rows: sa.FromClause,
        matching: Sequence[sa.ColumnElement[bool]],
        states: States,
        order_by: str,
        limit: int,
        offset: int,
    ) -> tuple[list[Checkpoint], list[UnreadableRow]]:
        """Read the newest matching checkpoints of runs of tasks: a page, and one more if there are more."""
        search, connection = self._search, self._connection

        def narrowed(other: sa.FromClause) -> list[sa.ColumnElement[bool]]:
            return [
                *self._of_state(states, other),
                *([_has_text(other, search.text)] if search.text else []),
            ]

        are_few = rows is not self._table
        among = NEWEST_AMONG + 1 if are_few else 2 * (offset + limit)
        while True:
            statement = newest_of_loads(connection, rows, self._table, matching, narrowed, order_by, among)
            found, unreadable = self._read(self._table, statement, limit + 1, offset)
            if len(found) + len(unreadable) > limit or are_few or not dialect_of(connection).limits_rows:
                return found, unreadable
            if count(connection, rows, *matching, most=among) < among:
                return found, unreadable
            among *= _WIDER  # the runs have many instances

    def _read(
        self, rows: sa.FromClause, statement: sa.Select[Any], limit: int | None, offset: int
    ) -> tuple[list[Checkpoint], list[UnreadableRow]]:
        found: list[Checkpoint] = []
        unreadable: list[UnreadableRow] = []
        for one in read_page(self._connection, self._table, rows, statement, limit, offset):
            if isinstance(one, UnreadableRow):
                unreadable.append(one)
            else:
                found.append(one)
        return found, unreadable

    def _listed(self, found: list[Checkpoint], requests: Mapping[Identity, HistoryEntry]) -> list[Listed]:
        """Add what the history and the rejected rows tell about checkpoints."""
        history = History(self._connection, self._tables)
        staged = history.staged(found)
        rejected = counts_of(self._connection, self._tables, [one.identity for one in found])
        running = [one.identity for one in found if one.status is Status.RUNNING][:_MOST_SAMPLES]
        return [
            Listed(
                one,
                requests.get(one.identity),
                history.sample(one) if one.identity in running else None,
                one.identity in staged,
                rejected.get(one.identity, 0),
            )
            for one in found
        ]

    def _newest(self, conditions: Sequence[sa.ColumnElement[bool]]) -> tuple[sa.FromClause, int | None]:
        """Return the newest rows that match, to select from, and their number where there are more."""
        connection, table = self._connection, self._table
        more = count(connection, table, *conditions, most=NEWEST_AMONG + 1) > NEWEST_AMONG
        rows = recent(connection, table, *conditions, by=table.c[INDEXED], most=NEWEST_AMONG)
        return rows, NEWEST_AMONG if more else None

    def _of_state(self, states: States, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        return [states.condition(rows, self._search.state)] if self._search.state else []

    def _conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        search, columns = self._search, self._table.c
        for name in ("dag_id", "task_id", "run_id"):
            if value := getattr(search, name):
                yield columns[name] == value
        for name, some in (("task_id", search.task_ids), ("run_id", search.run_ids)):
            if some:
                yield columns[name].in_(some)


def _has_text(rows: sa.FromClause, text: str) -> sa.ColumnElement[bool]:
    return sa.or_(*(rows.c[name].icontains(text, autoescape=True) for name in _TEXTS))
