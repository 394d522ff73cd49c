"""Ways to write rows, one file per family of databases."""

from __future__ import annotations

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.destinations.ansi import AnsiDestination
from airflow_checkpoint_provider.engine.destinations.dbapi import Destination
from airflow_checkpoint_provider.engine.destinations.mysql import MysqlDestination
from airflow_checkpoint_provider.engine.destinations.oracle import OracleDestination
from airflow_checkpoint_provider.engine.destinations.postgres import PostgresDestination
from airflow_checkpoint_provider.engine.destinations.sqlite import SqliteDestination
from airflow_checkpoint_provider.engine.names import TableName


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
