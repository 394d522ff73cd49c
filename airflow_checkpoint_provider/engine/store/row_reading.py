"""Reading rows of the metadata tables: one that cannot be read hides no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.errors import (
    CheckpointError,
    InvalidCheckpointError,
    NewerFormatError,
    one_line,
)
from airflow_checkpoint_provider.engine.store.bounded_queries import page
from airflow_checkpoint_provider.engine.store.row_mapper import (
    from_row,
    identity_of_row,
    is_identity,
    unreadable,
)
from airflow_checkpoint_provider.engine.store.stored_values import columns_to_read

DAMAGED = (ValueError, TypeError, ArithmeticError, AttributeError, sa.exc.DBAPIError)
"""The errors of drivers, SQLAlchemy and this package for values that they cannot read."""


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """
    A row of the metadata table that cannot be read as a checkpoint.

    :param identity: whose it is; ``None`` where not even that can be read
    :param reason: why, and what to do
    :param damaged: whether deleting it is the remedy; ``False`` where a newer version wrote it
    """

    identity: Identity | None
    reason: str
    damaged: bool = True


def read_one(connection: sa.Connection, table: sa.Table, identity: Identity) -> Checkpoint | None:
    """
    Return a checkpoint, or ``None`` where there is none.

    :raises InvalidCheckpointError: when its row is damaged
    :raises NewerFormatError: when a newer version of this package wrote it
    """
    statement = sa.select(*columns_to_read(connection, table)).where(is_identity(table, identity))
    return one_of(connection, statement, identity)


def one_of(connection: sa.Connection, statement: sa.Select[Any], identity: Identity) -> Checkpoint | None:
    """Return the checkpoint that a statement selects, with all its columns; see :func:`read_one`."""
    try:
        row = connection.execute(statement).first()
    except DAMAGED as error:
        if isinstance(error, sa.exc.DBAPIError) and not isinstance(error, sa.exc.DataError):
            raise
        raise unreadable(identity, one_line(error)) from error
    return from_row(row) if row else None


def read_page(
    connection: sa.Connection,
    table: sa.Table,
    rows: sa.FromClause,
    statement: sa.Select[Any],
    limit: int | None,
    offset: int,
) -> Iterator[Checkpoint | UnreadableRow]:
    """
    Read a page of a list.

    :param rows: the metadata table, or some of its rows
    :param statement: picks of ``rows`` and sorts
    """
    for row, refused in each_row(connection, table, rows, statement, limit, offset):
        try:
            if refused:
                raise unreadable(identity_of_row(row), one_line(refused)) from refused
            yield from_row(row)
        except CheckpointError as error:
            yield _unreadable(row, error)


def each_row(
    connection: sa.Connection,
    table: sa.Table,
    rows: sa.FromClause,
    statement: sa.Select[Any],
    limit: int | None,
    offset: int = 0,
    *,
    whole: bool = False,
) -> Iterator[tuple[Any, Exception | None]]:
    """
    Read a page of a table: rows, or the key of a row with a value that the driver cannot read, with its error.

    :param rows: the table, or some of its rows
    :param statement: picks of ``rows`` and sorts
    :param whole: also text that is longer than :mod:`stored_values` allows
    """

    def columns(of: sa.FromClause) -> list[sa.ColumnElement[Any]]:
        return list(of.c) if whole else columns_to_read(connection, of)

    try:
        found = list(
            page(
                connection,
                statement.with_only_columns(*columns(rows), maintain_column_froms=True),
                limit,
                offset,
            )
        )
    except DAMAGED as error:
        # A driver fails for all rows where it cannot read one value: each row is read by itself.
        names = {column.name for column in table.primary_key.columns}
        names |= {"name"} if "name_digest" in names else set()  # the key has only its digest
        key = [column for column in rows.c if column.name in names]
        keys = statement.with_only_columns(*key, maintain_column_froms=True)
        try:
            found = list(page(connection, keys, limit, offset))
        except DAMAGED:
            raise error from None
        for row in found:
            same = [table.c[name] == value for name, value in row._mapping.items()]
            try:
                alone = connection.execute(sa.select(*columns(table)).where(*same)).first()
            except DAMAGED as fault:
                yield row, fault
            else:
                if alone:  # it may be gone by now
                    yield alone, None
    else:
        yield from ((row, None) for row in found)


def table_itself(connection: sa.Connection, table: sa.Table) -> tuple[Any, ...]:
    """
    Return the first and the last row of the primary key, to recognise two connections that lead to one table.

    Rows that come and go between leave them alone.
    """
    key = list(table.primary_key.columns)
    orders = (key, [column.desc() for column in key])

    def ends(*columns: sa.ColumnElement[Any]) -> tuple[Any, ...]:
        statement = sa.select(*columns)
        return tuple(
            tuple(row) for order in orders for row in page(connection, statement.order_by(*order), 1, 0)
        )

    try:
        return ends(*key, table.c.created_at)
    except DAMAGED:
        return ends(*key)


def _unreadable(row: Any, error: Exception) -> UnreadableRow:
    try:
        identity = identity_of_row(row)
    except InvalidCheckpointError:
        return UnreadableRow(None, str(error))
    return UnreadableRow(identity, str(error), damaged=not isinstance(error, NewerFormatError))
