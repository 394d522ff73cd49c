"""The places of the tests' Oracle databases: in the stand-in, or on a real server."""

from __future__ import annotations

import os
import re
from contextlib import closing, suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

import oracledb
import psycopg

from tests.support.oracle_standin import Server

REAL = "CHECKPOINT_TEST_ORACLE_DSN"

_open = oracledb.connect  # the driver's own, also where a test replaces it
_ISO = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?")
_EMPTY = """
BEGIN
  FOR o IN (
    SELECT object_type, object_name FROM user_objects WHERE object_type IN ('TABLE', 'VIEW', 'SYNONYM')
  ) LOOP
    EXECUTE IMMEDIATE 'DROP ' || o.object_type || ' "' || o.object_name || '"'
      || CASE o.object_type WHEN 'TABLE' THEN ' CASCADE CONSTRAINTS PURGE' END;
  END LOOP;
END;
"""


class StandIn:
    """The stand-in servers, by the name of the Postgres database behind them."""

    def __init__(self) -> None:
        self._servers: dict[str, Server] = {}

    def server(self, dsn: str) -> Server:
        """Return the server in front of a database."""
        name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
        return self._servers.setdefault(str(name), Server(dsn))

    def connect(self, dsn: str, **given: Any) -> Any:
        """Open a connection as ``oracledb.connect`` does: the host is the database's name."""
        host = re.search(r"HOST=([^)]+)", dsn)
        name = host[1] if host else re.split("[:/]", dsn)[0]
        return self._servers[name].connect(**given) if name in self._servers else _open(dsn=dsn, **given)


stand_in = StandIn()


def connect(place: str) -> Any:
    """Open a connection."""
    if place.startswith("oracle:"):
        return _open(place.removeprefix("oracle:"))
    return stand_in.server(place).connect()


def uri(place: str) -> str:
    """Return the Airflow connection."""
    if place.startswith("oracle:"):
        user, password, host, service = re.split(r"[/@]", place.removeprefix("oracle:"))
        return f"oracle://{user}:{password}@{host}/?service_name={service}"
    name = psycopg.conninfo.conninfo_to_dict(place)["dbname"]
    stand_in.server(place)
    return f"oracle://scott:tiger@{name}:1521/?service_name=FREEPDB1"


def real_schema(dsn: str, role: str) -> str:
    """Create a user with an empty schema for a role, one per test process, and return its place."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    user, password = f"CHECKPOINT_{role}_{worker}".upper(), "Checkpoint_1"
    with closing(_open(dsn)) as connection, connection.cursor() as cursor:
        with suppress(oracledb.DatabaseError):
            cursor.execute(f'CREATE USER {user} IDENTIFIED BY "{password}" QUOTA UNLIMITED ON users')
        # An identity column creates a sequence.
        rights = "CREATE SESSION, CREATE TABLE, CREATE SEQUENCE, CREATE VIEW, CREATE SYNONYM"
        cursor.execute(f"GRANT {rights} TO {user}")
        for right in ("EXECUTE ON SYS.DBMS_FLASHBACK", "SELECT ANY DICTIONARY"):
            with suppress(oracledb.DatabaseError):  # not every user may grant these
                cursor.execute(f"GRANT {right} TO {user}")
    place = f"oracle:{user}/{password}@{dsn.rpartition('@')[2]}"
    with closing(connect(place)) as connection, connection.cursor() as cursor:
        cursor.execute(_EMPTY)
    return place


def ddl(statement: str) -> str:
    """Translate a test's statement to Oracle's SQL."""
    if not statement.startswith("CREATE TABLE"):
        return statement
    statement = re.sub(r"\btext\b", "varchar2(4000)", statement)
    return re.sub(r"\bbigint\b", "number(19)", statement)


def keep_digits(cursor: Any, column: Any) -> Any:
    """Fetch numbers as decimals: a float is not exact."""
    if column.type_code is oracledb.DB_TYPE_NUMBER:
        return cursor.var(Decimal, arraysize=cursor.arraysize)
    return None


def read(value: Any) -> Any:
    """Read the value of a locator."""
    return value.read() if hasattr(value, "read") else value


def value(given: Any) -> Any:
    """Convert text that other databases read as a time."""
    return datetime.fromisoformat(given) if isinstance(given, str) and _ISO.fullmatch(given) else given
