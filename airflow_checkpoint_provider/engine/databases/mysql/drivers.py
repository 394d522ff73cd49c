"""The drivers of MySQL and MariaDB, and their differences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from airflow_checkpoint_provider.engine.databases.values.text_forms import time_text
from airflow_checkpoint_provider.engine.model.errors import ArgumentError

URLS = {
    "MySQLdb": "mysql+mysqldb://",
    "mysql": "mysql+mysqlconnector://",
    "pymysql": "mysql+pymysql://",
}
_PERCENT = re.compile(r"%(?:(?P<place>s)|\((?P<name>[^)]*)\)s|%|)")


def is_connector(raw: Any) -> bool:
    """Return whether a connection is of MySQL's own driver, and not of MySQLdb or PyMySQL."""
    return any(base.__module__.startswith("mysql.") for base in type(raw).__mro__)


def is_mysqlclient(raw: Any) -> bool:
    """Return whether a connection is of mysqlclient."""
    return any(base.__module__.startswith("MySQLdb.") for base in type(raw).__mro__)


def is_mariadb(connection: Any) -> bool:
    """Return whether the server of a connection of SQLAlchemy is MariaDB, and not MySQL."""
    return bool(getattr(connection.dialect, "is_mariadb", False))


def opens_fifo(raw: Any) -> bool:
    """Return whether a connection of MySQL's own driver sends the server any file, and reads it in Python."""
    return bool(getattr(raw, "_allow_local_infile", False)) and not hasattr(raw, "_cmysql")


def limit_connecting(hook: Any, seconds: float) -> None:
    """
    Limit the time in which mysqlclient connects: the two other drivers have a limit of 10 seconds, this one has none.

    :param hook: any hook; MySQL's passes on to this driver only the settings that it knows itself
    """
    arguments = getattr(hook, "_get_conn_config_mysql_client", None)
    if arguments is None:
        return

    def limited(connection: Any) -> dict[str, Any]:
        return {"connect_timeout": max(int(seconds), 1), **arguments(connection)}

    hook._get_conn_config_mysql_client = limited


def streaming_cursor(raw: Any) -> Any:
    """Return a cursor that does not fetch the whole result at once."""
    if is_connector(raw):
        return raw.cursor(buffered=False, raw=True)
    return raw.cursor(module_of(raw, "cursors").SSCursor)


def converters(raw: Any) -> dict[Any, Any]:
    """Return the driver's table of functions that read values, by the type of the column."""
    return raw.converter if hasattr(raw, "converter") else raw.decoders  # type: ignore[no-any-return]


def as_read(raw: Any, text: str, values: Mapping[str, Any] | Sequence[Any] | None) -> tuple[str, Any]:
    """
    Write a statement so that every driver reads ``%s``, ``%(name)s`` and ``%%`` in it as Python does.

    MySQL's own driver leaves ``%%`` as it is, and takes the ``%s`` of a quoted ``'%%s'`` for a placeholder. A ``%`` can
    be written for it only among named placeholders.

    :raises ArgumentError: when values and placeholders do not match
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
    """Stop reading a result with rows left: closing the connection would read them."""
    if is_connector(raw):
        raw.shutdown()  # closes the socket; the method of this name in mysqlclient shuts down the server


def drop(raw: Any) -> None:
    """Close a connection whose answers are not those to its statements."""
    with suppress(Exception):
        raw.shutdown() if is_connector(raw) else raw.close()


def text_of(value: Any) -> str:
    """Return text of the catalog, which some drivers return as bytes."""
    return value.decode() if isinstance(value, (bytes, bytearray)) else str(value)


def as_parameter(value: Any) -> Any:
    """Convert a value that the drivers would write wrongly, or not at all."""
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).replace(tzinfo=None)  # the zone of the session
    if isinstance(value, timedelta):
        return time_text(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (memoryview, bytearray)):
        return bytes(value)
    return value


def module_of(raw: Any, name: str) -> Any:
    """Return a module of a connection's driver, mysqlclient or PyMySQL."""
    from importlib import import_module

    base = next(base for base in type(raw).__mro__ if base.__module__.startswith(("MySQLdb.", "pymysql.")))
    return import_module(f"{base.__module__.partition('.')[0]}.{name}")
