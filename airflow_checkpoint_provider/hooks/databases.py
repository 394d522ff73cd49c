"""From an Airflow connection to a database that the engine can open."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow.providers.common.compat.sdk import AirflowException, AirflowNotFoundException, BaseHook
from airflow.providers.common.sql.hooks.sql import DbApiHook

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.limits import Limits
from airflow_checkpoint_provider.engine.databases.registry import limit_connecting
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, UnsupportedDatabaseError, one_line
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


class _OfTeam:
    """Replaces the ``get_connection`` of a hook, which takes no team."""

    def __init__(self, team: str) -> None:
        self._team = team
        self.asked = False

    def __call__(self, conn_id: str) -> Any:
        from airflow_checkpoint_provider.hooks.airflow_internals.tables import connection_of_team

        self.asked = True
        return connection_of_team(conn_id, self._team)


def get_db_hook(
    conn_id: str, argument: str, hook_params: dict[str, Any] | None = None, team: str | None = None
) -> DbApiHook:
    """
    Return the hook of a connection to a SQL database.

    :param conn_id: the Airflow connection
    :param argument: the argument to name in an error
    :param hook_params: passed to the hook's constructor
    :param team: outside of tasks, the team whose connection it is
    :raises ArgumentError: when there is no such connection, or it is not one to a SQL database, or there are no teams
    """
    try:
        connection = _connection(conn_id, team)
    except AirflowNotFoundException as error:
        whose = f", of team {team!r} or of none" if team else ""
        raise ArgumentError(f"{argument}: there is no Airflow connection {conn_id!r}{whose}.") from error
    try:
        hide_secrets_of(connection, hook_params)
        hook = connection.get_hook(hook_params=hook_params)
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
    if team:
        hook.get_connection = _OfTeam(team)
    return hook


def _connection(conn_id: str, team: str | None) -> Any:
    if not team:
        return BaseHook.get_connection(conn_id)
    # Here, so that a task does not import Airflow's tables.
    from airflow_checkpoint_provider.hooks.airflow_internals.tables import connection_of_team, has_teams

    if not has_teams():
        raise ArgumentError(
            f"team: {team!r} is given, and there are no teams here ([core] multi_team is off)."
        )
    return connection_of_team(conn_id, team)


def _way_out(conn_type: str | None) -> str:
    """Return how to get the hook of a type of connection; only packages that Airflow publishes are named."""
    if conn_type in _EXTRAS:
        extra = f"'airflow-checkpoint-provider[{conn_type}]'"
        return f"install {_PROVIDERS[conn_type]} where Airflow runs (pip install {extra}), and restart it"
    if conn_type in _PROVIDERS:
        return f"install {_PROVIDERS[conn_type]} where Airflow runs, and restart it"
    return "give a connection to a SQL database, and install its provider"


def open_database(
    conn_id: str,
    argument: str,
    hook_params: dict[str, Any] | None = None,
    team: str | None = None,
    limits: Limits | None = None,
) -> Database:
    """
    Return the database of a connection, to be opened through its hook.

    :param limits: how long it may take to connect, and to answer where it is only read
    """
    return database_of(get_db_hook(conn_id, argument, hook_params, team), conn_id, limits)


def database_of(hook: DbApiHook, conn_id: str, limits: Limits | None = None) -> Database:
    """
    Return the database that a hook connects to: the only place that makes one, so that all callers open it alike.

    :param conn_id: the hook's Airflow connection
    :param limits: how long it may take to connect, and to answer where it is only read
    """
    given = vars(hook).get("get_connection")
    if limits:
        limit_connecting(hook, limits.connect)

    def connect() -> Any:
        connection = hook.get_conn()
        if isinstance(given, _OfTeam) and not given.asked:
            connection.close()
            raise UnsupportedDatabaseError(
                f"{type(hook).__name__} does not ask for the connection of a team, and may have opened another one."
            )
        if hook.supports_autocommit and hook.get_autocommit(connection):
            hook.set_autocommit(connection, False)
        return connection

    def extra() -> Any:
        return hook.get_connection(conn_id).extra_dejson

    return Database(conn_id, connect, partial(_scheme, hook), limits, extra)


def database_for_plan(
    conn_id: str,
    argument: str,
    hook_params: dict[str, Any] | None = None,
    team: str | None = None,
    limits: Limits | None = None,
) -> Database:
    """Return a database as :func:`open_database` does; what that refuses is refused when it is opened."""
    try:
        return open_database(conn_id, argument, hook_params, team, limits)
    except ArgumentError as error:
        refused = error

    def refuse() -> Any:
        raise refused

    return Database(conn_id, refuse)


def _scheme(hook: DbApiHook) -> str | None:
    """Return the name of the hook's database in SQLAlchemy, if the hook has one."""
    try:
        return hook.sqlalchemy_url.drivername
    except Exception:  # most hooks have none, and raise various errors
        return None
