"""The questions about a table that is to be created, each with an answer that is safe for an unknown server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.model.column_type import ColumnType

if TYPE_CHECKING:
    from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName


@dataclass(frozen=True, slots=True)
class DeclaredColumn:
    """
    A column as the catalog has it.

    :param text: its type, as SQL declares it
    :param required: it takes no NULL
    """

    text: str
    required: bool = False


class TypeDialect:
    """How a database declares the types of columns."""

    create_missing: str = "CREATE TABLE"
    """Creates a table, and does nothing where there is one, if the server has a statement for that."""
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

    def own_type(self, text: str) -> str:
        """Return the declaration of a new column that is to be as one of this kind of database is."""
        return text

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

    def creation_options(self, connection: sa.Connection) -> str:
        """Return what stands behind the columns of a new table."""
        return ""
