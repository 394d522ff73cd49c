"""A source's questions about its table, and the reading of a part or an earlier state of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.oracle.dictionary import (
    heap_table,
    primary_key,
    required_columns,
)
from airflow_checkpoint_provider.engine.databases.oracle.planning.flashback import as_of
from airflow_checkpoint_provider.engine.databases.oracle.planning.histograms import (
    changed_rows,
    null_rows,
    value_shares,
)
from airflow_checkpoint_provider.engine.databases.oracle.planning.rowids import COLUMN, condition, places
from airflow_checkpoint_provider.engine.databases.oracle.planning.sequences import (
    IDENTITIES_SINCE,
    unordered_columns,
)
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.databases.statements.query import Query
from airflow_checkpoint_provider.engine.model.partition import Partition, StoragePlaces, TableStatistics


class TableSource(Source):
    """The part of a source that knows the table behind the query."""

    _types: dict[str, str]
    _whole_numbers: set[str]
    _blocks: int | None = None  # of the table, where they are counted
    _shares: Sequence[tuple[Any, float]] = ()
    _table: Query | None = None  # the query as it was given
    _as_of = ""
    _stored = ""

    def primary_key(self, table: TableName) -> list[str]:
        found = self._resolved(table)
        dialect = self.connection.dialect
        return primary_key(self.raw, *found.in_catalog(dialect)) if found else []

    def required_columns(self, table: TableName) -> frozenset[str]:
        found = self._resolved(table)
        return (
            required_columns(self.raw, *found.in_catalog(self.connection.dialect)) if found else frozenset()
        )

    def late_keys(self, table: TableName, columns: Sequence[str]) -> list[str]:
        found = self._resolved(table)
        if not found:
            return []
        named = found.in_catalog(self.connection.dialect)
        with self.errors():
            numbered = unordered_columns(self.raw, *named, identities=self.version >= IDENTITIES_SINCE)
        return [
            f"{column} is numbered by a sequence with NOORDER and a cache: in a cluster (RAC), each instance has "
            "numbers of its own, and a row with a smaller one may be committed after this run has gone past it. Go by "
            "a time with lookback and write_mode='upsert', or declare the sequence ORDER."
            for column in columns
            if column in numbered
        ]

    def statistics(self, table: TableName, column: str) -> TableStatistics | None:
        found = self._resolved(table)
        if not found:
            return None
        named = found.in_catalog(self.connection.dialect)
        known = heap_table(self.raw, *named)
        if known is None:  # a view or an external table, of which there is no sample
            return None
        rows, self._blocks = known
        if rows is None:  # no statistics were gathered
            row = self.one(self.select("COUNT(*)"))
            return TableStatistics(rows=int(row[0])) if row else None
        nulls = null_rows(self.raw, *named, column) / rows if rows else 0.0
        if self._types[column] == "DB_TYPE_NUMBER":
            whole = column in self._whole_numbers
            shares = value_shares(self.raw, *named, column, whole=whole)
            self._shares = [(value, share * (1 - nulls)) for value, share in shares]
        return TableStatistics(
            rows=rows,
            pages=self._blocks,
            changed=changed_rows(self.raw, *named),
            null_share=nulls,
            values=len(self._shares),
        )

    def value_shares(self, table: TableName, column: str) -> list[tuple[Any, float]]:
        return list(self._shares)

    def sample_clause(self, percent: float) -> str:
        # Of whole blocks, where they are known to be many: a sample of rows reads every block.
        return f"SAMPLE {'BLOCK ' if self._blocks else ''}({max(percent, 0.000001):.6f})"

    def storage_places(self, table: TableName) -> StoragePlaces:
        found = self._resolved(table) or table
        dialect = self.connection.dialect
        with self.errors():
            return places(
                self.raw, *found.in_catalog(dialect), found.quote(dialect), at_moment=bool(self.moment)
            )

    def is_by_storage(self, part: Partition) -> bool:
        return part.column == COLUMN and COLUMN not in self.columns  # a query may return such a column

    def read_stored(self, table: TableName, part: Partition) -> None:
        found = self._resolved(table) or table
        named = found.in_catalog(self.connection.dialect)
        with self.errors():
            self._stored = condition(self.raw, *named, part, at_moment=bool(part.moment))
        self._write_query()

    def newest_moment(self) -> str:
        with self.errors():
            return super().newest_moment()

    def read_as_of(self, moment: str) -> None:
        self._as_of = as_of(moment)
        self.moment = moment
        self._write_query()

    def _resolved(self, table: TableName) -> TableName | None:
        with reading(self.connection):
            return table.resolve(sa.inspect(self.connection))

    @property
    def version(self) -> tuple[int, ...]:
        """The version of the server."""
        return tuple(int(part) for part in str(self.raw.version).split("."))

    def _write_query(self) -> None:
        """Add the moment and the condition on its rows to the query of a table."""
        self._table = self._table or self.query
        self.query = self._table.narrowed(self._as_of, self._stored)
