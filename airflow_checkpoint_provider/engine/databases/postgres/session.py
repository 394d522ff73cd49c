"""
The state that a session of Postgres has while the engine uses it.

What each setting of the server would do to a load, as set for a role, a database or the server:

========================================  ==============================================================  ===========
setting                                   what it would do                                                here
========================================  ==============================================================  ===========
client_encoding                           read text wrongly, or refuse it                                 UTF8
DateStyle, IntervalStyle, lc_monetary     write dates, intervals and money in another form                fixed
extra_float_digits                        cut digits of floats                                            3
bytea_output                              write bytes in another form                                     hex
array_nulls                               write the text ``NULL`` for NULL in an array                    on
xmloption                                 refuse a fragment of XML as a value                             content
standard_conforming_strings               read backslashes in the query that the scanner here does not    on
transform_null_equals                     find rows by ``= NULL`` where parameters are written into text  off
quote_all_identifiers                     name tables and types otherwise than they are compared          off
gin_fuzzy_search_limit                    return some of the rows that a GIN index has                    0
row_security                              leave rows out without an error                                 off [1]_
zero_damaged_pages, ignore_checksum_...   return a table without the rows of a damaged page               refused
default_transaction_isolation             not see another attempt's update, or fail on it                 fixed
synchronous_commit = off                  lose commits of a load that is complete, when the server dies   on
synchronize_seqscans                      begin in the middle of a table, where rows are counted          off [3]_
statement_timeout, transaction_timeout    end a long read, with an error                                  0 [2]_ [4]_
idle_session_timeout, idle_in_...         end the session while the other side works                      0 [2]_
lock_timeout                              end a wait, with an error                                       left
default_transaction_read_only             refuse to write                                                 left
client_connection_check_interval          work on, and hold locks, for a client that is gone              10s [5]_
session_replication_role                  not run triggers and foreign keys, as its owner has asked for   left
search_path                               another table of that name; known at each start                 left
TimeZone, order of DateStyle, lc_time     what the user's own query means                                 left
========================================  ==============================================================  ===========

.. [1] by the source, and by the statement that empties a table; see [2]_
.. [2] unless the connection itself asks for it, in its ``options``
.. [3] by the source
.. [4] but where only checkpoints are read: a minute for a statement
.. [5] of a session that writes, unless it was changed
"""

from __future__ import annotations

import re
from codecs import lookup
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.postgres.row_security import SEES_ALL_ROWS
from airflow_checkpoint_provider.engine.databases.sockets import KEEPALIVE, connect_soon, goes_over_network
from airflow_checkpoint_provider.engine.model.errors import UnsupportedDatabaseError

WRITES = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED"
"""Has a transaction wait for another attempt's update, and then see it."""

_FIXED = {
    "client_encoding": "UTF8",
    # Without an order (DMY, YMD): the order is for reading literals, and so left to the user.
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "lc_monetary": "C",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "array_nulls": "on",
    "xmloption": "content",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "quote_all_identifiers": "off",
    "gin_fuzzy_search_limit": "0",
    "default_transaction_isolation": "read committed",
}
# One side waits while the other one works, and one statement may be a whole load. As pg_dump does.
_TIMEOUTS = (
    "statement_timeout",
    "transaction_timeout",
    "idle_session_timeout",
    "idle_in_transaction_session_timeout",
)
# Only a superuser can set these.
_REFUSED = ("zero_damaged_pages", "ignore_checksum_failure")
# A setting that a server does not have is not in its pg_settings.
_SET = (
    "SELECT name, CASE WHEN wanted.value IS NULL THEN setting ELSE set_config(name, wanted.value, false) END"
    " FROM pg_settings JOIN (VALUES {values}) AS wanted (name, value) USING (name)"
    " WHERE (name NOT IN ({timeouts}) OR source <> 'client')"
    " AND (name <> 'synchronous_commit' OR setting = 'off')"
    " AND (pg_backend_pid() = {pid} OR {pid} = 0)"
)
_PID = "SELECT pg_backend_pid()"
_STATEMENT_LIMIT = "SELECT setting FROM pg_settings WHERE name = 'statement_timeout'"
_POOL_TRIES = 3
_POOL_S = 3.0

# The server probes the client as the client probes the server, unless these settings were changed.
_PROBE_CLIENT = (
    "SELECT set_config(name, value, false) FROM pg_settings JOIN (VALUES ('tcp_keepalives_idle', '{TCP_KEEPIDLE}'), "
    "('tcp_keepalives_interval', '{TCP_KEEPINTVL}'), ('tcp_keepalives_count', '{TCP_KEEPCNT}')) "
    "AS wanted (name, value) USING (name) WHERE source = 'default'"
).format(**KEEPALIVE)
# A long statement sends nothing, so that the server would not notice. Servers on some systems refuse it.
_NOTICE_END = (
    "SELECT set_config(name, '10s', false) FROM pg_settings"
    " WHERE name = 'client_connection_check_interval' AND source = 'default'"
)

