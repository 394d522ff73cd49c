"""The questions about metadata tables, each with an answer that is safe for an unknown server."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from airflow_checkpoint_provider.engine.databases.migration import Statement, TableChange

UPDATED_OFTEN = "updated_often"
"""The key in the ``info`` of a table whose rows are updated with every batch."""


class MetadataDialect:
    """How a database has, creates and changes the metadata tables."""

    time_type: sa.types.TypeEngine[Any] = sa.String(32)
    long_text: sa.types.TypeEngine[Any] = sa.Text()
    row_id: sa.types.TypeEngine[Any] = sa.BigInteger()
    numbers_rows: bool = False
    """An identity column numbers rows by itself."""
    limits_rows: bool = False
    """SQLAlchemy can limit the rows of a query."""
    cuts_text: bool = False
    """SUBSTR takes text of any length."""
    steps_through_index: bool = False
    """A recursive query finds the distinct values of an index faster than DISTINCT."""
    takes_any_index: bool = False
    """The server uses an index even for a condition that most rows meet."""
    sorts_all_for_ties: bool = False
    """A page in the order of an index and, behind it, of further columns is read by sorting all rows."""
    needed_to_create: str = "tables"
    """The objects that a role must be allowed to create."""
    takes_over: bool = False
    """Tables created by the dialect for unknown databases are recognized, and changed."""
    text_types: frozenset[int] = frozenset()
    """The driver's type codes of text columns; where it has no such codes, the catalog is read."""
    migration_frame: tuple[str, str] = ("", "")
    """The lines around the statements that change one table, in a script."""
    key_name: str | None = None
    """How the server names a primary key that was given no name, with ``{table}`` for the table's."""

    def creation(self, table: sa.Table) -> list[ExecutableDDLElement]:
        """Return the statements that create a table and its indexes."""
        return [CreateTable(table), *map(CreateIndex, indexes(table))]

    def hold_for_migration(self, connection: sa.Connection, quoted: str, seconds: float) -> None:
        """
        Lock a table until the transaction ends, where DDL is part of the transaction.

        :param quoted: the table
        :param seconds: the longest wait for its other users
        """

    def migration(
        self, change: TableChange, inspector: sa.Inspector | None = None
    ) -> list[ExecutableDDLElement]:
        """
        Return the statements that change a metadata table; a crash may follow each of them.

        :param inspector: reads the catalog; ``None`` for a script, which assumes the table as it was created
        """
        table = change.name
        added = [
            Statement(f"ALTER TABLE {table} ADD COLUMN {change.spell(column)}") for column in change.missing
        ]
        if change.has_old_key and change.key_name is not None:
            key = f"CONSTRAINT {change.quote(change.key_name)}" if change.key_name else "PRIMARY KEY"
            added.append(Statement(f"ALTER TABLE {table} DROP {key}"))
        if change.has_old_key:
            added.append(Statement(f"ALTER TABLE {table} ADD PRIMARY KEY ({change.key})"))
        last = (
            [Statement(f"ALTER TABLE {table} ADD COLUMN {change.spell(change.last)}")]
            if change.last is not None
            else []
        )
        return [*added, *change.fill, *last]

    def primary_key(self, inspector: sa.Inspector, table: sa.Table) -> tuple[list[str], str | None]:
        """Return the columns of a metadata table's primary key, and its constraint where that is known."""
        found = inspector.get_pk_constraint(table.name, table.schema)
        return list(found["constrained_columns"]), found["name"]

    def is_changed_already(self, error: BaseException) -> bool:
        """Return whether a statement of a migration has failed because its change was made before."""
        return False

    def numbers_by_itself(self, inspector: sa.Inspector, table: sa.Table) -> bool:
        """Return whether the database gives the rows of a metadata table their numbers."""
        return True

    def time_value(self, moment: datetime) -> Any:
        """Return the bind value of a moment in UTC for a column of :attr:`time_type`."""
        return moment.isoformat(timespec="microseconds")


def indexes(table: sa.Table) -> list[sa.Index]:
    """Return the indexes of a table in the order of their names."""
    return sorted(table.indexes, key=lambda index: str(index.name))
