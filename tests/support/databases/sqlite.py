"""SQLite: a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from tests.support.databases.kind import Kind

if TYPE_CHECKING:
    import pytest

    from tests.support.databases.db import Db


class Sqlite(Kind):
    name = "sqlite"
    needs_server = False
    rejects = True
    transactional = True
    lists_tables = True
    enforces_references = False
    knows_primary_keys = True
    tells_identity = True
    keeps_lock_timeout = True
    knows_unique_keys = True
    knows_views = True
    computes = "GENERATED ALWAYS AS ({}) STORED"
    has_one_lock = True
    enforces_types = False

    def make(self, request: pytest.FixtureRequest, role: str) -> str:
        return str(request.getfixturevalue("tmp_path") / f"{role}.db")

    def bound(self, value: Any) -> Any:
        return (
            str(value) if isinstance(value, date) else value
        )  # as the driver does, which warns from Python 3.12 on

    def connect(self, db: Db) -> Any:
        return self.by_hand(db)

    def by_hand(self, db: Db) -> Any:
        connection = sqlite3.connect(db.place)
        connection.execute("PRAGMA synchronous = OFF")  # processes die in the tests, not the machine
        return connection

    def marks(self, count: int) -> Sequence[str]:
        return ["?"] * count

    def uri(self, db: Db) -> str:
        return f"sqlite://{db.place}"

    def tables(self, db: Db) -> list[str]:
        return [name for (name,) in db.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def lock_checkpoints(self, db: Db, connection: Any) -> None:
        connection.cursor().execute("BEGIN IMMEDIATE")
