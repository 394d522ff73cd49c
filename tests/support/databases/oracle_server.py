"""Oracle: the server of a DSN, or a stand-in on the embedded Postgres."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.support.databases.db import Db
from tests.support.databases.oracle_places import REAL, real_schema, stand_in
from tests.support.oracle_standin import Faults

MakeOracle = Callable[[str], Db]


@pytest.fixture
def real_oracle() -> MakeOracle:
    """Create an empty schema on a real server; without one, skip the test."""
    dsn = os.environ.get(REAL)
    if not dsn:
        pytest.skip(f"no Oracle server to test with: set {REAL} to system/password@host:1521/service")
    return lambda role: Db("oracle", real_schema(dsn, role))


@pytest.fixture
def faults(postgres_source: str, postgres_destination: str) -> Iterator[dict[str, Faults]]:
    """The faults of the stand-ins of both sides, with none planned."""
    servers = {
        "source": stand_in.server(postgres_source),
        "destination": stand_in.server(postgres_destination),
    }
    for server in servers.values():
        server.faults.seen.clear()
    yield {side: server.faults for side, server in servers.items()}
    for server in servers.values():
        server.faults.planned.clear()
        server.faults.hidden.clear()


@pytest.fixture
def stood_in(postgres_source: str, postgres_destination: str) -> tuple[Db, Db]:
    """Source and destination in the stand-in, for behaviour that a real server cannot be made to show."""
    return Db("oracle", postgres_source), Db("oracle", postgres_destination)
