"""Which rejected rows a replay tries, and those that are refused only by the commit."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.admin.replay import order as replay_order
from airflow_checkpoint_provider.engine.admin.replay import rows as replaying
from airflow_checkpoint_provider.engine.admin.replay.request import Replay
from airflow_checkpoint_provider.engine.admin.replay.rows import replay
from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.limits import Limits
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, CheckpointError
from airflow_checkpoint_provider.hooks import replaying as hook_replaying
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.admin.test_replay import IDENTITY, TABLES, again, numbers, rejected_ids, rejecting
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.refusals import enforced

KEEPS_REFUSING = "CREATE TRIGGER no_small_one BEFORE INSERT ON target WHEN new.n < 4 BEGIN SELECT RAISE(ABORT, 'too small'); END"


@pytest.fixture
def transactions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of rows of the transactions, as they are tried."""
    sizes: list[int] = []
    together = replaying._Replaying._write_together

    def count(one: Any, rows: Any) -> None:
        sizes.append(len(rows))
        together(one, rows)

    monkeypatch.setattr(replaying._Replaying, "_write_together", count)
    return sizes


def test_rows_that_keep_being_refused_keep_no_others_waiting(make_db: MakeDb) -> None:
    load = rejecting(make_db)
    load.destination.execute(KEEPS_REFUSING)
    done = again(load, limit=2)
    assert (done.written, done.refused, done.complete) == (0, 2, False)
    assert again(load, limit=2).written == 1
    assert again(load, limit=2).written == 2
    assert again(load, limit=3).written == 3
    assert numbers(load) == [0, 4, 5, 6, 7, 8, 9]
    done = again(load, limit=3)
    assert (done.written, done.refused, done.left, done.complete) == (0, 3, 3, True)
    load.destination.execute("DROP TRIGGER no_small_one")
    assert again(load).written == 3


def test_corrected_rows_that_keep_being_refused_keep_no_others_waiting(make_db: MakeDb) -> None:
    load = rejecting(make_db)
    load.destination.execute(KEEPS_REFUSING)
    corrected: dict[int, dict[str, Any]] = {id_: {"b": "corrected"} for id_ in rejected_ids(load)}
    assert [again(load, corrected=corrected, limit=3).written for _ in range(2)] == [0, 3]
    assert numbers(load) == [0, 4, 5, 6]


def test_a_request_with_little_time_tries_some_rows_and_the_next_one_others(
    make_db: MakeDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_order, "ROWS_AT_ONCE", 3)
    load = rejecting(make_db)
    load.destination.execute(KEEPS_REFUSING)
    assert [again(load, seconds=-1.0).written for _ in range(3)] == [0, 3, 3]


def test_rows_are_read_up_to_a_size(
    make_db: MakeDb, monkeypatch: pytest.MonkeyPatch, transactions: list[int]
) -> None:
    load = rejecting(make_db)
    length = load.destination.one("SELECT MAX(LENGTH(row_data)) FROM airflow_checkpoint_reject")
    monkeypatch.setattr(replay_order, "CHARACTERS_AT_ONCE", 2 * length)
    assert again(load).written == 9
    assert transactions == [2, 2, 2, 2, 1]


def unrelated(make_db: MakeDb) -> tuple[Load, Database]:
    """Run a load with nine rejects, two of which then refer to no row of another table."""
    load = Load(
        make_db("sqlite", "source"),
        make_db("sqlite", "destination"),
        {"source_table": "t", "checkpoint_column": "n", "on_bad_row": "reject"},
    )
    load.source.execute("CREATE TABLE t (n integer PRIMARY KEY, b text)")
    load.source.insert("t", [(n, f"b{n}") for n in range(9)])
    reference = "REFERENCES parent DEFERRABLE INITIALLY DEFERRED"
    load.destination.execute(
        "CREATE TABLE parent (b text PRIMARY KEY)",
        f"CREATE TABLE target (n integer UNIQUE, b text {reference})",
    )
    load.destination.insert("parent", [(f"b{n}",) for n in range(9) if n not in (3, 8)])
    load.destination.insert("target", [(n, "b0") for n in range(9)])
    load.attempt()
    load.destination.execute("DELETE FROM target")
    return load, Database("dst", lambda: enforced(load.destination))


def test_a_row_that_the_commit_refuses_stays_alone(make_db: MakeDb, transactions: list[int]) -> None:
    load, enforcing = unrelated(make_db)
    done = replay(Replay(who="ann"), enforcing, TABLES, IDENTITY)
    assert (done.written, done.refused, done.left, done.complete) == (7, 2, 2, True)
    assert done.reason == "FOREIGN KEY constraint failed"
    assert numbers(load) == [0, 1, 2, 4, 5, 6, 7]
    kept = load.destination.rows("SELECT row_no, who FROM airflow_checkpoint_reject ORDER BY id")
    assert kept == [(4, "ann"), (9, "ann")]
    assert load.destination.one("SELECT rows_written FROM airflow_checkpoint") == 7
    assert transactions[:3] == [9, 4, 2]


def test_no_half_begins_after_the_time(make_db: MakeDb, transactions: list[int]) -> None:
    load, enforcing = unrelated(make_db)
    done = replay(Replay(who="ann", seconds=-1.0), enforcing, TABLES, IDENTITY)
    assert (done.complete, transactions) == (False, [9, 4, 2])
    assert len(numbers(load)) + done.left == 9


@pytest.mark.server
def test_a_statement_that_takes_too_long_ends_the_request(make_db: MakeDb) -> None:
    load = rejecting(make_db, "postgres")
    load.destination.execute(
        "CREATE FUNCTION wait() RETURNS trigger AS 'BEGIN PERFORM pg_sleep(60); RETURN new; END' LANGUAGE plpgsql",
        "CREATE TRIGGER slow BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION wait()",
    )
    database = Database("dst", load.destination.connect, limits=Limits(10, 0.2))
    with pytest.raises(CheckpointError, match="statement timeout"):
        replay(Replay(who="ann"), database, TABLES, IDENTITY)
    assert numbers(load) == [0]


def test_the_hook_limits_its_database(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> None:
    load = rejecting(make_db)
    monkeypatch.setenv("AIRFLOW_CONN_DST", load.destination.uri)
    opened: list[Any] = []
    open_database = hook_replaying.open_database

    def remember(*given: Any, **named: Any) -> Database:
        opened.append(open_database(*given, **named))
        return opened[-1]

    monkeypatch.setattr(hook_replaying, "open_database", remember)
    assert CheckpointHook("dst").replay_rejects("a_dag", "a_task", "run_1").written == 9
    assert [database.limits for database in opened] == [Limits()]


@pytest.mark.parametrize("corrected", [{True: {}}, {0: {}}, {2**63: {}}, {"1": {}}, {1: "x"}, [1]], ids=repr)
def test_corrected_rows_have_ids(corrected: Any) -> None:
    with pytest.raises(ArgumentError, match="corrected: give the values of each row by the id of the row"):
        CheckpointHook("dst").replay_rejects("a_dag", "a_task", "run_1", corrected=corrected)
