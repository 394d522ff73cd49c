"""
The state that a session of MySQL or MariaDB has while the engine uses it.

What each variable of the server would do to a load, as set globally or by the connection:

============================================  ==========================================================  =============
variable                                      what it would do                                            here
============================================  ==========================================================  =============
sql_select_limit                              return some of the rows                                     no limit
max_recursive_iterations (MariaDB)            end a recursive query early, with a warning                 no limit
system_versioning_asof (MariaDB)              return the rows of another day                              now
sql_auto_is_null                              find the row that was inserted last by ``IS NULL``          off
max_sort_length                               sort by the first bytes, and compare by all                 131,072 [1]_
group_concat_max_len                          cut a list, with a warning                                  no limit
sql_mode: EMPTY_STRING_IS_NULL                read and write NULL for ``''``                              taken out
sql_mode: PAD_CHAR_TO_FULL_LENGTH             return blanks that are not there                            taken out
sql_mode: NO_BACKSLASH_ESCAPES                read and write more backslashes than drivers count on       taken out
sql_mode: ALLOW_INVALID_DATES                 take 31 February                                            taken out
sql_mode: NO_FIELD_OPTIONS, NO_KEY_OPTIONS,   describe tables in part                                     taken out
NO_TABLE_OPTIONS
sql_quote_show_create                         describe tables so that names cannot be read                on
sql_mode: without STRICT_ALL_TABLES           cut and replace values to make them fit                     put in
sql_mode: without NO_AUTO_VALUE_ON_ZERO       number a row whose id is 0                                  put in
sql_mode: without NO_ENGINE_SUBSTITUTION      make a table that cannot be rolled back                     put in
sql_mode: ORACLE (MariaDB)                    leave NULL out of concatenated text, round dates            refused
sql_mode: ANSI_QUOTES, PIPES_AS_CONCAT and    what the user's own query means                             left
others
sql_mode: TIME_ROUND_..., TIME_TRUNCATE_...   round fractions of seconds; refused before it is sent       left
time_zone                                     hide an hour of TIMESTAMP in each autumn                    +00:00
character_set_client, _results                replace letters                                             utf8mb4
sql_safe_updates                              refuse to empty a table                                     off
sql_big_selects, max_join_size                refuse a large query                                        on
check_constraint_checks, unique_checks        take rows that a constraint forbids                         on
foreign_key_checks                            as above, and leave out ON DELETE CASCADE                   on [2]_
completion_type                               begin a transaction, or disconnect, at each commit          NO_CHAIN
tx_isolation, autocommit                      not see another attempt's update, commit each statement     fixed
wait_timeout, net_write_timeout,              end the session while the other side works                  8 hours, none
idle_..._transaction_timeout
interactive_timeout                           be the wait_timeout of a client that calls itself so          as above
net_read_timeout (not in MariaDB)             end the session in the middle of a statement that is sent   left [4]_
innodb_lock_wait_timeout                      end the wait for a row, with an error                       the task's
lock_wait_timeout                             end the wait for a table, with an error                     left [4]_
lc_messages, max_error_count                  hide which errors a trigger has raised                      en_US, all
max_statement_time, max_execution_time        end a long read, with an error                              none [3]_
lc_time_names, div_precision_increment,       what the user's own query means                             left
default_week_format
max_allowed_packet                            return NULL for a longer text that the query makes          left
============================================  ==========================================================  =============

.. [1] with a sort buffer for keys of that size; longer keys are found at the end of the range
.. [2] unless the connection itself has set it to off, as in its ``init_command``, and not by ``init_connect``
.. [3] where only checkpoints are read: a minute, or the limit that the connection itself has set
.. [4] the attempt connects again, and sends the batch again
"""

from __future__ import annotations

import math
import re
from contextlib import closing
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.mysql.drivers import is_connector, module_of
from airflow_checkpoint_provider.engine.model.errors import UnsupportedDatabaseError

_TAKEN_OUT = frozenset(
    (
        *("EMPTY_STRING_IS_NULL", "PAD_CHAR_TO_FULL_LENGTH", "NO_BACKSLASH_ESCAPES", "ALLOW_INVALID_DATES"),
        *("NO_FIELD_OPTIONS", "NO_KEY_OPTIONS", "NO_TABLE_OPTIONS"),
        # Each stands for several modes, and would bring back some of those above.
        *("TRADITIONAL", "ANSI", "MSSQL", "DB2", "MAXDB", "POSTGRESQL", "MYSQL323", "MYSQL40"),
    )
)
_PUT_IN = ("STRICT_ALL_TABLES", "NO_AUTO_VALUE_ON_ZERO", "NO_ENGINE_SUBSTITUTION")
_SETTINGS = (
    # As in Airflow: TIMESTAMP columns hold instants, and another zone has an ambiguous hour when DST ends.
    "time_zone = '+00:00'",
    "sql_select_limit = 18446744073709551615",
    "sql_auto_is_null = 0",
    "lc_messages = 'en_US'",
    "max_error_count = 65535",
    "max_sort_length = 131072",
    # The sort buffer has to hold 15 keys at least.
    "sort_buffer_size = GREATEST(@@sort_buffer_size, 4194304)",
    "group_concat_max_len = 1073741824",
    "sql_quote_show_create = 1",
    "sql_safe_updates = 0",
    "sql_big_selects = 1",
    "unique_checks = 1",
    "foreign_key_checks = @@SESSION.foreign_key_checks OR NOT @@GLOBAL.foreign_key_checks"
    " OR INSTR(@@GLOBAL.init_connect, 'foreign_key_checks')",
    "completion_type = 0",
    # One side waits while the other one works.
    "wait_timeout = GREATEST(@@wait_timeout, 28800)",
    "net_write_timeout = GREATEST(@@net_write_timeout, 28800)",
)
# DEFAULT of system_versioning_asof is not the global value, but the present.
_OF_MARIADB = (
    "max_recursive_iterations = 4294967295",
    "system_versioning_asof = DEFAULT",
    "check_constraint_checks = 1",
    "idle_transaction_timeout = 0",
    "idle_readonly_transaction_timeout = 0",
    "idle_write_transaction_timeout = 0",
)


