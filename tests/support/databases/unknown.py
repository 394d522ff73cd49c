"""A database of which only the driver is known: a thin wrapper of SQLite."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tests.support.databases.kind import as_extra
from tests.support.databases.paramstyles import driver
from tests.support.databases.sqlite import Sqlite

if TYPE_CHECKING:
    import pytest

    from tests.support.databases.db import Db

STYLE = "pyformat"
CONN_TYPE = "walled"


def connect(place: str) -> Any:
    """Open a connection."""
    module = sys.modules.get(f"driver_of_{STYLE}") or driver(STYLE)
    return module.connect(place)


class Unknown(Sqlite):
    """SQLite without the abilities that the package derives from its name."""

    name = "unknown"
    rows_in_an_answer = 100
    rejects = False
    transactional = False
    lists_tables = False
    knows_primary_keys = False
    knows_unique_keys = False
    tells_identity = False
    keeps_lock_timeout = False
    serves_both_sides = False  # the package does not know that both are one file, and cannot take turns

    def make(self, request: pytest.FixtureRequest, role: str) -> str:
        from airflow.sdk import Connection

        from tests.support.airflow.unknown_hook import get_hook

        request.getfixturevalue("monkeypatch").setattr(Connection, "get_hook", get_hook)
        return super().make(request, role)

    def connect(self, db: Db) -> Any:
        return connect(db.place)

    def uri(self, db: Db) -> str:
        return f"{CONN_TYPE}://?{as_extra({'place': db.place})}"
