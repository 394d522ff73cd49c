"""Ways to read a query, one file per family of databases."""

from __future__ import annotations

from typing import Protocol

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.generic.destination import AnsiDestination
from airflow_checkpoint_provider.engine.databases.identifiers import TableName
from airflow_checkpoint_provider.engine.databases.mysql.destination import MysqlDestination
from airflow_checkpoint_provider.engine.databases.mysql.scripts import TOKENS as MYSQL
from airflow_checkpoint_provider.engine.databases.mysql.source import MysqlSource
from airflow_checkpoint_provider.engine.databases.oracle.destination import OracleDestination
from airflow_checkpoint_provider.engine.databases.oracle.source import OracleSource
from airflow_checkpoint_provider.engine.databases.postgres.destination import PostgresDestination
from airflow_checkpoint_provider.engine.databases.postgres.source import PostgresSource
from airflow_checkpoint_provider.engine.databases.query import TOKENS, Parameters, Query
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.sqlite.destination import SqliteDestination
from airflow_checkpoint_provider.engine.databases.sqlite.source import SqliteSource
from airflow_checkpoint_provider.engine.model.errors import SourceError


def open_source(connection: sa.Connection, query: Query, conn_id: str, *, exact: bool) -> Source:
    """
    Choose how to read.

    :param exact: rows are passed on untouched, so values may come as text where Python would round them
    """
    if connection.dialect.name == "postgresql":
        return PostgresSource(connection, query, conn_id, exact=exact)
    kinds = {"mysql": MysqlSource, "oracle": OracleSource, "sqlite": SqliteSource}
    return kinds.get(connection.dialect.name, Source)(connection, query, conn_id)


class Asked(Protocol):
    """What names a query, or a table instead of it."""

    @property
    def sql(self) -> str | None: ...

    @property
    def source_table(self) -> str | None: ...

    @property
    def parameters(self) -> Parameters: ...


def query_of(spec: Asked, connection: sa.Connection) -> Query:
    """
    Return the query to read.

    :raises SourceError: when the table does not exist
    """
    if spec.source_table is None:
        return Query.parse(
            spec.sql or "", spec.parameters, MYSQL if connection.dialect.name == "mysql" else TOKENS
        )
    table = TableName.parse(spec.source_table, argument="source_table")
    with reading(connection):
        found = table.resolve(sa.inspect(connection))
    if found is None:
        raise SourceError(
            f"source_table: there is no table {table} at the source; check the schema and the spelling."
        )
    return Query(f"SELECT * FROM {found.quote(connection.dialect)}")


def open_destination(
    connection: sa.Connection, table: TableName, conn_id: str, write_mode: str
) -> Destination:
    """
    Choose how to write.

    :raises DestinationError: when the table does not exist
    """
    kinds = {
        "mysql": MysqlDestination,
        "oracle": OracleDestination,
        "postgresql": PostgresDestination,
        "sqlite": SqliteDestination,
    }
    return kinds.get(connection.dialect.name, AnsiDestination)(connection, table, conn_id, write_mode)
