"""What can be known before the first row: the columns, the tables, the fingerprint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from operator import itemgetter

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.batches import Row
from airflow_checkpoint_provider.engine.errors import ArgumentError
from airflow_checkpoint_provider.engine.events import TablesMatched
from airflow_checkpoint_provider.engine.load import Load
from airflow_checkpoint_provider.engine.names import TableName, match_column
from airflow_checkpoint_provider.engine.session import Session
from airflow_checkpoint_provider.engine.spec import TransferSpec
from airflow_checkpoint_provider.engine.strategy import Strategy


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


def match_tables(spec: TransferSpec, session: Session, columns: Columns) -> TablesMatched:
    """Say what is read and what is written."""
    source, destination = session.source, session.destination
    table = TableName.parse(spec.source_table, argument="source_table") if spec.source_table else None
    return TablesMatched(
        source_table=in_schema(table, source.connection) if table else None,
        source_schema=default_schema(source.connection),
        query=source.query.text,
        read=tuple(columns.read),
        destination_table=in_schema(destination.table, destination.connection),
        # As the table spells them, where it has been looked at.
        written=tuple(destination.columns or columns.written),
    )


def in_schema(table: TableName, connection: sa.Connection) -> str:
    """Name a table with the schema that it is in when none is given, where the database has schemas."""
    dialect = connection.dialect
    if dialect.name == "sqlite":
        return str(table)
    schema, name = table.in_catalog(dialect)
    schema = schema or default_schema(connection)
    return f"{schema}.{name}" if schema else name


def default_schema(connection: sa.Connection) -> str | None:
    """Return the schema of tables that are named without one, as the catalog spells it."""
    schema = connection.dialect.default_schema_name
    return TableName("", schema).in_catalog(connection.dialect)[0] if schema else None


def describe_load(spec: TransferSpec, session: Session, strategy: Strategy, columns: Columns) -> Load:
    """Write down what a later attempt must find unchanged to go on."""
    source, destination = session.source, session.destination
    parameters = (
        sha256(repr(spec.parameters).encode(errors="backslashreplace")).hexdigest()[:16]
        if spec.parameters
        else ""
    )
    return Load(
        strategy=strategy.name,
        key_columns=tuple(strategy.columns),
        fingerprint={
            "query": source.query.text,
            # Only a digest: a parameter may be a secret.
            "parameters": parameters,
            "source": source.conn_id,
            "destination": destination.conn_id,
            "table": str(destination.table),
            "columns": f"{', '.join(source.columns)} into {', '.join(columns.written)}",
            "strategy": strategy.name,
            "key": ", ".join(strategy.columns),
            # What is staged is lost to an attempt that writes elsewhere.
            **({"stage": "a table next to the destination"} if spec.stages else {}),
            **({"partition": spec.part.as_text()} if spec.part else {}),
        },
        source_conn_id=source.conn_id,
        destination_conn_id=destination.conn_id,
        destination_table=str(destination.table),
    )
