"""The end of a load is fixed when it starts: rows that arrive later belong to the next one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.databases.db import Db
from tests.support.loads import Load


@pytest.fixture
def numbers(pair: tuple[Db, Db]) -> tuple[Db, Db]:
    source, destination = pair
    source.execute("CREATE TABLE t (n integer)")
    source.insert("t", [(n,) for n in range(0, 100, 2)])
    destination.execute("CREATE TABLE target (n integer)")
    return pair


def arrived(db: Db) -> list[int]:
    return [n for (n,) in db.rows("SELECT n FROM target ORDER BY n")]


class Meanwhile:
    """A rows_processor that calls a function before the first batch is written."""

    def __init__(self, happens: Any) -> None:
        self.happens = happens

    def __call__(self, rows: list) -> list:
        happens, self.happens = self.happens, lambda: None
        happens()
        return rows


def test_rows_that_arrive_between_attempts_wait(numbers: tuple[Db, Db]) -> None:
    load = Load(*numbers, {"source_table": "t", "checkpoint_column": "n", "batch_size": 20})
    assert load.attempt_batches(1)
    numbers[0].insert("t", [(98,), (99,), (100,), (1000,)])
    result = load.attempt()
    # The second 98 is within the bound; the other new rows are above it.
    assert arrived(numbers[1]) == [*range(0, 100, 2), 98]
    assert list((result.checkpoint or {}).values()) == [98]


@pytest.mark.server
@pytest.mark.parametrize("kind", ["sqlite", "postgres", "oracle"])
def test_rows_that_arrive_during_the_load_wait(kind: str, make_db: Any) -> None:
    source, destination = make_db(kind, "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE t (n integer)", *(["PRAGMA journal_mode = WAL"] if kind == "sqlite" else []))
    source.insert("t", [(n,) for n in range(50)])
    destination.execute("CREATE TABLE target (n integer)")
    later = Meanwhile(lambda: source.insert("t", [(60,), (61,)]))
    load = Load(
        source,
        destination,
        {"source_table": "t", "checkpoint_column": "n", "batch_size": 20, "scope": "task"},
    )
    assert load.attempt(rows_processor=later).rows == 50
    assert load.attempt().rows == 0
    load.next_run()
    assert load.attempt().rows == 2
    assert arrived(destination) == [*range(50), 60, 61]


def test_rows_of_a_source_that_was_empty_wait(numbers: tuple[Db, Db]) -> None:
    source, destination = numbers
    source.execute("DELETE FROM t")
    load = Load(source, destination, {"source_table": "t", "checkpoint_column": "n"})
    assert load.attempt().rows == 0
    source.insert("t", [(1,)])
    assert load.attempt().rows == 0
    load.clear()
    assert load.attempt().rows == 1
    assert arrived(destination) == [1]


def test_rows_deleted_behind_the_position_change_nothing(numbers: tuple[Db, Db]) -> None:
    source, destination = numbers
    load = Load(source, destination, {"source_table": "t", "checkpoint_column": "n", "batch_size": 20})
    assert load.attempt_batches(1)
    source.execute("DELETE FROM t WHERE n < 30 OR n > 90")
    assert load.attempt().rows == 26
    assert arrived(destination) == list(range(0, 92, 2))
    assert load.attempt().rows == 0
