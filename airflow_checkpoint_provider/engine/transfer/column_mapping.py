"""What can be known before the first row: the columns, the tables, the fingerprint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter

from airflow_checkpoint_provider.engine.databases.blocks import Row
from airflow_checkpoint_provider.engine.databases.identifiers import match_column
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.transfer.session import Session
from airflow_checkpoint_provider.engine.transfer.spec import TransferSpec


@dataclass(frozen=True)
class Columns:
    """
    From what the query returns to what is written.

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
                f"partition: write_mode='replace' deletes the rows of the part by {column}, which is not among the "
                f"columns that are written ({', '.join(self.written)}). Write it, or use 'upsert'."
            )
        return pairs[found]
