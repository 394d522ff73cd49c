"""A high-water mark across runs: every run loads the new rows."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    CheckpointError,
    SourceError,
    StaleRunError,
)
from airflow_checkpoint_provider.engine.model.events.transfer import Warned
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded
from tests.support.numbers import add, numbers, run

DESTINATIONS = ("sqlite", "postgres", "mysql", "oracle")


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    return numbers(make_db("sqlite", "source"), destination, declared="n integer PRIMARY KEY", scope="task")


def test_each_run_loads_what_is_new(load: Load) -> None:
    assert load.attempt().rows == 10
    assert load.attempt().rows == 0
    assert run(load) == (9, 0)
    add(load, 10, 11)
    assert run(load) == (9, 2)
    add(load, 12)
    assert run(load) == (11, 1)
    assert loaded(load) == list(range(13))


def test_runs_that_find_nothing_keep_the_mark(load: Load) -> None:
    load.source.execute("DELETE FROM t")
    assert load.attempt().rows == 0
    assert run(load) == (-1, 0)
    add(load, 3)
    assert run(load) == (-1, 1)
    load.source.execute("DELETE FROM t")
    assert run(load) == (3, 0)
    add(load, 2, 4)
    assert run(load) == (3, 1)
    assert loaded(load) == [3, 4]


def test_clearing_the_newest_run_goes_back_to_where_it_began(load: Load) -> None:
    load.attempt()
    add(load, 10, 11)
    run(load)
    add(load, 12)
    load.clear()
    with pytest.raises(CheckpointError, match=r"2 rows of this load are already.*upsert"):
        load.attempt()
    assert load.attempt(write_mode="upsert").rows == 3
    assert loaded(load) == list(range(13))
    # The same after a second clear.
    load.clear()
    assert load.attempt(write_mode="upsert").rows == 3


def test_clearing_the_first_run_starts_from_the_beginning(load: Load) -> None:
    load.attempt()
    load.clear()
    assert load.attempt(preoperator="DELETE FROM target").rows == 10
    assert loaded(load) == list(range(10))


def test_the_preoperator_runs_for_the_first_run_only(load: Load) -> None:
    once = {"preoperator": "DELETE FROM target"}
    load.attempt(**once)
    add(load, 10)
    assert run(load, **once) == (9, 1)
    assert loaded(load) == list(range(11))


def test_clearing_an_older_run_is_refused(load: Load) -> None:
    load.attempt()
    run(load)
    load.run, load.try_number, load.max_tries = 1, 1, 3
    load.clear()
    with pytest.raises(StaleRunError, match="run_1 was cleared, but run_2 is the newest"):
        load.attempt()
    add(load, 10)
    load.run = 2
    assert run(load) == (9, 1)


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_a_run_that_failed_is_continued_by_the_next(load: Load, batches: int) -> None:
    load.attempt_batches(batches)
    add(load, 10, 11)
    began, rows = run(load)
    assert began == min(batches * 4, 10) - 1
    assert rows == 12 - min(batches * 4, 10)
    assert loaded(load) == list(range(12))


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_a_run_that_failed_is_resumed_by_its_retry(load: Load, batches: int) -> None:
    load.attempt()
    add(load, *range(10, 20))
    load.next_run()
    load.attempt_batches(batches)
    add(load, 20)
    result = load.attempt()
    assert result.started_from == {"n": min(10 + batches * 4, 20) - 1}
    assert loaded(load) == list(range(20))
    load.clear()
    assert load.attempt(write_mode="upsert").rows == 11


@pytest.mark.parametrize(
    "changes",
    [{"checkpoint_column": None}, {"sql": "SELECT 1 AS n", "source_table": None, "checkpoint_column": None}],
)
def test_a_mark_needs_a_key(load: Load, changes: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="checkpoint_column: scope='task' keeps a high-water mark"):
        load.attempt(**changes)
    assert loaded(load) == []


@pytest.mark.parametrize(
    "changes", [{"checkpoint_enabled": False}, {"strategy": "none", "checkpoint_column": None}]
)
def test_a_mark_needs_a_checkpoint(load: Load, changes: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="scope"):
        load.attempt(**changes)


def test_rows_without_a_key_are_upserted_by_every_run(load: Load) -> None:
    load.source.execute("ALTER TABLE t ADD COLUMN m integer", "UPDATE t SET m = n WHERE n < 8")
    load.destination.execute("ALTER TABLE target ADD COLUMN m integer")
    arguments = {"checkpoint_column": "m", "write_mode": "upsert", "on_null_key": "load"}
    assert load.attempt(**arguments).rows == 10
    load.source.execute("UPDATE t SET m = 20 WHERE n = 8")
    assert run(load, **arguments)[1] == 2
    assert load.destination.rows("SELECT * FROM target ORDER BY n")[8:] == [(8, 20), (9, None)]


KEYS = {
    "number": ("integer", ["5", "6"], ["1", "2"]),
    "text": ("varchar(10)", ["'e'", "'f'"], ["'a'", "'b'"]),
}


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("kind", ["sqlite", "postgres", "mysql", "oracle", "unknown"])
def test_keys_that_begin_again_are_an_error(make_db: MakeDb, kind: str, keys: tuple[str, list, list]) -> None:
    declared, before, after = keys
    source, destination = make_db(kind, "source"), make_db("sqlite", "destination")
    for db, table in ((source, "t"), (destination, "target")):
        db.execute(f"CREATE TABLE {table} (k {declared})")
    source.execute(*(f"INSERT INTO t VALUES ({value})" for value in before))
    load = Load(source, destination, {"source_table": "t", "checkpoint_column": "k", "scope": "task"})
    assert load.attempt().rows == 2
    source.execute("DELETE FROM t")
    load.next_run()
    result = load.attempt()
    assert (result.rows, len(result.warnings)) == (0, 1)
    assert "nothing is loaded until there are greater ones" in result.warnings[0]
    assert [event.text for event in load.told(Warned)] == list(result.warnings)
    source.execute(*(f"INSERT INTO t VALUES ({value})" for value in after))
    load.next_run()
    with pytest.raises(
        SourceError, match=r"the greatest [kK] is (2|b), below the mark of (6|f).*would load nothing"
    ):
        load.attempt()
    source.execute(f"INSERT INTO t VALUES ({before[1]})")
    assert load.attempt().rows == 0  # the row at the mark is there again


@pytest.mark.parametrize(
    ("greatest", "told"), [(2**31 - 1, True), (9_999_999, True), (2**63 - 1, True), (1_000_000, False)]
)
def test_a_number_that_stands_for_none_is_told(make_db: MakeDb, greatest: int, told: bool) -> None:
    source, destination = make_db("sqlite", "source"), make_db("sqlite", "destination")
    source.execute("CREATE TABLE t (n integer)", f"INSERT INTO t VALUES (1), ({greatest})")
    destination.execute("CREATE TABLE target (n integer)")
    load = Load(source, destination, {"source_table": "t", "checkpoint_column": "n", "scope": "task"})
    for rows in (2, 0):
        result = load.attempt()
        assert (result.rows, [str(greatest) in text for text in result.warnings]) == (rows, [True] * told)
        source.execute("INSERT INTO t VALUES (2)")
        load.next_run()


@pytest.mark.server
def test_a_mark_in_the_future_is_told(make_db: MakeDb) -> None:
    source, destination = make_db("postgres", "source"), make_db("sqlite", "destination")
    source.execute("CREATE TABLE t (at timestamp)", "INSERT INTO t VALUES ('2026-01-01'), ('9999-12-31')")
    destination.execute("CREATE TABLE target (at text)")
    load = Load(source, destination, {"source_table": "t", "checkpoint_column": "at", "scope": "task"})
    for rows in (2, 0):
        result = load.attempt()
        assert result.rows == rows
        (warning,) = result.warnings
        assert warning.startswith("The greatest at is 9999-12-31 00:00:00, which lies in the future")
        assert (
            destination.one("SELECT detail FROM airflow_checkpoint_event ORDER BY id DESC LIMIT 1") == warning
        )
        source.execute("INSERT INTO t VALUES ('2026-01-02')")
        load.next_run()
