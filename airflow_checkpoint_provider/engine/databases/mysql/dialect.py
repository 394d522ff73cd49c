"""Everything that the engine asks about MySQL and MariaDB."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from airflow_checkpoint_provider.engine.databases.mysql.drivers import (
    LOCK_WAIT_TIMEOUT,
    _module,
    error_number,
    is_connector,
)

NO_NAME = frozenset((1059, 1102, 1103, 1300))  # too long, or not what a table or a database may be called


# The transaction is gone, or the connection is: going on from the checkpoint is the way out.
_PASSING = frozenset(
    (
        *(1053, 1927, 2006, 2013, 2014, 2045, 2048, 2055, 4031),  # shut down, killed, gone away, lost, idle
        *(LOCK_WAIT_TIMEOUT, 1213),  # a lock that did not come, a deadlock
    )
)


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
        raw.cursorclass = _module(raw, "cursors").Cursor
        raw.set_character_set("utf8mb4")
        raw.autocommit(False)
    with closing(raw.cursor()) as cursor:
        for setting in (*_SETTINGS, f"innodb_lock_wait_timeout = {max(int(lock_timeout), 1)}"):
            cursor.execute(f"SET SESSION {setting}")
        level = "READ COMMITTED" if for_writing and not _logs_statements(cursor) else "REPEATABLE READ"
        cursor.execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
    raw.commit()


def is_passing(error: BaseException) -> bool:
    """Tell whether an error ends a transaction or a connection, and may well not come again."""
    return error_number(error) in _PASSING


def _logs_statements(cursor: Any) -> bool:
    """Tell whether the server keeps a log of statements, which READ COMMITTED does not go with."""
    cursor.execute("SELECT @@log_bin, @@binlog_format")
    logs, form = cursor.fetchone()
    return bool(logs) and str(form).upper() == "STATEMENT"


_MYSQL = frozenset(
    (
        *(1048, 1062, 1169, 1557, 1586, 3819, 4025),  # NULL, unique, CHECK
        *(1216, 1217, 1451, 1452),  # foreign keys
        *(1264, 1265, 1292, 1300, 1366, 1367, 1406, 1411, 1441, 1690),  # range, cut, no such value
        *(1118, 1416, 1526, 3140, 3141, 3156, 4038),  # too long, no geometry, no partition, no JSON
        *(1242, 1644),  # caught by another unique index than the upsert's; a trigger's SIGNAL
    )
)
