"""A database whose encoding lacks characters: a row with such a character is a bad row, and is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from airflow_checkpoint_provider.engine.model.checkpoint import Identity
from airflow_checkpoint_provider.engine.model.errors import BadRowsError
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

pytestmark = pytest.mark.server

ROWS = ["A€", "B", "日"]
DROP = "DROP DATABASE IF EXISTS other_alphabet WITH (FORCE)"


@pytest.fixture
def latin(make_db: MakeDb) -> Iterator[Db]:
    """A database in LATIN1."""
    around = make_db("postgres", "destination")
    with psycopg.connect(around.place, autocommit=True) as connection:
        connection.execute(DROP)
        connection.execute("CREATE DATABASE other_alphabet ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        yield replace(around, place=psycopg.conninfo.make_conninfo(around.place, dbname="other_alphabet"))
        connection.execute(DROP)


@pytest.fixture
def load(make_db: MakeDb, latin: Db) -> Load:
    load = Load(make_db("sqlite", "source"), latin, {"source_table": "t", "checkpoint_column": "n"})
    load.source.execute("CREATE TABLE t (n integer PRIMARY KEY, v text)")
    load.source.insert("t", list(enumerate(ROWS)))
    latin.execute("CREATE TABLE target (n integer, v text)")
    return load


def test_rows_that_it_lacks_a_character_of(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    result = load.attempt(on_bad_row="reject")
    assert (result.rows, result.rejected) == (1, 2)
    assert load.destination.rows("SELECT v FROM target") == [("B",)]
    monkeypatch.setenv("AIRFLOW_CONN_LATIN", load.destination.uri)
    hook = CheckpointHook("latin")
    assert [reject.row for reject in hook.rejects("a_dag", "a_task", "run_1")] == [
        {"n": 0, "v": "A€"},
        {"n": 2, "v": "日"},
    ]


def test_a_failure_is_recorded(load: Load) -> None:
    with pytest.raises(BadRowsError, match="has no equivalent"):
        load.attempt()
    load.source.execute("CREATE TABLE other (n integer, v text)")
    with pytest.raises(Exception, match="日本"):
        load.attempt(rows_processor=fail_in_words)
    kept = load.destination.one("SELECT last_error FROM airflow_checkpoint")
    assert r"\u65e5\u672c" in kept


def fail_in_words(rows: object) -> object:
    raise ValueError("日本")


def test_a_key_that_it_lacks_a_character_of(load: Load) -> None:
    load.arguments["checkpoint_column"] = "v"
    load.arguments["destination_columns"] = {"n": "n"}
    load.destination.execute("DROP TABLE target", "CREATE TABLE target (n integer)")
    assert load.attempt_batches(1, batch_size=1)
    assert r"\u20ac" in load.destination.one("SELECT position FROM airflow_checkpoint")
    assert load.attempt(batch_size=1).rows == 2
    assert sorted(load.destination.rows("SELECT n FROM target")) == [(0,), (1,), (2,)]


def test_names_that_it_lacks_a_character_of(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    transfer = load.transfer(on_bad_row="reject")
    transfer._identity = Identity("żółć", "a_task", "run 日", -1)
    assert transfer.run().rows == 1
    monkeypatch.setenv("AIRFLOW_CONN_LATIN", load.destination.uri)
    hook = CheckpointHook("latin")
    assert [found.identity.run_id for found in hook.list(dag_id="żółć")] == ["run 日"]
