"""Rows are read while others are written, as many in a round trip as their types allow."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.registry import open_source
from airflow_checkpoint_provider.engine.databases.statements.query import Query
from airflow_checkpoint_provider.engine.model.errors import SourceError
from tests.support.databases.db import Db
from tests.support.loads import Load, loaded
from tests.support.oracle_standin import Connection, Faults

pytestmark = pytest.mark.server


@pytest.fixture
def source(stood_in: tuple[Db, Db]) -> Db:
    source = stood_in[0]
    source.execute("CREATE TABLE t (n integer PRIMARY KEY)")
    source.insert("t", [(n,) for n in range(3_000)])
    return source


def test_rows_are_read_while_others_are_written(source: Db, stood_in: tuple[Db, Db]) -> None:
    stood_in[1].execute("CREATE TABLE target (n integer)")
    seen: set[str] = set()

    def look(rows: Any) -> Any:
        seen.update(thread.name for thread in threading.enumerate())
        return rows

    load = Load(source, stood_in[1], {"source_table": "t", "batch_size": 500})
    load.attempt(rows_processor=look)
    assert "checkpoint-read-ahead" in seen
    assert sorted(loaded(load)) == list(range(3_000))


def test_a_statement_that_is_interrupted_ends(source: Db) -> None:
    slow = "SELECT COUNT(*) AS c FROM t a CROSS JOIN t b CROSS JOIN t d"
    with source.database("src").open() as connection:
        reader = open_source(connection, Query.parse(slow), "src", exact=True)
        threading.Timer(0.5, reader.interrupt).start()
        began = time.monotonic()
        with pytest.raises(SourceError, match="ORA-01013"), reader.stream(reader.whole()):
            pass
        assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("columns", "thin", "wanted"),
    [
        ("a integer, b DATE", True, 5_000),
        ("a varchar2(4000), b varchar2(4000)", True, 2_621),
        ("a varchar2(4000), b varchar2(4000)", False, 65),
        ("a varchar2(10), b CLOB", True, 50),
        ("a integer, b JSON", True, 50),
        ("a integer, b XMLTYPE", True, 50),
        ("a LONG", True, 50),
    ],
)
def test_rows_in_a_round_trip(
    source: Db,
    faults: dict[str, Faults],
    monkeypatch: pytest.MonkeyPatch,
    columns: str,
    thin: bool,
    wanted: int,
) -> None:
    monkeypatch.setattr(Connection, "thin", thin)
    source.execute(f"CREATE TABLE u ({columns})")
    with source.database("src").open() as connection:
        reader = open_source(connection, Query.parse("SELECT * FROM u"), "src", exact=True)
        statement = reader.whole()
        with reader.stream(statement):
            pass
    assert faults["source"].fetched_at_once[statement[0]] == wanted


@pytest.mark.parametrize(("declared", "asked"), [("n integer NOT NULL", False), ("n integer", True)])
@pytest.mark.parametrize("on_null_key", ["fail", "load"])
def test_rows_without_a_key_are_looked_for_where_there_may_be_some(
    stood_in: tuple[Db, Db], faults: dict[str, Faults], declared: str, asked: bool, on_null_key: str
) -> None:
    stood_in[0].execute(f"CREATE TABLE u ({declared})")
    stood_in[0].insert("u", [(n,) for n in range(9)])
    stood_in[1].execute("CREATE TABLE target (n integer)")
    arguments = {"source_table": "u", "checkpoint_column": "n", "on_null_key": on_null_key}
    load = Load(*stood_in, arguments)
    load.attempt()
    assert loaded(load) == list(range(9))
    assert any('src."N" IS NULL' in statement for statement in faults["source"].seen) is asked


def test_a_row_without_a_key_is_counted(stood_in: tuple[Db, Db]) -> None:
    stood_in[0].execute("CREATE TABLE u (n integer)")
    stood_in[0].insert("u", [(1,), (None,), (None,)])
    stood_in[1].execute("CREATE TABLE target (n integer)")
    with pytest.raises(SourceError, match="N: 2 rows have no value there"):
        Load(*stood_in, {"source_table": "u", "checkpoint_column": "n"}).attempt()
