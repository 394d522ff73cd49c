"""Strategy none: every attempt starts over, and appended rows are committed all at once or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.events.transfer import (
    BatchCommitted,
    GuaranteeStated,
    StrategyChosen,
)
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded

OFF: list[dict[str, Any]] = [{"strategy": "none"}, {"checkpoint_enabled": False, "checkpoint_column": "n"}]


@pytest.fixture(params=OFF, ids=["none", "not enabled"])
def load(request: pytest.FixtureRequest, destination: Db, make_db: MakeDb) -> Load:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (n integer)")
    source.insert("t", [(n,) for n in range(10)])
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY)")
    return Load(source, destination, {"source_table": "t", "batch_size": 4, **request.param})


class FailAt:
    def __init__(self, batch: int) -> None:
        self.left = batch

    def __call__(self, rows: list) -> list:
        self.left -= 1
        if self.left == 0:
            raise RuntimeError("stopped")
        return rows


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_append_is_all_or_nothing(load: Load, batch: int) -> None:
    with pytest.raises(RuntimeError, match="stopped"):
        load.attempt(rows_processor=FailAt(batch))
    assert loaded(load) == []
    assert load.attempt().rows == 10
    assert loaded(load) == list(range(10))
    assert [event.rows for event in load.told(BatchCommitted)] == [10]


@pytest.mark.parametrize(
    "again", [{"write_mode": "upsert"}, {"write_mode": "replace"}, {"preoperator": "DELETE FROM target"}]
)
def test_what_can_be_repeated_is_committed_in_batches(load: Load, again: dict[str, Any]) -> None:
    if again.get("write_mode") == "upsert":
        again = {**again, **load.destination.by_key("n")}
    with pytest.raises(RuntimeError, match="stopped"):
        load.attempt(rows_processor=FailAt(3), **again)
    assert loaded(load) == list(range(8))
    for _ in range(2):
        result = load.attempt(**again)
        assert (result.rows, result.batches, result.started_from) == (10, 3, None)
        assert loaded(load) == list(range(10))


def test_leaves_no_trace_and_says_what_it_does(load: Load) -> None:
    result = load.attempt()
    assert (result.strategy, result.guarantee) == ("none", "at-least-once")
    assert load.told(StrategyChosen)[0].strategy == "none"
    assert "no checkpoint is kept" in load.told(GuaranteeStated)[0].reason
    assert not [name for name in load.destination.tables() if "checkpoint" in name.lower()]


def test_a_keeper_is_not_even_opened(load: Load, make_db: MakeDb) -> None:
    load.keeper = Db("sqlite", "/nowhere/at/all.db")
    assert load.attempt(separate_checkpoint=True, allow_duplicates=True).rows == 10
    assert loaded(load) == list(range(10))
