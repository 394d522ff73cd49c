"""The columns of a transfer: those of the query, and the destination's columns for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.rows.blocks import Row
from airflow_checkpoint_provider.engine.databases.statements.identifiers import match_column
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.session import Session


def computed_by_both(session: Session) -> set[str]:
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
    :param ignored: columns of the query that are new, and are left out
    """

    read: list[str]
    written: list[str]
    pick: Callable[[Row], Row] | None = None
    ignored: tuple[str, ...] = ()

    def without(self, names: Collection[str]) -> Columns:
        """Return the pairs without those of some columns of the query, for checks of the destination."""
        pairs = [pair for pair in zip(self.read, self.written, strict=True) if pair[0] not in names]
        return Columns([read for read, _ in pairs], [written for _, written in pairs])

    def __post_init__(self) -> None:
        if not self.written:
            raise ArgumentError(
                "destination_columns: there is no column to write: the source has none, or both servers compute them."
            )

    @classmethod
    def of(cls, spec: TransferSpec, session: Session, ignored: Collection[str] = ()) -> Columns:
        """
        Pair the columns.

        :param ignored: columns of the query that are new, and are left out
        """
        source, wanted = session.source, spec.destination_columns
        if isinstance(wanted, Mapping):
            found = source.find_columns(list(wanted), "destination_columns")
            return cls._picked(source.columns, found, list(wanted.values()))
        left_out = {*ignored, *(computed_by_both(session) if wanted is None else ())}
        read = [name for name in source.columns if name not in left_out]
        written = read if wanted is None else list(wanted)
        if not spec.rows_processor and len(written) != len(read):
            raise source.wrong_width(written)
        picked = cls._picked(source.columns, read, list(written))
        return replace(picked, ignored=tuple(name for name in source.columns if name in ignored))

    @classmethod
    def _picked(cls, columns: Sequence[str], read: list[str], written: list[str]) -> Columns:
        indexes = [columns.index(name) for name in read]
        if indexes == list(range(len(columns))):
            return cls(read, written)
        if len(indexes) == 1:
            only = indexes[0]
            return cls(read, written, lambda row: (row[only],))
        return cls(read, written, itemgetter(*indexes))

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
