"""Row level security: policies that hide rows from a role, without an error unless the session asks for one."""

from __future__ import annotations

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import raw_connection, reading

SEES_ALL_ROWS = (
    "SELECT set_config('row_security', 'off', false) FROM pg_settings"
    " WHERE name = 'row_security' AND source <> 'client'"
)
"""Has the server refuse a query from which a policy would hide rows, unless the connection has set this itself."""

SEES_ALL_ROWS_NOW = "SET LOCAL row_security = off"
"""The same in one transaction, whatever the connection has set."""

AS_BEFORE = "SET LOCAL row_security TO DEFAULT"

HIDES_ROWS = (
    "row level security hides rows of it from this role, which would stay beside the new ones. Load as a role that "
    "sees all of them (BYPASSRLS, or the owner of the table)"
)


def is_policy(error: BaseException | None) -> bool:
    """Return whether the server refuses a statement because a policy hides rows from it, in any language."""
    return getattr(getattr(error, "diag", None), "source_function", None) == "check_enable_rls"


def keeps_rows(connection: sa.Connection, quoted: str) -> bool:
    """
    Return whether a policy would hide rows from a DELETE of all rows of a table, or of a view.

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
            return is_policy(error)  # the other facts report any other reason
        finally:
            asking.rollback()
    return False
