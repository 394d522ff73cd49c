"""The questions about a table that is to be created, each with an answer that is safe for an unknown server."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.model.column_type import ColumnType, Declared, TypeKind

if TYPE_CHECKING:
    from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName

_OF_SEVERAL_TYPES = (TypeKind.WRITTEN, TypeKind.SPAN, TypeKind.JSON)
_UNBOUNDED = (TypeKind.NUMBER, TypeKind.FLOAT)


@dataclass(frozen=True, slots=True)
class DeclaredColumn:
    """
    A column as the catalog has it.

    :param text: its type, as SQL declares it
    :param required: it takes no NULL
    :param charset: the character set of its text, where each column may have another one
    """

    text: str
    required: bool = False
    charset: str = ""


class TypeDialect:
    """How a database declares the types of columns."""

    create_missing: str = "CREATE TABLE"
    """Creates a table, and does nothing where there is one, if the server has a statement for that."""
    add_column: str = "ALTER TABLE {table} ADD COLUMN {column}"
    """Adds a column, which is given with its type."""
    empty_is_null: bool = False
    """Empty text is NULL, so that text that takes no NULL elsewhere may be one here."""
    too_long_for_key: frozenset[str] = frozenset()
    """Types that no index takes."""
    key_collation: str = ""
    """Stands behind the type of text in a key, so that it is compared character by character."""

    def describe_type(self, text: str) -> ColumnType | None:
        """Return what a type keeps, from its declaration; ``None`` for one that is not known to keep every value."""
        return None

    def declare_type(self, type_: ColumnType) -> str | None:
        """Return the declaration of a type that keeps every value of ``type_``, ``None`` where there is none."""
        return None

    def own_type(self, column: DeclaredColumn, connection: sa.Connection) -> str | None:
        """
        Return the declaration of a new column that is to be as one of this kind of database is.

        :param connection: to the database of the new column, which may be of another version
        :return: ``None`` where no type is known to keep every value
        """
        return column.text

    def keeps_staged(self, text: str, staged: str) -> bool:
        """
        Return whether a column keeps every value of a column of its stage, which the server itself copies.

        :param text: its declaration
        :param staged: that of the stage's column
        """
        if text == staged:
            return True
        own, other = self.describe_type(text), self.describe_type(staged)
        if own is None or other is None or own.kind in _OF_SEVERAL_TYPES:
            return False
        # Digits bound a number that is described by its kind alone.
        return own.keeps(other) and not (own.kind in _UNBOUNDED and Declared.of(text).numbers)

    def fitted_types(self, declared: Sequence[str], free: Collection[int]) -> Sequence[str]:
        """
        Return types of columns that fit into one row.

        :param free: places of the types that may be changed
        """
        return declared

    def why_too_wide(self, declared: Sequence[str]) -> str:
        """Return why no index takes columns of these types together, after ``an index``; empty where one does."""
        return ""

    def declared_columns(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> Mapping[str, DeclaredColumn]:
        """
        Return the columns of a table or view as the catalog has them; empty where it is not asked.

        :param table: as the catalog has it
        :param quoted: the whole name, as it stands in a statement
        """
        return {}

    def columns_of(self, connection: sa.Connection, table: TableName) -> Mapping[str, DeclaredColumn]:
        """Return the columns of a table or view that the user has named."""
        found = table.resolve(sa.inspect(connection)) or table
        schema, name = found.in_catalog(connection.dialect)
        return self.declared_columns(connection, name, schema, found.quote(connection.dialect))

    def retype(self, connection: sa.Connection, table: str, column: str, declared: str) -> str | None:
        """
        Return the statement that gives a column a wider type, and changes nothing else; ``None`` without such a one.

        :param table: the whole name, as it stands in a statement
        :param column: as the catalog has it
        """
        return None

    def creation_options(self, connection: sa.Connection) -> str:
        """Return what stands behind the columns of a new table."""
        return ""