LEAVES_STATE = re.compile(
    r"(?:/ ?\* ?M? ?! ?\d* ?)?"  # a comment that the server runs
    r"(?:SET (?!GLOBAL |PERSIST|PASSWORD|DEFAULT ROLE|STATEMENT |@@GLOBAL\.|@@PERSIST)|USE |LOCK TABLES? |PREPARE "
    r"|HANDLER |CREATE (?:OR REPLACE )?TEMPORARY |FLUSH .*\bWITH READ LOCK"
    r"|(?:SELECT|DO|CALL|WITH) .*(?:\bGET_LOCK ?\(|\bINTO @|@[\w.$]+ ?:=))",
    re.IGNORECASE | re.DOTALL,
)
"""Matches the beginning of a statement whose effect outlasts the transaction; a trigger may read a variable set so."""

# Variables that change by themselves, or that only the server sets.
_CHANGING = frozenset(
    (
        *("timestamp", "insert_id", "last_insert_id", "identity", "rand_seed1", "rand_seed2", "error_count"),
        *("warning_count", "in_transaction", "last_gtid", "pseudo_thread_id", "gtid_executed", "gtid_purged"),
        *("gtid_binlog_pos", "gtid_binlog_state", "gtid_current_pos", "gtid_slave_pos", "server_uuid"),
    )
)


def session_state(connection: sa.Connection) -> dict[str, str]:
    """Return the variables of a session, and its database."""
    found = {
        str(name).lower(): str(value) for name, value in connection.exec_driver_sql("SHOW SESSION VARIABLES")
    }
    database = connection.exec_driver_sql("SELECT DATABASE()").scalar()
    return {
        "the database": str(database),
        **{name: value for name, value in found.items() if name not in _CHANGING},
    }


def prepare(raw: Any, lock_timeout: float, *, for_writing: bool, statement_limit: float = 0) -> float:
    """
    Bring a new connection to the state that the engine relies on.

    :param lock_timeout: seconds to wait for a row that another transaction holds
    :param for_writing: wait for another attempt's update and then see it, instead of reading one snapshot
    :param statement_limit: seconds after which the server ends a statement, 0 for none
    :return: the seconds that apply, which may be the connection's own
    :raises UnsupportedDatabaseError: when ``sql_mode`` is ORACLE
    """
    if is_connector(raw):
        if (
            statement_limit and getattr(raw, "read_timeout", 0) is None
        ):  # the driver asks the server before each statement
            raw.read_timeout = math.ceil(statement_limit) + 1
        raw.set_charset_collation("utf8mb4")
        raw.autocommit = False
    else:
        # Extras of the Airflow connection may ask for dictionaries, and for a character set without emoji.
        raw.cursorclass = module_of(raw, "cursors").Cursor
        raw.set_character_set("utf8mb4")
        raw.autocommit(False)
    with closing(raw.cursor()) as cursor:
        cursor.execute("SELECT VERSION(), @@sql_mode, @@log_bin, @@binlog_format")
        version, mode, logs, form = cursor.fetchone()
        # With a binary log of statements, the server refuses to write in READ COMMITTED.
        logs_statements = bool(logs) and str(form).upper() == "STATEMENT"
        is_mariadb = "MARIADB" in str(version).upper()
        name, in_a_second = ("max_statement_time", 1) if is_mariadb else ("max_execution_time", 1000)
        limit = f"{statement_limit * in_a_second:g}"
        if statement_limit:  # a value that differs from the global one is the connection's own
            limit = f"IF(@@SESSION.{name} <> @@GLOBAL.{name}, @@SESSION.{name}, {limit})"
        settings = (
            *_SETTINGS,
            *(_OF_MARIADB if is_mariadb else ()),
            f"{name} = {limit}",
            f"sql_mode = '{_mode(str(mode))}'",
            f"innodb_lock_wait_timeout = {max(int(lock_timeout), 1)}",
        )
        cursor.execute(f"SET {', '.join(f'SESSION {setting}' for setting in settings)}")
        level = "READ COMMITTED" if for_writing and not logs_statements else "REPEATABLE READ"
        cursor.execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
        allowed = 0.0
        if statement_limit:
            cursor.execute(f"SELECT @@SESSION.{name}")
            allowed = float(cursor.fetchone()[0]) / in_a_second
    raw.commit()
    return allowed


def _mode(found: str) -> str:
    modes = [mode for mode in found.upper().split(",") if mode]
    if "ORACLE" in modes:
        raise UnsupportedDatabaseError(
            "its sql_mode is ORACLE, in which the server leaves NULL out of texts that are put together. Let the "
            'connection set another one, by {"init_command": "SET sql_mode = \'ANSI_QUOTES,PIPES_AS_CONCAT\'"} in its '
            "extra"
        )
    return ",".join(dict.fromkeys((*(mode for mode in modes if mode not in _TAKEN_OUT), *_PUT_IN)))
