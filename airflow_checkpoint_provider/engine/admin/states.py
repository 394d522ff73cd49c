"""The states to search checkpoints by, and the number of checkpoints in each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.model.checkpoint import Identity
from airflow_checkpoint_provider.engine.model.status import FILTERS, STORED, Status
from airflow_checkpoint_provider.engine.store.bounded_queries import COUNTED_TO, count
from airflow_checkpoint_provider.engine.store.row_mapper import is_identity

STALLED_AFTER = timedelta(minutes=5)
"""How long a running load may commit nothing before it counts as stalled."""


class States:
    """
    The states that checkpoints are in now.

    :param stalled_before: a running load that has committed nothing since then counts as stalled
    :param requested: the checkpoints with a request to the next attempt
    """

    def __init__(self, stalled_before: datetime, requested: Collection[Identity]) -> None:
        self._stalled_before = stalled_before
        self._requested = requested

    def condition(self, rows: sa.FromClause, state: Status) -> sa.ColumnElement[bool]:
        """Return the condition that rows are in a state."""
        status, committed = rows.c.status, _committed_at(rows)
        if state == Status.REQUESTED:
            identities = (is_identity(rows, identity) for identity in self._requested)
            # IN with no values is false everywhere; SQLAlchemy's constants are not conditions in Oracle.
            return sa.or_(rows.c.dag_id.in_([]), *identities)
        if state == Status.STALLED:
            return sa.and_(status == Status.RUNNING.value, committed < self._stalled_before)
        if state == Status.RUNNING:
            return sa.and_(status == Status.RUNNING.value, committed >= self._stalled_before)
        return status == str(state)

    def count_each(
        self, connection: sa.Connection, table: sa.Table, scope: Sequence[sa.ColumnElement[bool]]
    ) -> dict[Status, int]:
        """Count the rows of each state separately, by an index and up to a limit."""
        most = COUNTED_TO + 1
        return {
            state: count(connection, table, *scope, self.condition(table, state), most=most)
            if self._requested or state != Status.REQUESTED
            else 0
            for state in FILTERS
        }

    def count_together(
        self, connection: sa.Connection, rows: sa.FromClause, scope: Sequence[sa.ColumnElement[bool]]
    ) -> dict[Status, int]:
        """Count the rows of all states in one read, where they are few."""
        stalled = sa.case((_committed_at(rows) < self._stalled_before, 1), else_=0)
        statement = (
            sa.select(rows.c.status, sa.func.count(), sa.func.sum(stalled))
            .where(*scope)
            .group_by(rows.c.status)
        )
        counts = dict.fromkeys(FILTERS, 0)
        for status, number, old in connection.execute(statement):
            if status == Status.RUNNING:
                counts[Status.STALLED] = int(old)
                counts[Status.RUNNING] = number - int(old)
            elif status in STORED:
                counts[Status(status)] = number
        if self._requested:
            asked = sa.select(sa.func.count()).select_from(rows)
            asked = asked.where(*scope, self.condition(rows, Status.REQUESTED))
            counts[Status.REQUESTED] = connection.execute(asked).scalar_one()
        return counts


def _committed_at(rows: sa.FromClause) -> sa.ColumnElement[datetime]:
    """Return the time of the last commit; an earlier version of this package leaves it out."""
    return sa.func.coalesce(rows.c.committed_at, rows.c.updated_at)


def sum_of_states(counts: dict[Status, int]) -> int:
    """Return the number of checkpoints in any state."""
    return sum(number for state, number in counts.items() if state != Status.REQUESTED)
