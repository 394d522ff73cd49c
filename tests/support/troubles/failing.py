"""Ways to make the databases of a load fail, with drivers that disclose secrets."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from importlib import import_module
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit, urlunsplit

import oracledb
import psycopg
import pytest

from airflow_checkpoint_provider.engine.model import masking
from tests.support.databases.db import Db
from tests.support.databases.mysql_drivers import DEFAULT_DRIVER

PASSWORD = "S3cr3t/P@ss'w%rd \\ü"
TOKEN = 'T0k"en+&of extras'


def in_lower_case(text: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quote(text, safe=""))


SPELT = {
    way: spell(secret)
    for secret in (PASSWORD, TOKEN)
    for way, spell in {
        f"{secret} plain": str,
        f"{secret} in a URL": quote,
        f"{secret} in a URL to the last": lambda text: quote(text, safe=""),
        f"{secret} in a form": quote_plus,
        f"{secret} in a URL in lower case": in_lower_case,
        f"{secret} as Python writes it": lambda text: repr(text)[1:-1],
        f"{secret} as JSON": lambda text: json.dumps(text)[1:-1],
        f"{secret} in a DSN": lambda text: text.replace("\\", "\\\\").replace("'", "\\'"),
        f"{secret} in SQL": lambda text: text.replace("'", "''"),
        f"{secret} in SQL with placeholders": lambda text: text.replace("'", "''").replace("%", "%%"),
    }.items()
}


def with_secrets(db: Db, **changes: str) -> str:
    """Return the Airflow connection of a database, with a recognizable password and sensitive extra."""
    url = urlsplit(db.uri)
    at = url.netloc.rpartition("@")[2]
    user = changes.get("user") or url.netloc.rpartition("@")[0].partition(":")[0] or "somebody"
    query = {**dict(part.partition("=")[::2] for part in url.query.split("&") if part)}
    if db.kind != "postgres":  # its hook passes extras to libpq
        extra = json.loads(changes.get("extra", "{}")) | {"api_token": TOKEN}
        if (db.kind, db.driver) == ("mysql", "mysql.connector"):
            extra["client"] = "mysql-connector-python"
        query = {"__extra__": quote(json.dumps(extra))}
    host = changes.get("host", at)
    path = changes.get("path", url.path)
    text = "&".join("=".join(pair) for pair in query.items())
    login = f"{user}:{quote(PASSWORD, safe='')}@"
    if db.kind == "sqlite" and not changes:  # its hook reads a password as a part of the path
        login = ""
    return urlunsplit((url.scheme, f"{login}{host}", path, text, ""))


def use(monkeypatch: pytest.MonkeyPatch, conn_id: str, db: Db, **changes: str) -> None:
    """Define a connection to a database, with secrets; the password is right where the server checks it."""
    if db.kind == "mysql" and "user" not in changes:
        marked = PASSWORD.replace("\\", "\\\\").replace("'", "''")
        db.execute("CREATE USER IF NOT EXISTS planted", f"ALTER USER planted IDENTIFIED BY '{marked}'")
        db.execute("GRANT ALL ON *.* TO planted")
        changes["user"] = "planted"
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", with_secrets(db, **changes))


def planted(monkeypatch: pytest.MonkeyPatch, source: Db, destination: Db) -> tuple[Db, Db]:
    """Create 20 rows and a table for them, and the connections ``src`` and ``dst`` with secrets."""
    source.execute("CREATE TABLE orders (id integer PRIMARY KEY, name varchar(100))")
    source.insert("orders", [(n, f"name {n}") for n in range(20)])
    destination.execute("CREATE TABLE target (id integer, name varchar(100))")
    use(monkeypatch, "src", source)
    use(monkeypatch, "dst", destination)
    return source, destination


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clear the registered secrets, as in a new process."""
    monkeypatch.setattr(masking, "_hidden", set())
    monkeypatch.setattr(masking, "_pattern", None)


def telling(error: type[Exception]) -> Exception:
    """Return the error of a driver that quotes all its arguments."""
    return error("could not connect: " + ", ".join(SPELT.values()))


def make_tell(monkeypatch: pytest.MonkeyPatch, kind: str, mysql_driver: str = DEFAULT_DRIVER) -> None:
    """Make the driver fail to connect, and quote its arguments."""

    def fail(error: type[Exception]) -> Callable[..., Any]:
        def connect(*_: Any, **__: Any) -> Any:
            raise telling(error)

        return connect

    if kind == "postgres":
        monkeypatch.setattr(psycopg, "connect", fail(psycopg.OperationalError))
        monkeypatch.setattr(psycopg.Connection, "connect", fail(psycopg.OperationalError))
    elif kind == "oracle":
        monkeypatch.setattr(oracledb, "connect", fail(oracledb.OperationalError))
    elif kind == "sqlite":
        monkeypatch.setattr(sqlite3, "connect", fail(sqlite3.OperationalError))
    else:
        driver = import_module(mysql_driver)
        monkeypatch.setattr(driver, "connect", fail(driver.OperationalError))


def found_in(text: str, kind: str) -> list[str]:
    """Return the secrets of such a connection found in a text, by spelling, or by their first letters."""
    secrets = {"postgres": (PASSWORD,), "sqlite": (TOKEN,)}.get(kind, (PASSWORD, TOKEN))
    found = [way for way, spelt in SPELT.items() if spelt in text and way.startswith(secrets)]
    return found + [f"{secret[:3]}..." for secret in secrets if secret[:3] in text]
