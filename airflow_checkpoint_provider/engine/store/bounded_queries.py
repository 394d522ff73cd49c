"""Queries that take as long among a million rows as among a thousand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dialect import dialect_of

INDEXED = "committed_at"
"""The column whose order the indexes have, for all rows and for those of each DAG and status."""
COUNTED_TO = 1_000
"""The most rows that are counted of each state: counting a million takes as long as reading them."""
NEWEST_AMONG = 2_000
"""The newest checkpoints, which are searched for text, and sorted in an order that no index has."""
REQUESTS_AMONG = 500
"""The newest requests, which are searched for those that no attempt has followed yet."""


def count(
    connection: sa.Connection, rows: sa.FromClause, *conditions: sa.ColumnElement[bool], most: int
) -> int:
    """Count rows, and stop at ``most``."""
    some: sa.Select[Any] = sa.select(sa.literal_column("1").label("one")).select_from(rows).where(*conditions)
    if dialect_of(connection).limits_rows:  # other databases may not be able to stop
        some = some.limit(most)
    counted = sa.select(sa.func.count()).select_from(some.subquery("found"))
    return int(connection.execute(counted).scalar_one())


def recent(
    connection: sa.Connection,
    table: sa.Table,
    *conditions: sa.ColumnElement[bool],
    by: sa.ColumnElement[Any],
    most: int,
) -> sa.FromClause:
    """
    Return the newest rows, to select from.

    :param by: a column that grows with time
    :param most: their number, where the database is known to have a limit; else all
    """
    some = sa.select(table).where(*conditions)
    if dialect_of(connection).limits_rows:
        some = some.order_by(by.desc()).limit(most)
    return some.subquery("latest")


def distinct(connection: sa.Connection, column: sa.Column[str]) -> list[str]:
    """Return the different values of the first column of an index, in order."""
    if not dialect_of(connection).steps_through_index:
        return list(connection.execute(sa.select(column).distinct().order_by(column)).scalars())
    # From each value to the next: one index lookup per value.
    least = sa.select(sa.func.min(column).label("value"))
    steps = least.cte("steps", recursive=True)
    following = sa.select(sa.func.min(column)).where(column > steps.c.value).correlate(steps)
    steps = steps.union_all(sa.select(following.scalar_subquery()).where(steps.c.value.is_not(None)))
    values = sa.select(steps.c.value).where(steps.c.value.is_not(None))
    return sorted(connection.execute(values).scalars(), key=str)  # SQLite may have bytes among them


def unchanged_since(rows: sa.FromClause, before: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that checkpoints have not changed since ``before``."""
    # The indexes have the last commit, which is no later; an earlier version of this package leaves it out.
    committed = rows.c.committed_at
    return sa.and_(sa.or_(committed < before, committed.is_(None)), rows.c.updated_at < before)


def in_group(connection: sa.Connection, rows: sa.FromClause, group: str) -> sa.ColumnElement[bool]:
    """Return the condition that the tasks of rows are in a group, whose id is in front of theirs."""
    begin = f"{group}."
    if not dialect_of(connection).cuts_text:
        return rows.c.task_id.startswith(begin, autoescape=True)
    # LIKE takes capital letters for small ones in SQLite.
    first: sa.ColumnElement[int] = sa.literal_column("1")
    length: sa.ColumnElement[int] = sa.literal_column(str(len(begin)))
    return sa.func.substr(rows.c.task_id, first, length) == begin


def in_order(rows: sa.FromClause, order_by: str, unique: sa.Table) -> list[sa.ColumnElement[object]]:
    """
    Return the columns to sort by.

    :param order_by: a column, with ``-`` in front for descending
    :param unique: the table whose primary key comes last, so that pages neither repeat nor miss a row; in the same
        direction, because MySQL reads an index in one only
    """
    name = order_by.removeprefix("-")
    names = dict.fromkeys([name, *(column.name for column in unique.primary_key.columns)])
    columns = [rows.c[name] for name in names]
    return [column.desc() for column in columns] if order_by.startswith("-") else list(columns)


def reaching(
    connection: sa.Connection,
    rows: sa.FromClause,
    conditions: Sequence[sa.ColumnElement[bool]],
    order_by: str,
    most: int | None,
) -> list[sa.ColumnElement[bool]]:
    """
    Return the condition that selects the first rows in an order with all their ties, if the server would sort all rows.

    Of a table only: rows that were selected from one before are few.

    :param conditions: those on the rows so far
    :param order_by: the order of :func:`in_order`
    :param most: the number of rows; ``None`` for all
    """
    column = rows.c[order_by.removeprefix("-")]
    sorts_all = isinstance(rows, sa.Table) and dialect_of(connection).sorts_all_for_ties
    if most is None or column.name != INDEXED or not sorts_all:
        return []
    down = order_by.startswith("-")
    following = sa.select(column).where(*conditions).order_by(column.desc() if down else column)
    last = connection.execute(following.limit(1).offset(most - 1)).scalar()
    if last is None:  # there are no more
        return []
    return [sa.or_(column >= last if down else column <= last, column.is_(None))]


def page(
    connection: sa.Connection, statement: sa.Select[Any], limit: int | None, offset: int
) -> Iterable[sa.Row[Any]]:
    """Return one page of the rows of a statement."""
    if dialect_of(connection).limits_rows:
        return connection.execute(statement.limit(limit).offset(offset or None))
    return islice(connection.execute(statement), offset, None if limit is None else offset + limit)
