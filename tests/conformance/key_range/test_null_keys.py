"""Rows without a key: refused with their number, or loaded as the last batch; never left out."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.engine.model.errors import CheckpointError, SourceError
from airflow_checkpoint_provider.engine.model.events.transfer import BatchCommitted
from tests.support.databases.db import Db
from tests.support.loads import Load


def make(pair: tuple[Db, Db], rows: list[tuple[int, int | None, str | None]]) -> tuple[Db, Db]:
    source, destination = pair
    source.execute("CREATE TABLE t (n integer, a integer, b varchar(9))")
    source.insert("t", rows)
    destination.execute("CREATE TABLE target (n integer, a integer, b varchar(9))")
    return pair


def rows_in(db: Db, table: str = "target") -> list[tuple]:
    return db.rows(f"SELECT n, a, b FROM {table} ORDER BY n")


MIXED = [(n, None if n % 5 == 0 else n, None if n % 7 == 0 else "x") for n in range(35)]


def test_are_refused_before_anything_is_written(pair: tuple[Db, Db]) -> None:
    load = Load(
        *make(pair, MIXED),
        {"source_table": "t", "checkpoint_column": "a", "preoperator": "DELETE FROM target"},
    )
    pair[1].insert("target", [(-1, None, None)])
    with pytest.raises(SourceError, match=r"(?i)a: 7 rows have no value .* on_null_key='load'"):
        load.attempt()
    assert rows_in(pair[1]) == [(-1, None, None)]
    assert load.attempt(on_null_key="load").rows == 35
    assert rows_in(pair[1]) == rows_in(pair[0], "t")


@pytest.mark.parametrize(
    ("column", "without"), [("a", 7), ("b", 5), (["a", "b"], 11), (["b", "a"], 11), (["n", "b"], 5)]
)
def test_are_counted_and_loaded_last(pair: tuple[Db, Db], column: list[str], without: int) -> None:
    load = Load(*make(pair, MIXED), {"source_table": "t", "checkpoint_column": column, "batch_size": 6})
    with pytest.raises(SourceError, match=f"{without} rows have no value"):
        load.attempt()
    while load.attempt_batches(1, on_null_key="load"):
        pass
    assert rows_in(pair[1]) == rows_in(pair[0], "t")
    assert load.told(BatchCommitted)[-1].rows == without


@pytest.mark.parametrize("column", ["a", ["a", "b"]])
def test_all_of_them(pair: tuple[Db, Db], column: list[str]) -> None:
    rows = [(n, None, "x") for n in range(5)]
    load = Load(*make(pair, rows), {"source_table": "t", "checkpoint_column": column, "batch_size": 2})
    with pytest.raises(CheckpointError, match="5 rows have no value"):
        load.attempt()
    assert load.attempt_batches(1, on_null_key="load")
    assert load.attempt(on_null_key="load").rows == 0
    assert rows_in(pair[1]) == rows_in(pair[0], "t")


def test_that_fail_are_loaded_by_the_next_attempt(pair: tuple[Db, Db]) -> None:
    source, destination = make(pair, MIXED)
    source.insert("t", [(100, None, "too long")])
    destination.execute(
        "DROP TABLE target", "CREATE TABLE target (n integer CHECK (n < 100), a integer, b varchar(9))"
    )
    load = Load(
        source,
        destination,
        {"source_table": "t", "checkpoint_column": "a", "batch_size": 6, "on_null_key": "load"},
    )
    with pytest.raises(CheckpointError, match="target"):
        load.attempt()
    assert destination.one("SELECT count(*) FROM target WHERE a IS NULL") == 0
    source.execute("UPDATE t SET n = 99 WHERE n = 100")
    assert load.attempt().rows == 8
    assert rows_in(destination) == rows_in(source, "t")


def test_that_come_after_the_load_began_are_not_dropped_silently(pair: tuple[Db, Db]) -> None:
    load = Load(
        *make(pair, [(n, n, "x") for n in range(10)]), {"source_table": "t", "checkpoint_column": "a"}
    )
    assert load.attempt_batches(1, batch_size=4)
    pair[0].insert("t", [(50, None, "x")])
    with pytest.raises(SourceError, match="1 rows have no value"):
        load.attempt()
    assert load.attempt(on_null_key="load").rows == 7
    assert rows_in(pair[1]) == rows_in(pair[0], "t")
