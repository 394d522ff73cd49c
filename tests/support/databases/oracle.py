"""Oracle: a stand-in on the embedded Postgres, or the server of a DSN."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import oracledb

from tests.support.databases import oracle_places, postgres
from tests.support.databases.kind import Kind

if TYPE_CHECKING:
    import pytest

    from tests.support.databases.db import Db


class Oracle(Kind):
    name = "oracle"
    rejects = True
    long_text = "clob"
    transactional = True
    lists_tables = True
    knows_primary_keys = True
    tells_identity = True
    truncates = True
    keeps_lock_timeout = True
    has_schemas = True
    keeps_empty_text = False
    folds_to_upper = True
    hides_columns = True
    reads_moments = True
    shares_moments = True
    has_rowids = True

    def make(self, request: pytest.FixtureRequest, role: str) -> str:
        if dsn := os.environ.get(oracle_places.REAL):
            return oracle_places.real_schema(dsn, role)
        request.getfixturevalue("monkeypatch").setattr(oracledb, "connect", oracle_places.stand_in.connect)
        return str(request.getfixturevalue(f"postgres_{role}"))

    def connect(self, db: Db) -> Any:
        return oracle_places.connect(db.place)

    def ddl(self, statement: str) -> str:
        return oracle_places.ddl(statement)

    def marks(self, count: int) -> Sequence[str]:
        return [f":{number}" for number in range(1, count + 1)]

    def bound(self, value: Any) -> Any:
        return oracle_places.value(value)

    def prepare_cursor(self, cursor: Any) -> None:
        cursor.outputtypehandler = oracle_places.keep_digits

    def fetched(self, value: Any) -> Any:
        return oracle_places.read(value)

    def hide(self, table: str, column: str, declared: str) -> str:
        return f"ALTER TABLE {table} MODIFY ({column} INVISIBLE)"

    def uri(self, db: Db) -> str:
        return oracle_places.uri(db.place)

    def tables(self, db: Db) -> list[str]:
        with closing(self.connect(db)) as connection:
            if hasattr(connection, "postgres"):
                return [name for (name,) in connection.postgres.execute(postgres.TABLES).fetchall()]
        return [name for (name,) in db.rows("SELECT table_name FROM user_tables")]
