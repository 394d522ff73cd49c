"""A table that is emptied, created anew or renumbered between two attempts of a load."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import DestinationMismatchError, SourceChangedError
from airflow_checkpoint_provider.engine.model.events.transfer import Warned
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (n integer)")
    source.insert("t", [(n,) for n in range(20)])
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY)")
    arguments = {"source_table": "t", "checkpoint_column": "n", "conflict_columns": ["n"], "batch_size": 4}
    return Load(source, destination, arguments)


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
@pytest.mark.parametrize("anew", [False, True], ids=["emptied", "made anew"])
def test_a_destination_that_lost_its_rows_is_refused(load: Load, mode: str, anew: bool) -> None:
    load.attempt_batches(2, write_mode=mode)
    made_anew = ("DROP TABLE target", "CREATE TABLE target (n integer PRIMARY KEY)")
    load.destination.execute(*(made_anew if anew else ("DELETE FROM target",)))
    with pytest.raises(DestinationMismatchError, match="target is empty, and this load has committed 8 rows"):
        load.attempt(write_mode=mode)
    assert loaded(load) == []
    load.clear()
    assert load.attempt(write_mode=mode).rows == 20
    assert loaded(load) == list(range(20))


def test_a_stage_that_lost_its_rows_is_filled_again(load: Load) -> None:
    load.attempt_batches(2, write_mode="replace_atomic")
    (stage,) = [name for name in load.destination.tables() if "__stage_" in name.lower()]
    load.destination.execute(f"DELETE FROM {load.destination.spelt(stage)}")
    assert load.attempt(write_mode="replace_atomic").rows_total == 20
    assert loaded(load) == list(range(20))


def test_a_destination_that_others_empty_between_runs_is_told(load: Load) -> None:
    task: dict[str, Any] = {"scope": "task"}
    load.attempt_batches(2, **task)
    load.destination.execute("DELETE FROM target")
    result = load.attempt(**task)
    assert "target is empty, and this load has committed 8 rows" in result.warnings[0]
    assert loaded(load) == list(range(8, 20))
    load.next_run()
    load.destination.execute("DELETE FROM target")
    load.source.insert("t", [(20,)])
    assert load.attempt(**task).warnings == ()
    assert loaded(load) == [20]


@pytest.mark.able(knows_unique_keys=True)
@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_a_destination_that_lost_its_last_row_is_told(load: Load, mode: str) -> None:
    load.attempt_batches(2, write_mode=mode)
    load.destination.execute("DELETE FROM target WHERE n = 7")
    result = load.attempt(write_mode=mode)
    (warning,) = result.warnings
    assert "target has no row with n = 7, which this load has committed last" in warning
    assert "clear the task" in warning
    assert loaded(load) == [*range(7), *range(8, 20)]


@pytest.mark.able(knows_unique_keys=True)
@pytest.mark.parametrize("anew", [False, True], ids=["emptied", "another one in its place"])
@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_a_destination_that_loses_its_rows_while_it_is_loaded_is_told(
    load: Load, mode: str, anew: bool
) -> None:
    load.others = {2: ["DELETE FROM target"]}
    if anew:
        load.others = {
            2: ["ALTER TABLE target RENAME TO aside", "CREATE TABLE target (n integer PRIMARY KEY)"]
        }
    (warning,) = load.attempt(write_mode=mode).warnings
    assert "target has no row with n = 3, which this load has committed" in warning or (
        anew and "target is another table than the one that this attempt has begun with" in warning
    )
    assert [event.text for event in load.told(Warned)] == [warning]
    assert loaded(load) == list(range(8, 20))


@pytest.mark.parametrize(
    "arguments",
    [
        {"rows_processor": lambda rows: [(n + 100,) for (n,) in rows]},
        {"on_bad_row": "reject"},
        {"destination_table": "without_index"},
    ],
    ids=["converted", "rejected", "without an index"],
)
@pytest.mark.able(rejects=True)
def test_a_row_that_need_not_be_there_is_not_missed(load: Load, arguments: dict[str, Any]) -> None:
    load.destination.execute("CREATE TABLE without_index (n integer)")
    load.attempt_batches(2, **arguments)
    load.destination.execute("DELETE FROM without_index WHERE n = 7")
    assert load.attempt(**arguments).warnings == ()


@pytest.fixture
def from_source(source: Db, make_db: MakeDb) -> Load:
    destination = make_db("sqlite", "destination")
    source.execute("CREATE TABLE t (n integer, a integer)")
    source.insert("t", [(n, n % 2) for n in range(20)])
    destination.execute("CREATE TABLE target (n integer, a integer)")
    arguments = {"source_table": "t", "checkpoint_column": "n", "batch_size": 4, "write_mode": "replace"}
    return Load(source, destination, arguments)


@pytest.mark.parametrize("key", ["n", ["n", "a"]], ids=["one column", "two columns"])
@pytest.mark.parametrize("left", [0, 3])
def test_a_source_that_is_numbered_again_is_refused_or_loaded_again(
    from_source: Load, key: Any, left: int
) -> None:
    from_source.attempt_batches(2, checkpoint_column=key)
    from_source.source.execute("DELETE FROM t")
    from_source.source.insert("t", [(n, 1) for n in range(left)])
    found = "it has no row" if not left else "its greatest (?i:n)"
    with pytest.raises(SourceChangedError, match=f"{found}.*rows up to 7.*on_source_change='reload'"):
        from_source.attempt(checkpoint_column=key)
    assert loaded(from_source) == list(range(8))
    assert from_source.attempt(checkpoint_column=key, on_source_change="reload").rows == left
    assert loaded(from_source) == list(range(left))


def test_rows_that_are_all_loaded_may_go_from_the_source(from_source: Load) -> None:
    from_source.attempt_batches(5)
    from_source.source.execute("DELETE FROM t")
    assert from_source.attempt().rows == 0
    assert loaded(from_source) == list(range(20))
