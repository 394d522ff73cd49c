"""Whole loads between real databases, in all combinations."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.engine.model.errors import CheckpointError
from tests.support.databases.db import Db
from tests.support.loads import Load

TABLE = "CREATE TABLE {} (id integer PRIMARY KEY, name varchar(40), amount numeric(12, 2), at {})"
ROWS = [(i, f"name {i}", i / 4, f"2026-01-{i % 28 + 1:02} 12:30:00") for i in range(1, 1001)]


@pytest.fixture
def sales(pair: tuple[Db, Db]) -> tuple[Db, Db]:
    source, destination = pair
    source.execute(TABLE.format("sales", source.able.moment))
    source.insert("sales", ROWS)
    destination.execute(TABLE.format("target", destination.able.moment))
    return pair


def same(source: Db, destination: Db) -> bool:
    return contents(source, "sales") == contents(destination, "target")


def contents(db: Db, table: str) -> list[tuple]:
    rows = db.rows(f"SELECT id, name, amount, at FROM {table} ORDER BY id")
    return [(number, name, float(amount), str(at)[:19]) for number, name, amount, at in rows]


class Stop:
    """A rows_processor that fails in the middle of the load."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, rows: list) -> list:
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("stopped")
        return rows


@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace"])
@pytest.mark.parametrize("strategy", ["key", "python", "auto"])
def test_a_retry_goes_on_after_the_last_batch(sales: tuple[Db, Db], write_mode: str, strategy: str) -> None:
    by = {"checkpoint_column": "id"} if strategy == "key" else {}
    query = {"source_table": "sales"} if strategy == "auto" else {"sql": "SELECT * FROM sales ORDER BY id"}
    load = Load(*sales, {**query, **by, "strategy": strategy, "write_mode": write_mode})
    if write_mode == "upsert":
        load.arguments |= sales[1].by_key("id")
    with pytest.raises(RuntimeError, match="stopped"):
        load.attempt(rows_processor=Stop(after=4))
    assert sales[1].one("SELECT count(*) FROM target") == 400
    result = load.attempt()
    assert (result.rows, result.rows_total, result.batches) == (600, 1000, 6)
    assert result.guarantee == "exactly-once"
    assert same(*sales)


def test_a_retry_of_a_completed_load_does_nothing(sales: tuple[Db, Db]) -> None:
    load = Load(*sales, {"source_table": "sales"})
    assert load.attempt().rows == 1000
    assert load.attempt().rows == 0
    assert same(*sales)


def test_clearing_loads_from_the_start(sales: tuple[Db, Db]) -> None:
    load = Load(*sales, {"source_table": "sales", "write_mode": "replace"})
    load.attempt()
    load.clear()
    assert load.attempt().rows == 1000
    assert same(*sales)


def test_appending_again_is_refused(sales: tuple[Db, Db]) -> None:
    load = Load(*sales, {"source_table": "sales"})
    load.attempt()
    load.clear()
    for _ in range(2):
        with pytest.raises(CheckpointError, match="1,000 rows of this load are already committed"):
            load.attempt()
    assert same(*sales)