LEAVES_STATE = re.compile(
    r"SET (?!LOCAL |TRANSACTION |CONSTRAINTS )|RESET |DISCARD |LISTEN |LOAD |PREPARE "
    r"|CREATE (?:OR REPLACE |LOCAL |GLOBAL )*TEMP(?:ORARY)? |SELECT .*\bINTO (?:LOCAL |GLOBAL )?TEMP(?:ORARY)? "
    r"|SELECT .*\bset_config ?\(.*, ?(?:false|'f(?:alse)?')(?:::\w+)? ?\)|SELECT .*\bpg_(?:try_)?advisory_lock"
    r"|DECLARE .*\bWITH HOLD\b",
    re.IGNORECASE | re.DOTALL,
)
"""Matches the beginning of a statement whose effect outlasts the transaction."""
ENDS_WITH_TRANSACTION = re.compile(
    r"\bSET\s+LOCAL\s+([\w.]+)|\bset_config\s*\(\s*'([\w.]+)'\s*,[^;]*,\s*true\s*\)", re.IGNORECASE
)
"""Finds settings that end with the transaction."""

STATE = sa.text(
    "SELECT name, setting FROM pg_settings WHERE source = 'session'"
    " UNION ALL SELECT 'role', CAST(current_user AS text)"
    " UNION ALL SELECT 'session_authorization', CAST(session_user AS text)"
    " UNION ALL SELECT 'temporary table ' || relname, relkind::text FROM pg_class"
    " WHERE relnamespace = pg_my_temp_schema()"
)
"""The settings made in the session by any statement: a function and a DO block may make them, too."""


def codec_of(encoding: str | None) -> str | None:
    """
    Return the Python codec of an encoding of Postgres; ASCII for one that Python does not know.

    :return: ``None`` for one that has every character
    """
    if encoding in (None, "UTF8", "SQL_ASCII"):  # the last one keeps bytes, whatever they mean
        return None
    name = encoding.replace("WIN", "cp", 1).replace("KOI8R", "koi8_r").replace("KOI8U", "koi8_u")
    try:
        return lookup(name).name
    except LookupError:
        return "ascii"


def prepare_session(raw: Any, *, for_writing: bool, statement_limit: float = 0) -> float:
    """
    Undo settings of the connection or of the server that the engine cannot work with.

    :param statement_limit: seconds after which the server ends a statement, 0 for none
    :return: the seconds that apply, which may be the connection's own
    :raises UnsupportedDatabaseError: when a pooler gives each transaction another session, and nothing was set; or
        when the server is set to leave out damaged rows
    """
    import psycopg
    from psycopg.rows import tuple_row

    # Extras of the Airflow connection may ask for dictionaries and autocommit, and servers have their own defaults.
    raw.row_factory = tuple_row
    raw.autocommit = True
    statement = _settings(for_writing=for_writing, statement_limit=statement_limit)
    # A pooler reports a process number of its own: nothing is set before it is known whose session it is.
    found = raw.execute(statement.format(pid=raw.info.backend_pid)).fetchall()
    if not found:
        if _shares_sessions(raw):
            raise UnsupportedDatabaseError(
                "it leads to a pooler that gives each transaction another session, such as PgBouncer with pool_mode = "
                "transaction; an attempt needs one session for its settings, cursors and temporary tables. Connect to "
                "the server itself, or to a pool with pool_mode = session"
            )
        found = raw.execute(statement.format(pid=0)).fetchall()
    for name, value in found:
        if name in _REFUSED and value == "on":
            raise UnsupportedDatabaseError(
                f"{name} is on there, and rows of a damaged page are left out without an error. Set it to off for this "
                "role"
            )
    if goes_over_network(raw):
        # So that a worker whose machine is gone does not hold its locks for two hours, the default of most systems.
        with suppress(psycopg.Error):  # a server that only speaks the protocol may lack these
            raw.execute(_PROBE_CLIENT)
    if for_writing:
        with suppress(psycopg.Error):
            raw.execute(_NOTICE_END)
    allowed = int(raw.execute(_STATEMENT_LIMIT).fetchone()[0]) / 1000 if statement_limit else 0
    raw.autocommit = False
    return allowed


def _settings(*, for_writing: bool, statement_limit: float) -> str:
    wanted: dict[str, str | None] = {**_FIXED, **dict.fromkeys(_TIMEOUTS, "0"), **dict.fromkeys(_REFUSED)}
    wanted["statement_timeout"] = str(int(statement_limit * 1000))
    if for_writing:
        wanted["synchronous_commit"] = "on"
    values = ", ".join(
        f"('{name}', {'NULL' if value is None else repr(value)})" for name, value in wanted.items()
    )
    timeouts = ", ".join(map(repr, _TIMEOUTS))
    return _SET.format(values=values, timeouts=timeouts, pid="{pid}")


def _shares_sessions(raw: Any) -> bool:
    """Return whether two connections that are open at once share one session of the server."""
    import psycopg

    try:
        # A full pool of whole sessions makes the second connection wait.
        other = connect_soon(
            lambda: psycopg.connect(raw.info.dsn, password=raw.info.password, autocommit=True), _POOL_S
        )
    except Exception:
        return False
    first = _pid(raw)
    try:
        for _ in range(_POOL_TRIES):
            mine, its = _pid(raw), connect_soon(lambda: _pid(other), _POOL_S)
            if mine != first or (mine == its and mine > 0):
                return True
    except Exception:  # as above
        return False
    finally:
        with suppress(psycopg.Error):
            other.close()
    return False


def _pid(raw: Any) -> int:
    return int(raw.execute(_PID).fetchone()[0])


def set_for_reading(connection: sa.Connection) -> None:
    """Set one snapshot for the whole read, and an error instead of hidden rows."""
    for statement in (
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        # A scan that joins another one in the middle of the table would return another order.
        "SET synchronize_seqscans = off",
        SEES_ALL_ROWS,
    ):
        connection.exec_driver_sql(statement)
    connection.commit()
