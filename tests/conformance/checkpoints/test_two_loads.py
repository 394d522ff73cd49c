"""Two loads of one table, one of which empties it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.checkpoint import Attempt, Identity
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, FencedError, TableInUseError
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.engine.transfer.staging.publication import Publication
from airflow_checkpoint_provider.engine.transfer.staging.publish_parts import PublishedTable
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded
from tests.support.partitions import PartLoad, plan
from tests.support.troubles.pausing import Pause

EMPTYING: list[dict[str, Any]] = [
    {"write_mode": "replace"},
    {"write_mode": "append", "preoperator": "DELETE FROM target -- all"},
]
SLICE = {"preoperator": "DELETE FROM target\n  WHERE n >= 0 -- of a kind"}


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (n integer)")
    source.insert("t", [(n,) for n in range(20)])
    destination.execute("CREATE TABLE target (n integer)")
    return Load(source, destination, {"source_table": "t", "checkpoint_column": "n", "batch_size": 4})


def other_run(load: Load) -> Load:
    return replace(load, run=load.run + 1, try_number=0, events=[])


def end_long_ago(load: Load) -> None:
    table = Tables.named("airflow_checkpoint").checkpoint
    with load.destination.database("dst").open(for_writing=True) as connection:
        ended = (
            table.update()
            .where(table.c.run_id == "run_1")
            .values(updated_at=datetime(2026, 1, 1, tzinfo=UTC))
        )
        connection.execute(ended)
        connection.commit()


@pytest.mark.parametrize("emptying", EMPTYING, ids=["replace", "preoperator"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("first", ["replace", "append"])
def test_a_table_is_not_emptied_under_a_load(
    load: Load, emptying: dict[str, Any], batch: int, first: str
) -> None:
    pause = Pause(batch)
    load.arguments["write_mode"] = first
    second = other_run(load)
    older = load.transfer(rows_processor=lambda rows: (pause(), rows)[1])
    with pause.around(older.run) as future:
        message = r"target would be emptied while a_dag.a_task, run run_1 \(try 1, test, try 1\) loads it.*max_active_runs=1"
        with pytest.raises(TableInUseError, match=message):
            second.attempt(**emptying)
    assert future.result().rows == 20
    assert loaded(load) == list(range(20))
    assert second.attempt(**emptying).rows == 20
    assert loaded(load) == list(range(20))


@pytest.mark.parametrize("emptying", [*EMPTYING, SLICE], ids=["replace", "preoperator", "slice"])
def test_an_older_load_adds_nothing_to_a_table_that_was_emptied_after_it_began(
    load: Load, emptying: dict[str, Any]
) -> None:
    pause = Pause(3)
    load.arguments |= emptying
    second = other_run(load)
    older = load.transfer(rows_processor=lambda rows: (pause(), rows)[1])
    with pause.around(older.run) as future:
        end_long_ago(load)
        assert second.attempt().rows == 20
    with pytest.raises(FencedError):
        future.result()
    assert loaded(load) == list(range(20))
    # The retry of the older load starts over, too.
    assert load.attempt().rows == 20
    assert loaded(load) == list(range(20))


@pytest.mark.parametrize("first", ["replace", "append"])
def test_a_load_that_has_failed_starts_over_once_the_table_was_emptied(load: Load, first: str) -> None:
    assert load.attempt_batches(2, write_mode=first)
    assert other_run(load).attempt(write_mode="replace").rows == 20
    again = load.attempt(write_mode=first)
    assert (again.rows, again.rows_total) == (20, 20)
    assert loaded(load) == sorted([*range(20)] * (1 if first == "replace" else 2))
    reason = (
        "SELECT detail FROM airflow_checkpoint_event WHERE run_id = 'run_1' AND kind = 'started' ORDER BY id"
    )
    assert "was about to start" in load.destination.rows(reason)[-1][0]


@pytest.mark.parametrize("write_mode", ["replace", "replace_atomic"])
def test_many_that_begin_at_once_do_not_double_a_row(load: Load, write_mode: str) -> None:
    load.attempt()  # creates the metadata table
    loads = [replace(load, run=run, try_number=0, events=[]) for run in range(2, 8)]
    gate = threading.Barrier(len(loads))

    def attempt(each: Load) -> str:
        gate.wait(30)
        try:
            return each.attempt(write_mode=write_mode, lock_timeout=30).status
        except (TableInUseError, FencedError) as error:
            return type(error).__name__

    with ThreadPoolExecutor(len(loads)) as pool:
        outcomes = list(pool.map(attempt, loads))
    assert "completed" in outcomes
    assert loaded(load) == list(range(20))


def test_a_stage_is_not_published_under_a_load(load: Load) -> None:
    pause = Pause(3)
    second = other_run(load)
    older = load.transfer(rows_processor=lambda rows: (pause(), rows)[1])
    with pause.around(older.run) as future:
        with pytest.raises(TableInUseError, match="run run_1"):
            second.attempt(write_mode="replace_atomic")
        assert loaded(load) == list(range(8))
    assert future.result().rows == 20
    assert second.attempt(write_mode="replace_atomic").rows_total == 20
    assert loaded(load) == list(range(20))


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("more", [(1, 2), (2, 3)], ids=["before", "behind"])
def test_the_same_rows_are_not_deleted_under_a_load(load: Load, more: tuple[int, ...], batch: int) -> None:
    pause = Pause(batch)
    load.arguments |= SLICE
    others = [f"DELETE FROM target WHERE n = {-number}" for number in more]
    first = {"preoperator": ["DELETE FROM target WHERE n = -1", SLICE["preoperator"]]}
    second = other_run(load)
    second.arguments = {**load.arguments, "preoperator": [SLICE["preoperator"], *others]}
    load.arguments |= first
    older = load.transfer(rows_processor=lambda rows: (pause(), rows)[1])
    with pause.around(older.run) as future:
        message = r"rows of target would be deleted by the same statement while .*run_1.*by a task of its own"
        with pytest.raises(TableInUseError, match=message):
            second.attempt()
    assert future.result().rows == 20
    assert second.attempt().rows == 20
    assert loaded(load) == list(range(20))


@pytest.mark.parametrize("emptying", [*EMPTYING, SLICE], ids=["replace", "preoperator", "slice"])
@pytest.mark.parametrize("batches", [1, 9], ids=["failed", "complete"])
def test_mapped_tasks_do_not_delete_each_others_rows(
    load: Load, emptying: dict[str, Any], batches: int
) -> None:
    first = replace(load, map_index=0, events=[])
    second = replace(load, map_index=1, events=[])
    first.attempt_batches(batches, where="n < 8", **emptying)
    message = r"rows of target that a_dag.a_task \[0\], run run_1 has loaded: another mapped instance"
    for _ in range(2):
        with pytest.raises(ArgumentError, match=message):
            second.attempt(where="n >= 8", **emptying)
    first.attempt(where="n < 8", **emptying)
    assert loaded(load) == list(range(8))
    assert second.attempt(where="n >= 8", preoperator="DELETE FROM target WHERE n >= 8").rows == 12
    assert loaded(load) == list(range(20))
    first.clear()
    assert first.attempt(where="n < 8", preoperator="DELETE FROM target WHERE n < 8").rows == 8
    assert loaded(load) == list(range(20))


@pytest.mark.parametrize("emptying", [*EMPTYING, SLICE], ids=["replace", "preoperator", "slice"])
def test_a_mapped_task_is_refused_beside_one_at_work(load: Load, emptying: dict[str, Any]) -> None:
    pause = Pause(3)
    first = replace(load, map_index=0, events=[])
    older = first.transfer(rows_processor=lambda rows: (pause(), rows)[1], where="n < 16", **emptying)
    with pause.around(older.run) as future, pytest.raises(ArgumentError, match="another mapped instance"):
        replace(load, map_index=1, events=[]).attempt(where="n >= 16", **emptying)
    assert future.result().rows == 16
    assert loaded(load) == list(range(16))


@pytest.mark.parametrize(
    "mine",
    [
        {"preoperator": "DELETE FROM target WHERE n < 0"},
        {"preoperator": "DELETE FROM other WHERE n >= 0"},
        {"destination_table": "other", "write_mode": "replace"},
    ],
)
def test_others_go_on_side_by_side(load: Load, mine: dict[str, Any]) -> None:
    load.destination.execute("CREATE TABLE other (n integer)")
    pause = Pause(3)
    older = load.transfer(rows_processor=lambda rows: (pause(), rows)[1])
    with pause.around(older.run) as future:
        assert other_run(load).attempt(**mine).rows == 20
    assert future.result().rows == 20


@pytest.mark.parametrize("destination", ["postgres"], indirect=True)
def test_a_name_with_its_schema_is_the_same_table(load: Load) -> None:
    pause = Pause(3)
    older = load.transfer(rows_processor=lambda rows: (pause(), rows)[1])
    with pause.around(older.run) as future, pytest.raises(TableInUseError):
        other_run(load).attempt(destination_table="public.target", write_mode="replace")
    assert future.result().rows == 20


def planned(load: Load, partitions: int) -> list[PartLoad]:
    parts = plan(load.source, partitions, checkpoint_column="n").parts
    more = {"checkpoint_column": "n", "batch_size": 4, "write_mode": "replace"}
    return [PartLoad.of(load.source, load.destination, part, **more) for part in parts]


@pytest.mark.able(enforces_types=True)
@pytest.mark.parametrize("partitions", [2, 3], ids=["another plan", "an equal plan"])
def test_partitions_of_two_runs_do_not_delete_each_others_rows(load: Load, partitions: int) -> None:
    mine = planned(load, 3)
    pause = Pause(2)
    first = mine[1].transfer(rows_processor=lambda rows: (pause(), rows)[1])
    with pause.around(first.run) as future:
        assert [mine[n].attempt().status for n in (0, 2)] == ["completed", "completed"]
        others = planned(load, partitions)
        for other in others:
            other.run = 2
        with pytest.raises(TableInUseError, match="run_1"):
            others[partitions // 2].attempt()
    assert future.result().status == "completed"
    assert loaded(load) == list(range(20))
    assert [other.attempt().status for other in others] == ["completed"] * partitions
    assert loaded(load) == list(range(20))


@pytest.mark.able(enforces_types=True)
def test_another_task_does_not_empty_the_table_under_partitions(load: Load) -> None:
    mine = planned(load, 2)
    pause = Pause(2)
    first = mine[0].transfer(rows_processor=lambda rows: (pause(), rows)[1])
    with pause.around(first.run) as future, pytest.raises(TableInUseError, match="run_1"):
        other_run(load).attempt(write_mode="replace")
    assert future.result().status == "completed"
    assert mine[1].attempt().status == "completed"
    assert loaded(load) == list(range(20))


def test_another_task_does_not_publish_under_a_load(load: Load) -> None:
    assert load.attempt(write_mode="replace_atomic", publish=False).status == "completed"
    publication = Publication(
        load.destination.database("dst"),
        [PublishedTable("target", Identity("a_dag", "a_task", "run_1"), None)],
        "airflow_checkpoint",
        Attempt("run_1", None, 1, 3, 3, 0, "publisher"),
        lambda event: None,
    )
    pause = Pause(3)
    older = other_run(load).transfer(rows_processor=lambda rows: (pause(), rows)[1])
    with pause.around(older.run) as future:
        with pytest.raises(TableInUseError, match="run run_2"):
            publication.run()
        assert loaded(load) == list(range(8))
    assert future.result().rows == 20
    assert publication.run().rows == 20
    assert loaded(load) == list(range(20))
