"""The questions that only a plan of a load asks, each with an answer that is safe for an unknown server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.planning.plan_facts import Amount, KeyAccess, KeyStatistics

if TYPE_CHECKING:
    from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName


class PlanQuestions:
    """What a server knows of a load before it begins; no question changes anything."""

    def server(self, connection: sa.Connection, title: str) -> str:
        """
        Return the name and the version of a server.

        :param title: the name of this kind of database
        """
        version = connection.dialect.server_version_info
        return f"{title} {'.'.join(map(str, version))}" if version else title

    def refuse_writes(self, connection: sa.Connection, *, explains: bool) -> None:
        """
        Have the server refuse whatever would change something on a connection, where it has such a setting.

        :param explains: the server is asked to plan statements that write
        """

    def rights(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> Mapping[str, bool]:
        """
        Return whether the role has the right to each action on a table; an unknown right is left out.

        :param table: as the catalog has it
        :param quoted: the whole name, as it stands in a statement
        """
        return {}

    def rights_to_create(self, connection: sa.Connection, schema: str | None) -> Mapping[str, bool]:
        """
        Return whether the role may create tables in a schema, and temporary ones; an unknown right is left out.

        :param schema: as the catalog has it; ``None`` for the default one
        """
        return {}

    def key_access(self, source: Any, columns: Sequence[str], table: TableName | None) -> KeyAccess | None:
        """
        Return how the server reads a query in the order of a key; ``None`` where that is not known.

        :param source: a ``Source``
        :param columns: of the key
        :param table: the table that the query reads, if it reads one
        """
        return None

    def key_statistics(self, source: Any, columns: Sequence[str], table: TableName) -> KeyStatistics | None:
        """Return how often rows of a table have an equal key, by statistics; ``None`` where that is not known."""
        return None

    def amount(self, source: Any, table: TableName | None) -> Amount | None:
        """Return how much a query returns, by statistics; the parameters are those of :meth:`key_access`."""
        return None


def in_order(source: Any, columns: Sequence[str]) -> tuple[str, Any]:
    """Write the statement that reads a query in the order of a key."""
    order = ", ".join(map(source.quote, columns))
    statement: tuple[str, Any] = source.select(
        "*", f" WHERE {source.key_condition(columns)} ORDER BY {order}"
    )
    return statement
