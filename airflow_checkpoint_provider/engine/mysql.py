"""What is particular to MySQL and MariaDB: their drivers, their sessions, the numbers of their errors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from airflow_checkpoint_provider.engine.errors import ArgumentError

URLS = {
    "MySQLdb": "mysql+mysqldb://",
    "mysql": "mysql+mysqlconnector://",
    "pymysql": "mysql+pymysql://",
}
DUPLICATE_COLUMN = 1060
LOCK_WAIT_TIMEOUT = 1205
NO_NAME = frozenset((1059, 1102, 1103, 1300))  # too long, or not what a table or a database may be called
# The transaction is gone, or the connection is: going on from the checkpoint is the way out.
_PASSING = frozenset(
    (
        *(1053, 1927, 2006, 2013, 2014, 2045, 2048, 2055, 4031),  # shut down, killed, gone away, lost, idle
        *(LOCK_WAIT_TIMEOUT, 1213),  # a lock that did not come, a deadlock
    )
)
_PERCENT = re.compile(r"%(?:(?P<place>s)|\((?P<name>[^)]*)\)s|%|)")
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


def is_connector(raw: Any) -> bool:
    """Tell MySQL's own driver from MySQLdb and from PyMySQL, which is made like it."""
    return any(base.__module__.startswith("mysql.") for base in type(raw).__mro__)


def streaming_cursor(raw: Any) -> Any:
    """Return a cursor that does not fetch the whole result at once."""
    if is_connector(raw):
        return raw.cursor(buffered=False, raw=True)
    return raw.cursor(_module(raw, "cursors").SSCursor)


def converters(raw: Any) -> dict[Any, Any]:
    """Return the driver's table of functions that read values, by the type of the column."""
    return raw.converter if hasattr(raw, "converter") else raw.decoders  # type: ignore[no-any-return]


def as_read(raw: Any, text: str, values: Mapping[str, Any] | Sequence[Any] | None) -> tuple[str, Any]:
    """
    Write a statement so that every driver reads ``%s``, ``%(name)s`` and ``%%`` in it as Python does.

    MySQL's own driver leaves ``%%`` as it is, and takes the ``%s`` of a quoted ``'%%s'`` for a placeholder. Only among
    named ones can a ``%`` be written for it.

    :raises ArgumentError: when values and placeholders do not fit
    """
    if not is_connector(raw) or values is None:
        return text, values
    if not values:
        return text.replace("%%", "%"), None
    named = dict(values) if isinstance(values, Mapping) else {str(n): v for n, v in enumerate(values, 1)}
    places = count(1)

    def write(found: re.Match[str]) -> str:
        name = str(next(places)) if found["place"] else found["name"]
        if name is None:
            return "%(percent)%"
        if name not in named:
            raise ArgumentError(f"parameters: there is no value for a {found.group()} of the query.")
        return f"%({name})s"

    text = _PERCENT.sub(write, text)
    if not isinstance(values, Mapping) and next(places) <= len(values):
        raise ArgumentError("parameters: there are more values than %s in the query.")
    return text, named


def leave(raw: Any) -> None:
    """Stop reading a result that has rows left, before the connection is closed, which would read them."""
    if is_connector(raw):
        raw.shutdown()  # closes the socket; the method of this name in mysqlclient shuts down the server


def as_parameter(value: Any) -> Any:
    """Write what the drivers would write wrongly, or not at all."""
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).replace(tzinfo=None)  # the zone of the session
    if isinstance(value, timedelta):
        return time_text(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (memoryview, bytearray)):
        return bytes(value)
    return value


def time_text(span: timedelta) -> str:
    """Write a span as a TIME: hours, which may be more than a day's, minutes and seconds."""
    sign, span = ("-", -span) if span < timedelta(0) else ("", span)
    minutes, seconds = divmod(span.days * 86_400 + span.seconds, 60)
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{span.microseconds:06}"


def error_number(error: BaseException) -> int | None:
    """Return the server's or the driver's number of an error."""
    number = getattr(error, "errno", None) or (error.args[0] if error.args else None)
    return number if isinstance(number, int) else None


def is_passing(error: BaseException) -> bool:
    """Tell whether an error ends a transaction or a connection, and may well not come again."""
    return error_number(error) in _PASSING


def _module(raw: Any, name: str) -> Any:
    from importlib import import_module

    base = next(base for base in type(raw).__mro__ if base.__module__.startswith(("MySQLdb.", "pymysql.")))
    return import_module(f"{base.__module__.partition('.')[0]}.{name}")


def _logs_statements(cursor: Any) -> bool:
    """Tell whether the server keeps a log of statements, which READ COMMITTED does not go with."""
    cursor.execute("SELECT @@log_bin, @@binlog_format")
    logs, form = cursor.fetchone()
    return bool(logs) and str(form).upper() == "STATEMENT"
