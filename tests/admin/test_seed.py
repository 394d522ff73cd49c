"""A load that another tool began goes on from a position given by a user."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    CheckpointError,
    FencedError,
    SourceChangedError,
    WouldDuplicateError,
)
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded
from tests.support.numbers import add, numbers

PAIRS = ["sqlite->sqlite", "postgres->postgres", "mysql->postgres", "oracle->postgres", "postgres->oracle"]
RUN = ("a_dag", "a_task", "run_1")
Seed = Callable[..., Any]


@pytest.fixture(params=PAIRS)
def ends(request: pytest.FixtureRequest, make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> tuple[Db, Db]:
    kinds = request.param.split("->")
    source, destination = make_db(kinds[0], "source"), make_db(kinds[1], "destination")
    monkeypatch.setenv("AIRFLOW_CONN_SRC", source.uri)
    monkeypatch.setenv("AIRFLOW_CONN_DST", destination.uri)
    return source, destination


@pytest.fixture
def load(ends: tuple[Db, Db]) -> Load:
    return numbers(*ends, declared="n integer")


@pytest.fixture
def seed(load: Load) -> Seed:
    """Seed with the arguments of the load; the destination has the rows up to 5."""
    load.destination.insert("target", [(n,) for n in range(6)])

    def with_arguments(*key: Any, **given: Any) -> Any:
        arguments = {"source_table": "t", "checkpoint_column": "n", "destination_table": "target"}
        hook = CheckpointHook("dst")
        return hook.seed(*(key or RUN), **{**arguments, "source_conn_id": "src", "who": "ann", **given})

    return with_arguments


def test_the_first_attempt_loads_what_is_behind_it(load: Load, seed: Seed) -> None:
    seeded = seed(position="5", rows=6, reason="was in the old tool")
    assert (seeded.status, seeded.position.key, seeded.rows, seeded.fence) == ("seeded", (5,), 6, 0)
    add(load, 10)  # before the load begins, so this run loads the row
    result = load.attempt()
    assert (result.started_from, result.rows, result.rows_total) == ({load.source.spelt("n"): 5}, 5, 11)
    assert loaded(load) == list(range(11))
    hook = CheckpointHook("dst")
    (first, *_, last) = hook.history(*RUN)
    assert (first.kind, last.kind, last.who, last.rows) == ("completed", "seeded", "ann", 6)
    assert last.detail
    assert last.detail.endswith("= 5: was in the old tool")
    found = hook.get(*RUN)
    assert found
    assert not found.is_seeded
    assert (found.status, found.upper) == ("completed", (10,))
    assert load.attempt().rows == 0


def test_an_attempt_that_is_ended_in_its_middle_is_gone_on_from(load: Load, seed: Seed) -> None:
    seed(position=1)
    load.destination.execute("DELETE FROM target WHERE n > 1")
    assert load.attempt_batches(1)
    assert load.attempt().rows == 4
    assert loaded(load) == list(range(10))


def test_a_task_that_was_cleared_goes_on_at_the_seed_too(load: Load, seed: Seed) -> None:
    load.try_number = 4
    load.clear()
    seed(position=5)
    assert load.attempt().rows == 4
    load.clear()
    with pytest.raises(WouldDuplicateError, match=r"4 rows of this load are already"):
        load.attempt()


@pytest.mark.parametrize("request_it", [True, False])
def test_rows_of_which_the_number_is_unknown_are_not_loaded_again(
    load: Load, seed: Seed, request_it: bool
) -> None:
    seed(position=9)
    if request_it:
        CheckpointHook("dst").request_reload(*RUN)
    with pytest.raises(WouldDuplicateError, match=r"rows up to 9 are already.*write_mode"):
        load.attempt(force_reload=not request_it)


def test_replace_leaves_what_is_there(load: Load, seed: Seed) -> None:
    seed(position=5)
    assert load.attempt(write_mode="replace").rows == 4
    assert loaded(load) == list(range(10))
    load.clear()
    assert load.attempt(write_mode="replace").rows == 10
    assert loaded(load) == list(range(10))


@pytest.mark.parametrize("ends", ["sqlite->sqlite"], indirect=True)
def test_what_no_attempt_would_read_is_said(load: Load, seed: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    log = Mock(**{"warning.side_effect": lambda text, *parts: said.append(text % parts)})
    monkeypatch.setattr(CheckpointHook, "log", log)
    seed(position=1)
    seed("a_dag", "a_task", position=1)
    load.destination.execute("DELETE FROM target WHERE n > 1")
    load.attempt()
    with pytest.raises(ArgumentError):
        seed("a_dag", "a_task", position=99, replace=True)
    assert said == []
    seed("a_dag", "a_task", position=5, replace=True)
    assert len(said) == 1
    assert "had scope='run', and kept the checkpoint of a_dag.a_task, run run_1." in said[0]
    assert "it needs scope='task'" in said[0]


def test_a_mark_across_runs(load: Load, seed: Seed) -> None:
    seed("a_dag", "a_task", position=5)
    assert load.attempt(scope="task").rows == 4
    add(load, 10, 11)
    load.next_run()
    assert load.attempt(scope="task").rows == 2
    assert loaded(load) == list(range(12))


def test_a_mark_across_runs_survives_an_attempt_that_ends_while_it_begins(load: Load, seed: Seed) -> None:
    seed("a_dag", "a_task", position=5)
    with pytest.raises(CheckpointError, match="preoperator|broken"):
        load.attempt(scope="task", preoperator="broken", rows_processor=_fail)
    assert load.attempt(scope="task").rows == 4
    assert loaded(load) == list(range(10))


def _fail(rows: list[Any]) -> list[Any]:
    raise CheckpointError("broken")


def test_rows_are_counted_where_there_is_no_key(load: Load, seed: Seed) -> None:
    query = {"sql": "SELECT n FROM t ORDER BY n", "source_table": None, "checkpoint_column": None}
    for proof in ("last_row", "prefix"):
        seeded = seed(rows=6, **query, resume_proof=proof, replace=True)
        assert (seeded.strategy, seeded.position.rows) == ("python", 6)
    with pytest.raises(ArgumentError, match="give rows instead"):
        seed(position=5, **query, replace=True)
    with pytest.raises(CheckpointError, match="fewer than 11 rows"):
        seed(rows=11, **query, replace=True)
    result = load.attempt(**query, resume_proof="prefix")
    assert (result.started_from, result.rows, result.rows_total) == ({"row": 6}, 4, 10)
    assert loaded(load) == list(range(10))


@pytest.mark.parametrize("proof", ["last_row", "prefix"])
def test_a_source_that_has_shifted_since_is_noticed(load: Load, seed: Seed, proof: str) -> None:
    query = {"sql": "SELECT n FROM t ORDER BY n", "source_table": None, "checkpoint_column": None}
    seed(rows=6, **query, resume_proof=proof)
    load.source.execute("DELETE FROM t WHERE n = 2")
    with pytest.raises(SourceChangedError, match="6 rows were committed"):
        load.attempt(**query, resume_proof=proof)


WRONG = [
    ({"position": "x"}, r"position: 'x' is not a value of n; give a whole number"),
    ({"position": 5.5}, r"5\.5 is not a value of n; give a whole number"),
    ({"position": "nan"}, r"'nan' is not a value of n"),
    ({"position": None}, r"position: give the last value of n"),
    ({"position": [1, 2]}, r"2 values are given for n; give one"),
    ({"position": 10}, r"n = 10 is beyond the greatest of the source, n = 9.*--force"),
    ({"position": 5, "rows": -1}, r"rows: -1 is not a number of rows"),
    ({"position": 5, "checkpoint_column": "m"}, r"does not return a column 'm'"),
    ({"position": 5, "destination_table": "nowhere"}, r"nowhere"),
    ({"position": 5, "source_table": "nowhere"}, r"nowhere"),
    ({"position": 5, "source_conn_id": "nowhere"}, r"no Airflow connection 'nowhere'"),
]


@pytest.mark.parametrize(("given", "message"), WRONG)
def test_what_is_wrong_is_refused_and_nothing_is_stored(
    load: Load, seed: Seed, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(CheckpointError, match=f"(?is){message}"):
        seed(**given)
    CheckpointHook("dst").create_tables()
    assert CheckpointHook("dst").get(*RUN) is None


def test_a_position_ahead_of_the_source_can_be_forced(load: Load, seed: Seed) -> None:
    seed("a_dag", "a_task", position=11, force=True)
    add(load, 11, 12)
    assert load.attempt(scope="task").rows == 1


def test_a_source_without_rows_says_so(load: Load, seed: Seed) -> None:
    load.source.execute("DELETE FROM t")
    with pytest.raises(ArgumentError, match="no rows with a value in"):
        seed(position=5)


def test_another_task_than_the_one_that_was_seeded_is_refused(load: Load, seed: Seed) -> None:
    seed(position=5, sql="SELECT n FROM t WHERE n >= 0", source_table=None)
    load.destination.execute("CREATE TABLE other (n integer)")
    with pytest.raises(SourceChangedError, match="table was 'target', is 'other'"):
        load.attempt(destination_table="other")
    assert load.attempt().rows == 4  # a different query is accepted


def test_what_was_asked_before_is_not_meant_for_the_seed(load: Load, seed: Seed) -> None:
    hook = CheckpointHook("dst")
    hook.create_tables()
    hook.request_reload(*RUN)
    seed(position=5)
    assert load.attempt().rows == 4


def test_a_checkpoint_is_replaced_only_if_that_is_asked_for(load: Load, seed: Seed) -> None:
    load.destination.execute("DELETE FROM target")
    assert load.attempt_batches(1)
    with pytest.raises(ArgumentError, match=r"already \(failed, 4 rows committed\).*replace=True"):
        seed(position=5)
    load.destination.insert("target", [(4,), (5,)])
    assert seed(position=5, replace=True).fence == 2
    assert load.attempt().rows == 4
    assert loaded(load) == list(range(10))


def test_an_attempt_that_runs_is_overtaken(load: Load, seed: Seed) -> None:
    def overtake(rows: list[Any]) -> list[Any]:
        seed(position=5, replace=True)
        return rows

    with pytest.raises(FencedError):
        load.attempt(rows_processor=overtake)
    assert loaded(load) == list(range(6))


def test_a_key_of_several_columns_with_a_time(ends: tuple[Db, Db]) -> None:
    source, destination = ends
    for table, db in (("t", source), ("target", destination)):
        kind = "datetime" if db.kind == "mysql" else "timestamp"
        db.execute(f"CREATE TABLE {table} (changed {kind}, n integer)")
    rows = [(f"2026-01-0{1 + n // 4} 12:00:00", n) for n in range(12)]
    source.insert("t", rows)
    given = {"source_table": "t", "checkpoint_column": ["changed", "n"], "destination_table": "target"}
    load = Load(source, destination, {**given, "batch_size": 3})
    hook = CheckpointHook("dst")
    time = "2026-01-02 12:00:00" if source.kind == "sqlite" else "2026-01-02T12:00:00"
    if source.kind != "sqlite":  # in SQLite, a time is text
        for wrong in ("soon", "2026-01-02T12:00:00+01:00"):
            with pytest.raises(ArgumentError, match="is not a value of changed.*without a time zone|a time"):
                hook.seed(*RUN, **given, source_conn_id="src", position=[wrong, "5"])
    hook.seed(*RUN, **given, source_conn_id="src", position=[time, "5"])
    assert load.attempt().rows == 6
    assert [n for (n,) in destination.rows("SELECT n FROM target ORDER BY n")] == list(range(6, 12))


def test_lookback_goes_back_from_the_seed(load: Load, seed: Seed) -> None:
    load.destination.execute("DROP TABLE target", "CREATE TABLE target (n integer PRIMARY KEY)")
    seed("a_dag", "a_task", position=5)
    assert load.attempt(scope="task", write_mode="upsert", lookback=2).rows == 6
    assert CheckpointHook("dst").purge(timedelta(0), "seeded") == 0
