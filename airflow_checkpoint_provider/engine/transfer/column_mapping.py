"""The columns of a transfer: those of the query, and the destination's columns for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.rows.blocks import Row
from airflow_checkpoint_provider.engine.databases.statements.identifiers import match_column
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.session import Session


def _computed_by_both(session: Session) -> set[str]:
    """Return the columns of a table that its server computes, and the destination's server as well."""
    generated = session.source.query.table.generated
    if not generated:
        return set()
    destination = session.destination
    connection = destination.connection
    with reading(connection):
        found = destination.table.resolve(sa.inspect(connection))
    if found is None:  # the preoperator may create it
        return set()
    schema, table = found.in_catalog(connection.dialect)
    quoted = found.quote(connection.dialect)
    there = list(destination.dialect.table_columns(connection, table, schema, quoted).generated)
    return {name for name in session.source.columns if name in generated and match_column(name, there)}


@dataclass(frozen=True)
class Columns:
    """
    The mapping of the query's columns to the written ones.

    :param read: columns of the query whose values are written
    :param written: destination columns, one for each
    :param pick: takes the values to write out of a row, or ``None`` where the row is written whole
    """

    read: list[str]
    written: list[str]
    pick: Callable[[Row], Row] | None = None

    @classmethod
    def of(cls, spec: TransferSpec, session: Session) -> Columns:
        source = session.source
        wanted = spec.destination_columns
        if wanted is None and (computed := _computed_by_both(session)):
            wanted = {name: name for name in source.columns if name not in computed}
        if wanted is None:
            return cls(source.columns, list(source.columns))
        if not isinstance(wanted, Mapping):
            if not spec.rows_processor and len(wanted) != len(source.columns):
                raise source.wrong_width(list(wanted))
            return cls(source.columns, list(wanted))
        found = source.find_columns(list(wanted), "destination_columns")
        indexes = [source.columns.index(name) for name in found]
        if indexes == list(range(len(source.columns))):
            return cls(found, list(wanted.values()))
        if len(indexes) == 1:
            only = indexes[0]
            return cls(found, list(wanted.values()), lambda row: (row[only],))
        return cls(found, list(wanted.values()), itemgetter(*indexes))

    def written_as(self, column: str) -> str:
        """
        Return the destination column that holds a column of the query.

        :raises ArgumentError: when it is not written
        """
        pairs = (
            dict(zip(self.read, self.written, strict=False)) if len(self.read) == len(self.written) else {}
        )
        found = match_column(column, list(pairs))
        if found is None:
            raise ArgumentError(
                f"partition: write_mode='replace' deletes the rows of the partition by {column}, which is not among "
                f"the columns that are written ({', '.join(self.written)}). Write it, or use 'upsert'."
            )
        return pairs[found]
