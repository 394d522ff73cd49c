"""A custom hook of a database: every caller finds the same tables through it."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from airflow.providers.common.sql.hooks.sql import DbApiHook
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.airflow.operating import execute, operator
from tests.support.databases.db import Db
from tests.support.databases.paramstyles import driver

SCHEME = "walled"


class WalledDialect(SQLiteDialect_pysqlite):
    driver = "walled"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        return sys.modules["driver_of_qmark"]


registry.register(SCHEME, __name__, "WalledDialect")


class WalledHook(DbApiHook):
    """Names its SQLAlchemy dialect, and returns connections that commit each statement."""

    conn_name_attr = "walled_conn_id"
    default_conn_name = "walled"
    supports_autocommit = True

    def get_conn(self) -> Any:
        connection = WalledDialect.import_dbapi().connect(self.get_connection(self.get_conn_id()).host)
        connection._connection.isolation_level = None
        return connection

    def set_autocommit(self, conn: Any, autocommit: bool) -> None:
        conn._connection.isolation_level = None if autocommit else "DEFERRED"

    def get_autocommit(self, conn: Any) -> bool:
        return conn._connection.isolation_level is None

    @property
    def sqlalchemy_url(self) -> sa.URL:
        return sa.make_url(f"{SCHEME}://")


@pytest.fixture
def walled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Db:
    driver("qmark").sqlite_version_info = sqlite3.sqlite_version_info  # type: ignore[attr-defined]
    db = Db("sqlite", str(tmp_path / "walled.db"))
    source = Db("sqlite", str(tmp_path / "source.db"))  # SQLite locks a file while it is read
    source.execute("CREATE TABLE orders (id integer PRIMARY KEY)")
    source.insert("orders", [(n,) for n in range(700)])
    db.execute("CREATE TABLE target (id integer)")
    for name, place in (("SRC", source.place), ("DST", db.place)):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", f'{{"conn_type": "walled", "host": "{place}"}}')
    monkeypatch.setattr(
        "airflow_checkpoint_provider.hooks.databases.get_db_hook",
        lambda conn_id, *_, **__: WalledHook(walled_conn_id=conn_id),
    )
    return db


def test_operator_and_hook_read_one_metadata_table(walled: Db) -> None:
    assert execute(operator(source_conn_id="src"))["guarantee"] == "exactly-once"
    hook = CheckpointHook("dst")
    checkpoint = hook.get("a_dag", "copy", "run_1")
    assert checkpoint is not None
    assert (checkpoint.rows, checkpoint.completed_at.tzinfo is not None) == (700, True)
    hook.request_reload("a_dag", "copy", "run_1")
    with pytest.raises(Exception, match="would add them a second time"):
        execute(operator(), try_number=2)
    assert execute(operator(write_mode="replace"), try_number=2)["rows"] == 700
    assert walled.one("SELECT count(*) FROM target") == 700
    kinds = [event.kind for event in hook.history("a_dag", "copy", "run_1")]
    assert kinds[:4] == ["completed", "opened", "started", "reload_requested"]
