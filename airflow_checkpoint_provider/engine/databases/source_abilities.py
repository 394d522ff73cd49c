"""Abilities of some databases for a reader; the others raise an error, or return nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.dialect import Dialect
from airflow_checkpoint_provider.engine.databases.moments import newest_moment, without_moments
from airflow_checkpoint_provider.engine.databases.questions.type_dialect import DeclaredColumn
from airflow_checkpoint_provider.engine.databases.source_statements import SourceStatements
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.partition import Partition, StoragePlaces, TableStatistics


class SourceAbilities(SourceStatements):
    """A query on a database without any of these abilities."""

    conn_id: str
    dialect: Dialect
    doubts: tuple[str, ...] = ()
    """What may be hidden from the user without an error, where the server does not show it: warnings for a person."""

    def declared_columns(self, table: TableName | None) -> Mapping[str, DeclaredColumn]:
        """
        Return the columns of the query with their types, as far as these are known.

        :param table: the table that it reads, if it reads one
        """
        if table is None:
            return {}
        with reading(self.connection):
            return self.dialect.columns_of(self.connection, table)

    def newest_moment(self) -> str:
        """
        Return a moment as of which this and other connections can read the query, at least for a while.

        :raises ArgumentError: when the database has no such moments
        """
        return newest_moment(self.connection, self.conn_id)

    def read_as_of(self, moment: str) -> None:
        """
        Read the query as of a moment that :meth:`newest_moment` has returned, on this or another connection.

        From then on, statements raise MomentGoneError when the server no longer knows the rows of that moment.

        :raises ArgumentError: when the database has no such moments, or the text is none
        """
        raise without_moments(self.dialect, self.conn_id)

    def read_as_of_now(self) -> None:
        """
        Read the query as of a new moment, which other connections may not be able to read.

        :raises ArgumentError: when the database has no moments
        """
        self.read_as_of(self.newest_moment())

    def storage_places(self, table: TableName) -> StoragePlaces:
        """
        Return the boundaries of parts of a table as it is stored, in the order in which the server compares them.

        :raises ArgumentError: when the database has no such boundaries, or rows may change their places
        """
        raise ArgumentError(
            f"split: {self.dialect.title} ({self.conn_id!r}) has no ROWID to split a table by. Leave split out."
        )

    def is_by_storage(self, part: Partition) -> bool:
        """Return whether a partition was split by :meth:`storage_places`, and not by a column."""
        return False

    def read_stored(self, table: TableName, part: Partition) -> None:
        """
        Read only the rows stored between the boundaries of a partition.

        :raises ArgumentError: when rows may change their places
        :raises SourceChangedError: when the table has been rewritten since it was split
        """

    def statistics(self, table: TableName, column: str) -> TableStatistics | None:
        """Return what the server knows of a table and a column, or ``None`` where it cannot be sampled."""
        return None

    def value_shares(self, table: TableName, column: str) -> list[tuple[Any, float]]:
        """Return the values of a column that :meth:`statistics` has counted, each with the share of rows up to it."""
        return []

    def sample_clause(self, percent: float) -> str:
        """Write the clause after a table that reads a random sample of its rows."""
        return ""

    def late_keys(self, table: TableName, columns: Sequence[str]) -> list[str]:
        """Return why rows with smaller keys may come after those with greater ones, as far as the catalog shows."""
        return []
