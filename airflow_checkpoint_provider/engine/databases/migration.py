"""The changes that a metadata table of an earlier format needs, and their statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateColumn, ExecutableDDLElement


class Statement(ExecutableDDLElement):
    """A statement as text, with its names quoted."""

    def __init__(self, text: str) -> None:
        self.text = text


@compiles(Statement)
def _written(statement: Statement, compiler: Any, **options: Any) -> str:
    return statement.text


@dataclass(frozen=True)
class TableChange:
    """
    The changes to one existing table.

    :param table: the table as it is to be
    :param dialect: SQLAlchemy's, for which the statements are written
    :param missing: the columns that it lacks, except the last one
    :param last: the column that is added last: a table that has it is completely changed
    :param has_old_key: the primary key is that of the earlier format, or was dropped and not created again
    :param key_name: the constraint of that key, empty where it is not known; ``None`` where there is no key
    :param created: indexes that it lacks
    :param dropped: indexes that are no longer used
    :param fills: assignments to make in rows of the earlier format
    :param old_rows: the condition that picks them
    :param retyped: existing columns whose times are text, as the dialect for unknown databases creates them
    :param unnumbered: the column that the database should number, and does not
    :param ordered: the column whose numbers are to grow across all instances of a cluster
    """

    table: sa.Table
    dialect: sa.Dialect
    missing: tuple[sa.Column[Any], ...] = ()
    last: sa.Column[Any] | None = None
    has_old_key: bool = False
    key_name: str | None = None
    created: tuple[sa.Index, ...] = ()
    dropped: tuple[str, ...] = ()
    fills: tuple[tuple[str, str], ...] = ()
    old_rows: str = ""
    retyped: tuple[sa.Column[Any], ...] = ()
    unnumbered: sa.Column[Any] | None = None
    ordered: sa.Column[Any] | None = None

    @property
    def name(self) -> str:
        """The table, quoted, with its schema."""
        return str(self.dialect.identifier_preparer.format_table(self.table))

    def quote(self, name: str) -> str:
        """Quote a name."""
        return str(self.dialect.identifier_preparer.quote(name))

    def beside(self, name: str) -> str:
        """Quote a name, with the table's schema before it."""
        schema = self.table.schema
        prepare = self.dialect.identifier_preparer
        return f"{prepare.quote_schema(schema)}.{self.quote(name)}" if schema else self.quote(name)

    def spell(self, column: sa.Column[Any]) -> str:
        """Write a column as a statement adds it."""
        return str(CreateColumn(column).compile(dialect=self.dialect)).strip()

    @property
    def key(self) -> str:
        """The columns of the primary key as it is to be."""
        return ", ".join(self.quote(column.name) for column in self.table.primary_key.columns)

    def columns_of(self, index: sa.Index) -> str:
        """Return the columns of an index."""
        return ", ".join(self.quote(column.name) for column in index.columns)

    @property
    def fill(self) -> list[ExecutableDDLElement]:
        """The statement that converts rows of the earlier format to the new one, if one is needed."""
        if not self.fills:
            return []
        pairs = ", ".join(f"{self.quote(name)} = {value}" for name, value in self.fills)
        return [Statement(f"UPDATE {self.name} SET {pairs} WHERE {self.old_rows}")]
