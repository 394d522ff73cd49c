"""Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg

from tests.support.databases.kind import Kind

if TYPE_CHECKING:
    import pytest

    from tests.support.databases.db import Db

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"


class Postgres(Kind):
    name = "postgres"
    rejects = True
    rows_in_an_answer = 100
    transactional = True
    lists_tables = True
    knows_primary_keys = True
    tells_identity = True
    truncates = True
    keeps_lock_timeout = True
    knows_unique_keys = True
    knows_views = True
    shares_moments = True
    holds_moments = True
    computes = "GENERATED ALWAYS AS ({}) STORED"
    has_schemas = True
    doubles_percent = True

    def make(self, request: pytest.FixtureRequest, role: str) -> str:
        return str(request.getfixturevalue(f"postgres_{role}"))

    def connect(self, db: Db) -> Any:
        return psycopg.connect(db.place)

    def uri(self, db: Db) -> str:
        parts = psycopg.conninfo.conninfo_to_dict(db.place)
        host = quote(str(parts.get("host", "localhost")), safe="")
        login = f"{parts.get('user', 'postgres')}:{parts.get('password', '')}"
        return f"postgres://{login}@{host}:{parts.get('port', 5432)}/{parts['dbname']}"

    def tables(self, db: Db) -> list[str]:
        return [name for (name,) in db.rows(TABLES)]
