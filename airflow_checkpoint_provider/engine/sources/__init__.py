"""Ways to read a query, one file per family of databases."""

from __future__ import annotations

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.query import Query
from airflow_checkpoint_provider.engine.sources.dbapi import Source
from airflow_checkpoint_provider.engine.sources.mysql import MysqlSource
from airflow_checkpoint_provider.engine.sources.oracle import OracleSource
from airflow_checkpoint_provider.engine.sources.postgres import PostgresSource
from airflow_checkpoint_provider.engine.sources.sqlite import SqliteSource


def open_source(connection: sa.Connection, query: Query, conn_id: str, *, exact: bool) -> Source:
    """
    Choose how to read.

    :param exact: rows are passed on untouched, so values may come as text where Python would round them
    """
    if connection.dialect.name == "postgresql":
        return PostgresSource(connection, query, conn_id, exact=exact)
    kinds = {"mysql": MysqlSource, "oracle": OracleSource, "sqlite": SqliteSource}
    return kinds.get(connection.dialect.name, Source)(connection, query, conn_id)
