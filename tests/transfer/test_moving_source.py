"""Rows that change during a load, and between its attempts and runs: the tables of docs/source_changes.md."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import SourceChangedError, SourceError
from airflow_checkpoint_provider.engine.model.events.transfer import BatchCommitted, RouteChosen
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.moving import (
    CHANGES,
    MARK_CHANGES,
    MARKS,
    NEW,
    WAYS,
    MovingLoad,
    Way,
    change,
    forms,
    moving_load,
    outcome,
    page_tables,
)

WORDS, BETWEEN_ATTEMPTS, BETWEEN_RUNS, _NEW_COLUMNS, BEFORE_READING = page_tables()
KINDS = ("sqlite", "postgres", "mysql")


def cells(table: dict[tuple[str, str], str]) -> list[Any]:
    return [
        pytest.param(what, column, word, id=f"{column}: {what}")
        for (what, column), word in table.items()
        if word != "-"
    ]


def test_the_page_has_every_case_and_no_other_words() -> None:
    assert set(BETWEEN_ATTEMPTS) == {(what, way) for what in CHANGES for way in WAYS}
    assert set(BETWEEN_RUNS) == {(what, way) for what in MARK_CHANGES for way in MARKS}
    said = {word for table in (BETWEEN_ATTEMPTS, BETWEEN_RUNS, BEFORE_READING) for word in table.values()}
    assert said == {word for word, _ in WORDS}
    # Impossible cases: a second row with a unique key, and a key without a value where there is no key.
    assert {pair for pair, word in BETWEEN_ATTEMPTS.items() if word == "-"} == {
        ("insert with the key of the position", "key"),
        ("key changed: to NULL", "`last_row`"),
        ("key changed: to NULL", "`prefix`"),
    }


@pytest.mark.parametrize(("what", "way", "word"), cells(BETWEEN_ATTEMPTS))
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_between_two_attempts(kind: str, what: str, way: str, word: str, make_db: MakeDb) -> None:
    load = moving_load(make_db(kind, "source"), make_db("sqlite", "destination"), WAYS[way])
    assert attempt_two_batches(load) == [12]
    before = forms(load.source, "t", CHANGES[what].id)
    change(load, WAYS[way], CHANGES[what])
    assert outcome(load, CHANGES[what].id, before) == word


def attempt_two_batches(load: MovingLoad) -> list[int]:
    """Commit two batches, and return the number of rows in the destination."""
    assert load.attempt_batches(2)
    return [load.destination.one("SELECT count(*) FROM target")]


@pytest.mark.parametrize("way", ["`last_row`", "`prefix`"])
def test_what_counting_refuses_is_loaded_again_if_wanted(way: str, make_db: MakeDb) -> None:
    load = moving_load(make_db("sqlite", "source"), make_db("sqlite", "destination"), WAYS[way])
    attempt_two_batches(load)
    change(load, WAYS[way], CHANGES["delete before the position"])
    with pytest.raises(SourceChangedError, match="on_source_change='reload'"):
        load.attempt()
    load.attempt(on_source_change="reload", write_mode="replace")
    assert load.destination.rows("SELECT * FROM target ORDER BY id") == load.source.rows(
        "SELECT * FROM t ORDER BY id"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_becomes_null_is_refused_or_loaded_last(kind: str, make_db: MakeDb) -> None:
    load = moving_load(make_db(kind, "source"), make_db("sqlite", "destination"), WAYS["key"])
    attempt_two_batches(load)
    change(load, WAYS["key"], CHANGES["key changed: to NULL"])
    with pytest.raises(SourceError, match="1 rows have no value there"):
        load.attempt()
    load.attempt(on_null_key="load")
    assert forms(load.destination, "target", 15) == [(None, 0, "old")]


def test_upsert_replaces_a_row_whose_key_moved_on(make_db: MakeDb) -> None:
    way = Way({**WAYS["key"].arguments, "write_mode": "upsert"})
    load = moving_load(make_db("sqlite", "source"), make_db("sqlite", "destination"), way)
    attempt_two_batches(load)
    change(load, way, CHANGES["key changed: from before the position to after it"])
    assert outcome(load, 4, []) == "loaded"


@pytest.mark.parametrize(("what", "way", "word"), cells(BETWEEN_RUNS))
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_between_two_runs(kind: str, what: str, way: str, word: str, make_db: MakeDb) -> None:
    load = moving_load(make_db(kind, "source"), make_db("sqlite", "destination"), MARKS[way])
    assert load.attempt().rows == 20
    before = forms(load.source, "t", MARK_CHANGES[what].id)
    change(load, MARKS[way], MARK_CHANGES[what])
    load.next_run()
    assert outcome(load, MARK_CHANGES[what].id, before) == word


@pytest.mark.server
@pytest.mark.parametrize(("what", "database", "word"), cells(BEFORE_READING))
def test_between_the_end_and_the_first_row(what: str, database: str, word: str, make_db: MakeDb) -> None:
    load = moving_load(
        readable(make_db(database.lower(), "source")), make_db("sqlite", "destination"), WAYS["key"]
    )
    before = forms(load.source, "t", CHANGES[what].id)
    load.when, load.happens = RouteChosen, lambda: change(load, WAYS["key"], CHANGES[what])
    assert outcome(load, CHANGES[what].id, before) == word
    assert load.happens is None


AT_ONCE = [
    f"INSERT INTO t VALUES ({NEW}00, 45, 45, 'new')",
    f"INSERT INTO t VALUES ({NEW}01, 25005, 25005, 'new')",
    f"INSERT INTO t VALUES ({NEW}02, 90000, 90000, 'new')",
    "DELETE FROM t WHERE id IN (3, 2500, 2999)",
    "UPDATE t SET k = 25015 WHERE id = 4",
    "UPDATE t SET k = 55 WHERE id = 2600",
    "UPDATE t SET k = NULL WHERE id = 2700",
    "UPDATE t SET a = 'new' WHERE id IN (5, 2800)",
]


@pytest.mark.server
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_seen_while_rows_are_read(kind: str, way: str, make_db: MakeDb) -> None:
    source = readable(make_db(kind, "source"))
    load = moving_load(source, make_db("postgres", "destination"), WAYS[way], rows=3000)
    before = source.rows("SELECT * FROM t ORDER BY id")
    load.when, load.happens = BatchCommitted, lambda: source.execute(*AT_ONCE)
    assert load.attempt(batch_size=500).rows == 3000
    assert load.happens is None
    assert load.destination.rows("SELECT * FROM target ORDER BY id") == before


@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_rows_without_a_key_are_of_the_same_moment(kind: str, make_db: MakeDb) -> None:
    load = moving_load(make_db(kind, "source"), make_db("sqlite", "destination"), WAYS["key"], rows=3000)
    load.source.execute("UPDATE t SET k = NULL WHERE id = 5")
    # Rows without a key are read by a separate statement, after the rows with keys.
    moves = ("UPDATE t SET k = NULL WHERE id = 4", "UPDATE t SET k = 50 WHERE id = 5")
    load.when, load.happens = BatchCommitted, lambda: load.source.execute(*moves)
    assert load.attempt(on_null_key="load", batch_size=100).rows == 3000
    assert load.destination.rows("SELECT count(*), count(DISTINCT id) FROM target") == [(3000, 3000)]


@pytest.mark.parametrize("verify", ["count", "digest"])
@pytest.mark.parametrize(
    ("kind", "destination"), [("postgres", "postgres"), ("postgres", "sqlite"), ("mysql", "postgres")]
)
@pytest.mark.parametrize("way", ["key", "`last_row`"])
def test_what_is_compared_is_of_the_same_moment(
    way: str, kind: str, destination: str, verify: str, make_db: MakeDb
) -> None:
    load = moving_load(make_db(kind, "source"), make_db(destination, "destination"), WAYS[way], rows=3000)
    load.when, load.happens = BatchCommitted, lambda: load.source.execute(*AT_ONCE)
    result = load.attempt(batch_size=500, verify=verify)
    assert result.verified
    assert (result.verified["rows"], load.happens) == (3000, None)


@pytest.mark.server
def test_a_connection_that_is_opened_again_sees_the_source_as_it_is_then(
    make_db: MakeDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.0)
    # So many rows that most of them have not left the server yet.
    rows = 30_000
    load = moving_load(make_db("postgres", "source"), make_db("postgres", "destination"), WAYS["key"], rows)

    def change_and_lose() -> None:
        load.source.execute("UPDATE t SET a = 'new'", f"INSERT INTO t VALUES ({rows}, {rows * 10}, 0, 'new')")
        lose(load.source)

    load.when, load.happens = BatchCommitted, change_and_lose
    result = load.attempt(batch_size=500)
    assert (result.rows, result.reconnects) == (rows, 1)
    read = dict(load.destination.rows("SELECT a, count(*) FROM target GROUP BY a"))
    assert read["old"] >= 500
    assert read["new"] > rows / 2
    assert sum(read.values()) == rows


def lose(db: Db) -> None:
    """End all sessions of a Postgres database."""
    db.rows(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def test_sqlite_keeps_writers_out_unless_its_journal_is_a_wal(make_db: MakeDb) -> None:
    source = make_db("sqlite", "source")
    load = moving_load(source, make_db("sqlite", "destination"), WAYS["key"], rows=3000)

    def write() -> None:
        with closing(sqlite3.connect(source.place, timeout=0.1)) as connection:
            connection.execute("UPDATE t SET a = 'new'")
            with pytest.raises(sqlite3.OperationalError, match="database is locked"):
                connection.commit()

    load.when, load.happens = BatchCommitted, write
    assert load.attempt(batch_size=1000).rows == 3000
    assert load.happens is None


def readable(source: Db) -> Db:
    """Let other connections write to a SQLite file while it is read."""
    if source.kind == "sqlite":
        source.execute("PRAGMA journal_mode = WAL")
    return source
