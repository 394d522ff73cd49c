"""The hook of a database of which only the driver is known."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.sql.hooks.sql import DbApiHook
from airflow.sdk import Connection

from tests.support.databases.unknown import CONN_TYPE, connect

_get_hook = Connection.get_hook


class UnknownHook(DbApiHook):
    """Opens a connection, and has no other ability."""

    conn_name_attr = "unknown_conn_id"
    default_conn_name = "unknown_default"
    supports_autocommit = False

    def get_conn(self) -> Any:
        return connect(self.get_connection(self.get_conn_id()).extra_dejson["place"])


def get_hook(connection: Connection, *, hook_params: dict[str, Any] | None = None) -> Any:
    """Return the hook of a connection, as Airflow does for a type with a hook in a provider."""
    if connection.conn_type == CONN_TYPE:
        return UnknownHook(unknown_conn_id=connection.conn_id, **(hook_params or {}))
    return _get_hook(connection, hook_params=hook_params)
