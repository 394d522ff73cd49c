"""The installed drivers of MySQL, opened by one DSN."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

# MySqlHook uses mysqlclient, which has to be compiled, or, by an extra, MySQL's own driver.
DRIVERS = [name for name in ("MySQLdb", "mysql.connector", "pymysql") if find_spec(name.partition(".")[0])]
DEFAULT_DRIVER = DRIVERS[0] if DRIVERS else ""


def connect_mysql(dsn: str, driver: str = DEFAULT_DRIVER, make: Callable[..., Any] | None = None) -> Any:
    """
    Open ``mysql://user:password@host:port/database?unix_socket=path&local_infile=1``.

    :param make: replaces the driver's own ``connect``
    """
    url = urlsplit(dsn)
    options: dict[str, Any] = dict(parse_qsl(url.query))
    options |= {"user": unquote(url.username or "root"), "password": unquote(url.password or "")}
    options |= {"host": url.hostname or "localhost", "port": url.port or 3306}
    if allowed := options.pop("local_infile", ""):
        options["allow_local_infile" if driver == "mysql.connector" else "local_infile"] = int(allowed)
    if name := url.path.strip("/"):
        options["database"] = name
    return (make or import_module(driver).connect)(**options)
