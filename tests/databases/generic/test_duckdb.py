"""DuckDB through a small hook: a driver unknown to the engine, without a server."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from airflow.providers.common.sql.hooks.sql import DbApiHook

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.events.transfer import RouteChosen
from airflow_checkpoint_provider.hooks.databases import open_database
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

ROWS = [(n, f"name {n}", n / 8) for n in range(250)]
TABLE = "CREATE TABLE {} (id integer PRIMARY KEY, name varchar, share double)"


class Same:
    """A connection whose cursors share its transaction; DuckDB's own have one each."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def cursor(self) -> Any:
        return _Cursor(self._connection)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


Same.__module__ = "duckdb"


class _Cursor:
    arraysize = 1

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def close(self) -> None:
        """Leave the connection open."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class DuckDbHook(DbApiHook):
    conn_name_attr = "duckdb_conn_id"
    conn_type = "duckdb"
    supports_autocommit = False
    wrap: Callable[[Any], Any] = Same

    def get_conn(self) -> Any:
        connection = duckdb.connect(self.get_connection(self.duckdb_conn_id).host)
        return type(self).wrap(connection)


class PlainHook(DuckDbHook):
    @staticmethod
    def wrap(connection: Any) -> Any:
        return connection


@pytest.fixture
def open_duckdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Database]:
    def opened(name: str, hook: type[DuckDbHook] = DuckDbHook) -> Database:
        monkeypatch.setenv(
            f"AIRFLOW_CONN_{name.upper()}", f'{{"conn_type": "duckdb", "host": "{tmp_path}/{name}.duckdb"}}'
        )
        monkeypatch.setattr(
            "airflow_checkpoint_provider.hooks.databases.get_db_hook",
            lambda conn_id, *_, **__: hook(duckdb_conn_id=conn_id),
        )
        return open_database(name, "source_conn_id")

    return opened


def rows_of(database: Database) -> list[tuple[Any, ...]]:
    connection = database.connect()
    try:
        return connection.cursor().execute("SELECT * FROM target ORDER BY id").fetchall()
    finally:
        connection.close()


def execute(database: Database, *statements: str) -> None:
    connection = database.connect()
    for statement in statements:
        connection.cursor().execute(statement)
    connection.close()


@pytest.fixture
def sqlite(make_db: MakeDb) -> Db:
    db = make_db("sqlite", "other")
    db.execute(TABLE.format("t"), TABLE.format("target"))
    db.insert("t", ROWS)
    return db


@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace"])
@pytest.mark.parametrize("by", [{"checkpoint_column": "id"}, {"strategy": "python"}], ids=["key", "python"])
def test_as_destination(sqlite: Db, open_duckdb: Any, write_mode: str, by: dict[str, Any]) -> None:
    duck = open_duckdb("duck")
    execute(duck, TABLE.format("target"))
    load = Load(sqlite, sqlite, {"sql": "SELECT * FROM t ORDER BY id", "write_mode": write_mode, **by})
    stop = iter([False, True])
    with pytest.raises(RuntimeError, match="stopped"):
        load.transfer(destination=duck, rows_processor=lambda rows: stopped() if next(stop) else rows).run()
    result = load.transfer(destination=duck).run()
    assert (result.rows, result.rows_total, result.guarantee) == (150, 250, "exactly-once")
    assert rows_of(duck) == ROWS


def stopped() -> list:
    raise RuntimeError("stopped")


@pytest.mark.parametrize("hook", [DuckDbHook, PlainHook])
def test_as_source(sqlite: Db, open_duckdb: Any, hook: type[DuckDbHook]) -> None:
    duck = open_duckdb("duck", hook)
    execute(duck, TABLE.format("t"), *(f"INSERT INTO t VALUES {row}" for row in ROWS))
    load = Load(sqlite, sqlite, {"source_table": "t"})
    stop = iter([False, True])
    with pytest.raises(RuntimeError, match="stopped"):
        load.transfer(source=duck, rows_processor=lambda rows: stopped() if next(stop) else rows).run()
    result = load.transfer(source=duck).run()
    assert (result.strategy, result.rows, result.rows_total) == ("key", 150, 250)
    assert sqlite.rows("SELECT * FROM target ORDER BY id") == ROWS
    assert load.told(RouteChosen)[-1].reason.endswith("duckdb to SQLite")


def test_whose_cursors_have_transactions_of_their_own(sqlite: Db, open_duckdb: Any) -> None:
    duck = open_duckdb("duck", PlainHook)
    execute(duck, TABLE.format("target"))
    load = Load(sqlite, sqlite, {"source_table": "t"})
    with pytest.raises(
        ArgumentError, match=r"'duck' keeps what a transaction has rolled back.*at-least-once"
    ):
        load.transfer(destination=duck).run()
    assert load.transfer(destination=duck, write_mode="upsert").run().guarantee == "at-least-once"
    assert rows_of(duck) == ROWS


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [("integer", 1.5, 2), ("decimal(12, 6)", Decimal("1.1234567"), Decimal("1.123457"))],
)
def test_rounds_without_an_error(column: str, value: Any, stored: Any) -> None:
    """A dialect for DuckDB would have to refuse these values first (docs/architecture/new_database.md)."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t (v {column})")
        connection.execute("INSERT INTO t VALUES (?)", [value])
        assert connection.execute("SELECT v FROM t").fetchall() == [(stored,)]


def test_has_no_savepoints() -> None:
    with duckdb.connect() as connection, pytest.raises(duckdb.ParserException, match="SAVEPOINT"):
        connection.execute("SAVEPOINT one")
