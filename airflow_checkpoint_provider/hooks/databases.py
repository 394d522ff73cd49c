"""From an Airflow connection to a database that the engine can open."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow.providers.common.compat.sdk import AirflowException, AirflowNotFoundException, BaseHook
from airflow.providers.common.sql.hooks.sql import DbApiHook

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, one_line
from airflow_checkpoint_provider.hooks.secrets import hide_secrets_of

_EXTRAS = ("mysql", "oracle", "postgres", "sqlite")
_PROVIDERS = {name: f"apache-airflow-providers-{name}" for name in _EXTRAS} | {
    "databricks": "apache-airflow-providers-databricks",
    "drill": "apache-airflow-providers-apache-drill",
    "druid": "apache-airflow-providers-apache-druid",
    "exasol": "apache-airflow-providers-exasol",
    "gcpbigquery": "apache-airflow-providers-google",
    "hiveserver2": "apache-airflow-providers-apache-hive",
    "impala": "apache-airflow-providers-apache-impala",
    "jdbc": "apache-airflow-providers-jdbc",
    "mssql": "apache-airflow-providers-microsoft-mssql",
    "odbc": "apache-airflow-providers-odbc",
    "pinot": "apache-airflow-providers-apache-pinot",
    "presto": "apache-airflow-providers-presto",
    "redshift": "apache-airflow-providers-amazon",
    "snowflake": "apache-airflow-providers-snowflake",
    "teradata": "apache-airflow-providers-teradata",
    "trino": "apache-airflow-providers-trino",
    "vertica": "apache-airflow-providers-vertica",
    "ydb": "apache-airflow-providers-ydb",
}


def get_db_hook(conn_id: str, argument: str, hook_params: dict[str, Any] | None = None) -> DbApiHook:
    """
    Return the hook of a connection to a SQL database.

    :param conn_id: the Airflow connection
    :param argument: the argument to name in an error
    :param hook_params: passed to the hook's constructor
    :raises ArgumentError: when there is no such connection, or it is not one to a SQL database
    """
    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as error:
        raise ArgumentError(f"{argument}: there is no Airflow connection {conn_id!r}.") from error
    try:
        hide_secrets_of(connection, hook_params)
        hook = connection.get_hook(hook_params=hook_params)  # type: ignore[no-untyped-call]
    except AirflowException as error:
        raise ArgumentError(
            f"{argument}: connection {conn_id!r} is of type {connection.conn_type!r}, which has no hook here "
            f"({one_line(error)}); {_way_out(connection.conn_type)}."
        ) from error
    except TypeError as error:
        params = argument.replace("conn_id", "hook_params")
        raise ArgumentError(
            f"{params}: the hook of connection {conn_id!r} does not take them ({one_line(error)})."
        ) from error
    if not isinstance(hook, DbApiHook):
        raise ArgumentError(
            f"{argument}: connection {conn_id!r} is of type {connection.conn_type!r}, whose {type(hook).__name__} "
            "is not a DbApiHook; give a connection to a SQL database."
        )
    return hook


def _way_out(conn_type: str | None) -> str:
    """Return how to get the hook of a type of connection; only packages that Airflow publishes are named."""
    if conn_type in _EXTRAS:
        extra = f"'airflow-checkpoint-provider[{conn_type}]'"
        return f"install {_PROVIDERS[conn_type]} where Airflow runs (pip install {extra}), and restart it"
    if conn_type in _PROVIDERS:
        return f"install {_PROVIDERS[conn_type]} where Airflow runs, and restart it"
    return "give a connection to a SQL database, and install its provider"


def open_database(conn_id: str, argument: str, hook_params: dict[str, Any] | None = None) -> Database:
    """Return the database of a connection, to be opened through its hook."""
    return database_of(get_db_hook(conn_id, argument, hook_params), conn_id)


def database_of(hook: DbApiHook, conn_id: str) -> Database:
    """
    Return the database that a hook connects to: the only place that makes one, so that all who open it see the same.

    :param conn_id: the hook's Airflow connection
    """

    def connect() -> Any:
        connection = hook.get_conn()
        if hook.supports_autocommit and hook.get_autocommit(connection):
            hook.set_autocommit(connection, False)
        return connection

    return Database(conn_id, connect, partial(_scheme, hook))


def _scheme(hook: DbApiHook) -> str | None:
    """Return what the hook calls its database in SQLAlchemy, if it says so."""
    try:
        return hook.sqlalchemy_url.drivername
    except Exception:  # most hooks do not, each in its own way
        return None
