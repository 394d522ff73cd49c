"""What a metadata table of an earlier format lacks, and the statements that give it to the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateColumn, ExecutableDDLElement


class Statement(ExecutableDDLElement):
    """A statement that is written out; its names are quoted."""

    def __init__(self, text: str) -> None:
        self.text = text


@compiles(Statement)
def _written(statement: Statement, compiler: Any, **options: Any) -> str:
    return statement.text


@dataclass(frozen=True)
class TableChange:
    """
    What is to be changed of one table that is there.

    :param table: as it shall be
    :param dialect: SQLAlchemy's, which the statements are written for
    :param missing: the columns that it lacks, but for the last one
    :param last: the column that is added last: a table that has it is finished
    :param has_old_key: the primary key is that of the earlier format, or was dropped and not made again
    :param key_name: the constraint of that key, empty where it is not known; ``None`` where there is no key
    :param created: indexes that it lacks
    :param dropped: indexes that are not of use any more
    :param fills: assignments to make in rows of the earlier format
    :param old_rows: the condition that picks them
    :param retyped: columns that are there and whose times are text, as they are where nothing is known of the database
    :param unnumbered: the column whose numbers the database does not give, as it should
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
        """Quote a name, and name the table's schema before it."""
        schema = self.table.schema
        prepare = self.dialect.identifier_preparer
        return f"{prepare.quote_schema(schema)}.{self.quote(name)}" if schema else self.quote(name)

    def spell(self, column: sa.Column[Any]) -> str:
        """Write a column as a statement adds it."""
        return str(CreateColumn(column).compile(dialect=self.dialect)).strip()

    @property
    def key(self) -> str:
        """The columns of the primary key as it shall be."""
        return ", ".join(self.quote(column.name) for column in self.table.primary_key.columns)

    def columns_of(self, index: sa.Index) -> str:
        """Return the columns of an index."""
        return ", ".join(self.quote(column.name) for column in index.columns)

    @property
    def fill(self) -> list[ExecutableDDLElement]:
        """The statement that brings rows of the earlier format to the new one, if there are such."""
        if not self.fills:
            return []
        pairs = ", ".join(f"{self.quote(name)} = {value}" for name, value in self.fills)
        return [Statement(f"UPDATE {self.name} SET {pairs} WHERE {self.old_rows}")]
