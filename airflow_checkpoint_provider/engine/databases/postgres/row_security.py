"""Row level security: policies that hide rows from a role, without an error unless the session asks for one."""

from __future__ import annotations

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import raw_connection, reading

SEES_ALL_ROWS = (
    "SELECT set_config('row_security', 'off', false) FROM pg_settings"
    " WHERE name = 'row_security' AND source <> 'client'"
)
"""The server refuses a query from which a policy would hide rows, unless the connection has asked for such."""

SEES_ALL_ROWS_NOW = "SET LOCAL row_security = off"
"""The same in one transaction, whatever the connection has asked for."""

AS_BEFORE = "SET LOCAL row_security TO DEFAULT"

HIDES_ROWS = (
    "row level security hides rows of it from this role, which would stay beside the new ones. Load as a role that "
    "sees all of them (BYPASSRLS, or the owner of the table)"
)


def is_policy(error: BaseException | None) -> bool:
    """Tell whether the server refuses a statement because a policy hides rows from it, in whichever language."""
    return getattr(getattr(error, "diag", None), "source_function", None) == "check_enable_rls"


def keeps_rows(connection: sa.Connection, quoted: str) -> bool:
    """
    Ask whether a policy would leave out rows when all of a table, or of what is behind a view, are deleted.

    :param quoted: the whole name, as it stands in a statement
    """
    raw = raw_connection(connection)
    with reading(connection):
        asking = connection.begin_nested()
        try:
            with raw.cursor() as cursor:
                cursor.execute(SEES_ALL_ROWS_NOW)
                cursor.execute(f"EXPLAIN DELETE FROM {quoted}")
        except connection.dialect.loaded_dbapi.Error as error:
            return is_policy(error)  # what else is wrong, the other facts tell
        finally:
            asking.rollback()
    return False
