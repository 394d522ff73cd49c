"""Deleting checkpoints that have not changed for long: some at a time, in short transactions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.store.bounded_queries import page, unchanged_since
from airflow_checkpoint_provider.engine.store.schema.tables import Tables

AT_ONCE = 500
"""Checkpoints deleted in one transaction, with their history."""


class Purge:
    """
    Deletes old checkpoints with their history and their rejected rows.

    :param connection: for writing, without a transaction
    :param before: checkpoints changed at this time or later stay
    :param statuses: delete only those with one of these
    """

    def __init__(
        self, connection: sa.Connection, tables: Tables, before: datetime, statuses: Sequence[str]
    ) -> None:
        self._connection = connection
        self._statuses = statuses
        self._table = table = tables.checkpoint
        self._old = sa.and_(table.c.status == sa.bindparam("its_status"), unchanged_since(table, before))
        self._key = list(table.primary_key.columns)
        names = [column.name for column in self._key]

        def is_it(rows: sa.Table) -> sa.ColumnElement[bool]:
            return sa.and_(*(rows.c[name] == sa.bindparam(f"its_{name}") for name in names))

        def forget(rows: sa.Table) -> sa.Delete:
            there = sa.exists().where(*(table.c[name] == rows.c[name] for name in names)).correlate(rows)
            return rows.delete().where(is_it(rows), ~there.select_from(table))

        # An attempt may have claimed it since it was found: then it stays, with its history.
        self._delete = table.delete().where(is_it(table), self._old)
        rejects = [tables.reject] if tables.keeps_rejects(connection) else []
        self._forget = [forget(rows) for rows in (tables.event, *rejects)]

    def run(self, *, dry_run: bool) -> int:
        """Delete them, and return their number; a dry run only counts."""
        return sum(map(self._count if dry_run else self._run, self._statuses))

    def _count(self, status: str) -> int:
        counted = sa.select(sa.func.count()).select_from(self._table).where(self._old)
        with reading(self._connection):
            return int(self._connection.execute(counted, {"its_status": status}).scalar_one())

    def _run(self, status: str) -> int:
        deleted = 0
        while found := self._some(status):
            with self._connection.begin():
                self._connection.execute(self._delete, found)
                keys = [_without(one, "its_status") for one in found]
                for statement in self._forget:
                    self._connection.execute(statement, keys)
            deleted += len(found)
        return deleted

    def _some(self, status: str) -> list[dict[str, Any]]:
        statement = sa.select(*self._key).where(self._old).params(its_status=status)
        with reading(self._connection):
            return [
                {"its_status": status, **{f"its_{name}": value for name, value in row._mapping.items()}}
                for row in page(self._connection, statement, AT_ONCE, 0)
            ]


def _without(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}
