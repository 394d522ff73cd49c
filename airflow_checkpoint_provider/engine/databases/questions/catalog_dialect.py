"""The questions about the tables of a database, each with an answer that is safe for an unknown one."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa


class CatalogDialect:
    """Which tables there are, and which of them refer to which."""

    def table_names(self, connection: sa.Connection, schema: str | None) -> Sequence[str]:
        """
        Return the tables of a schema, as SQLAlchemy spells them, without views and without partitions.

        :param schema: ``None`` for the one that a name without a schema means
        :raises NotImplementedError: where the catalog is not asked
        """
        return sa.inspect(connection).get_table_names(schema)

    def reflected_name(self, name: str) -> str:
        """Return the name of a column from the form in which SQLAlchemy has reflected it."""
        return name

    def referred_tables(
        self, connection: sa.Connection, table: str, schema: str | None
    ) -> Sequence[tuple[str | None, str]]:
        """
        Return the schema, where it is known, and the name of each table that the foreign keys of a table refer to.

        :param table: as the catalog has it
        """
        try:
            keys = sa.inspect(connection).get_foreign_keys(table, schema)
        except NotImplementedError:
            return ()
        return [(key["referred_schema"], key["referred_table"]) for key in keys]
