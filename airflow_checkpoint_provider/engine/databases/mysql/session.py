"""The state that a session of MySQL or MariaDB has while the engine uses it."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from airflow_checkpoint_provider.engine.databases.mysql.drivers import is_connector, module_of

_SETTINGS = (
    # As in Airflow: TIMESTAMP columns hold instants, which another zone could not show in its hour of DST.
    "time_zone = '+00:00'",
    # Nothing is cut or replaced to make it fit, and 0 in an AUTO_INCREMENT column stays 0.
    "sql_mode = CONCAT_WS(',', NULLIF(@@sql_mode, ''), 'STRICT_ALL_TABLES', 'NO_AUTO_VALUE_ON_ZERO')",
    # One side waits while the other one works.
    "wait_timeout = GREATEST(@@wait_timeout, 28800)",
    "net_write_timeout = GREATEST(@@net_write_timeout, 28800)",
)


def prepare(raw: Any, lock_timeout: float, *, for_writing: bool) -> None:
    """
    Bring a new connection to the state that the engine counts on.

    :param lock_timeout: seconds to wait for a row that another transaction holds
    :param for_writing: another attempt's update is waited for and then seen, instead of one snapshot
    """
    if is_connector(raw):
        raw.set_charset_collation("utf8mb4")
        raw.autocommit = False
    else:
        # Extras of the Airflow connection may ask for dictionaries, and for an alphabet without emoji.
        raw.cursorclass = module_of(raw, "cursors").Cursor
        raw.set_character_set("utf8mb4")
        raw.autocommit(False)
    with closing(raw.cursor()) as cursor:
        for setting in (*_SETTINGS, f"innodb_lock_wait_timeout = {max(int(lock_timeout), 1)}"):
            cursor.execute(f"SET SESSION {setting}")
        level = "READ COMMITTED" if for_writing and not _logs_statements(cursor) else "REPEATABLE READ"
        cursor.execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
    raw.commit()


def _logs_statements(cursor: Any) -> bool:
    """Tell whether the server keeps a log of statements, which READ COMMITTED does not go with."""
    cursor.execute("SELECT @@log_bin, @@binlog_format")
    logs, form = cursor.fetchone()
    return bool(logs) and str(form).upper() == "STATEMENT"
