"""The fingerprint of a load: the tables and columns that a later attempt must find unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.model.checkpoint import (
    AS_OF,
    PARTITION,
    RESOLVED,
    STAGE,
    CatalogName,
    Load,
)
from airflow_checkpoint_provider.engine.model.checks import ID_LENGTH
from airflow_checkpoint_provider.engine.model.events.transfer import TablesMatched
from airflow_checkpoint_provider.engine.model.known_columns import COLUMN_LIST, KnownColumns
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.engine.model.stored_text import comparable, digest_of
from airflow_checkpoint_provider.engine.store.neighbours import Emptied
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns
from airflow_checkpoint_provider.engine.transfer.session import Session
from airflow_checkpoint_provider.engine.transfer.strategies.choose import Strategy


def match_tables(spec: TransferSpec, session: Session, columns: Columns) -> TablesMatched:
    """Return the tables and columns that are read and written."""
    source, destination = session.source, session.destination
    table = TableName.parse(spec.source_table, argument="source_table") if spec.source_table else None
    return TablesMatched(
        source_table=in_schema(table, source.connection) if table else None,
        source_schema=default_schema(source.connection),
        query=source.query.text,
        read=tuple(columns.read),
        destination_table=in_schema(destination.table, destination.connection),
        # As the table spells them, where its columns have been read.
        written=tuple(destination.columns or columns.written),
    )


def in_schema(table: TableName, connection: sa.Connection) -> str:
    """Return the name of a table with its schema, given or default, where the database has schemas."""
    dialect = connection.dialect
    if not dialect_of(connection).has_schemas:
        return str(table)
    schema, name = table.in_catalog(dialect)
    schema = schema or default_schema(connection)
    return f"{schema}.{name}" if schema else name


def written_names(destination: Destination) -> tuple[str, ...]:
    """Return the names that loads may have given for a destination's table, with and without schema."""
    table = destination.table
    whole = in_schema(table, destination.connection)
    default = default_schema(destination.connection)
    bare = (table.table,) if table.schema in (None, default) else ()
    return tuple(dict.fromkeys((str(table), whole, *bare)))


def in_catalog(table: TableName, connection: sa.Connection) -> CatalogName:
    """Return the name of a table as the catalog has it, the same for all loads of it."""
    dialect = dialect_of(connection)
    schema, name = table.in_catalog(connection.dialect)
    if not dialect.has_schemas:
        return CatalogName(table=name[:ID_LENGTH])
    database = None
    if dialect.database_query:
        with reading(connection):
            database = str(connection.exec_driver_sql(dialect.database_query).scalar_one())
    return CatalogName(database, schema or default_schema(connection), name[:ID_LENGTH])


def resolved_table(destination: Destination, *, with_database: bool) -> str | None:
    """
    Return the table that the destination's name means in its session; ``None`` where there is none.

    :param with_database: include the database, because the checkpoint is in another one
    """
    connection = destination.connection
    with reading(connection):
        found = destination.table.resolve(sa.inspect(connection))
        if found is None:
            return None
        name = meant_name(found, connection)
        database = dialect_of(connection).database_name(connection) if with_database else None
    return f"{database}.{name}" if database else name


def meant_name(table: TableName, connection: sa.Connection) -> str:
    """Return the one name of an existing table, however it is spelt, within the database of the connection."""
    dialect = connection.dialect
    schema, name = table.in_catalog(dialect)
    meant = dialect_of(connection).meant_table(connection, name, schema, table.quote(dialect))
    return meant or in_schema(table, connection)


def emptied_table(
    destination: Destination,
    *,
    separate: bool,
    part: Partition | None = None,
    slices: frozenset[str] = frozenset(),
) -> Emptied:
    """
    Describe a table for the store before its rows are deleted.

    :param separate: the checkpoint is in another database
    :param part: the partition whose rows are deleted, if not all are
    :param slices: a digest of each statement that deletes some rows, if not all are deleted
    """
    return Emptied(
        resolved_table(destination, with_database=separate),
        written_names(destination),
        destination.conn_id if separate else None,
        part,
        slices,
    )


def default_schema(connection: sa.Connection) -> str | None:
    """Return the schema of tables that are named without one, as the catalog spells it."""
    schema = connection.dialect.default_schema_name
    return TableName("", schema).in_catalog(connection.dialect)[0] if schema else None


def describe_columns(described: Sequence[str], written: Sequence[str]) -> str:
    """
    Return the part of a fingerprint about the columns.

    :param described: columns of the query
    """
    return f"{', '.join(described)} into {', '.join(written)}"


def describe_load(
    spec: TransferSpec,
    session: Session,
    strategy: Strategy,
    columns: Columns,
    types: Mapping[str, str] = MappingProxyType({}),
) -> Load:
    """
    Return the load, which a later attempt must find unchanged to resume.

    :param types: of the source's columns, where a later attempt is to notice that they have become wider
    """
    source, destination = session.source, session.destination
    described = [name for name in source.columns if name not in columns.ignored]
    known = KnownColumns({name: types.get(name, "") for name in columns.read})
    meant = resolved_table(destination, with_database=session.separate)
    return Load(
        strategy=strategy.name,
        key_columns=tuple(strategy.columns),
        fingerprint={
            "query": comparable(source.query.text),
            "parameters": digest_of(spec.parameters),
            "source": source.conn_id,
            "destination": destination.conn_id,
            "table": str(destination.table),
            "columns": describe_columns(described, columns.written),
            COLUMN_LIST: known.as_text(),
            "strategy": strategy.name,
            "key": ", ".join(strategy.columns),
            # Staged rows are lost to an attempt that writes elsewhere.
            **({STAGE: "a table next to the destination"} if spec.stages else {}),
            **({RESOLVED: meant} if meant else {}),
            **({PARTITION: spec.part.as_text()} if spec.part else {}),
            **({AS_OF: spec.moment or spec.as_of} if spec.as_of else {}),
        },
        source_conn_id=source.conn_id,
        destination_conn_id=destination.conn_id,
        destination_table=str(destination.table),
        catalog=in_catalog(destination.table, destination.connection),
    )
