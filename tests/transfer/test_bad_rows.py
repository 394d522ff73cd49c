"""Rows that the destination refuses: put aside with the reason, in the transaction of the good rows."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import DestinationError, TooManyBadRowsError
from airflow_checkpoint_provider.engine.model.events.transfer import RouteChosen, RowsRejected
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

DESTINATIONS = ("sqlite", "postgres", "mysql", "oracle")
TARGET = "CREATE TABLE target (n integer, a integer{}, b varchar(5){}, PRIMARY KEY (n))"


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (n, a, b)")
    destination.execute(TARGET.format("", ""))
    arguments = {"sql": "SELECT * FROM t", "checkpoint_column": "n", "batch_size": 4, "on_bad_row": "reject"}
    return Load(source, destination, arguments)


def add(load: Load, *rows: tuple[Any, ...]) -> None:
    load.source.insert("t", rows)


def good(load: Load) -> list[int]:
    return [n for (n,) in load.destination.rows("SELECT n FROM target ORDER BY n")]


def numbers(load: Load) -> list[int]:
    rows = load.destination.rows("SELECT row_no FROM airflow_checkpoint_reject ORDER BY id")
    return [number for (number,) in rows]


def rejects(load: Load, hook: CheckpointHook) -> list[Any]:
    return list(hook.rejects("a_dag", "a_task", f"run_{load.run}"))


REFUSALS = {
    "not null": ((" NOT NULL", ""), (None, "x"), r"(?i)null"),
    "check": ((" CHECK (a < 50)", ""), (77, "x"), r"(?i)check|constraint"),
    "unique": (("", " UNIQUE"), (1, "same"), r"(?i)unique|duplicate"),
    "too long": (("", " CHECK (b <> 'y')"), (1, "toolong"), r"(?i)too long|too large|value"),
    "out of range": ((" CHECK (a < 3000000000)", ""), (10**12, "x"), r"(?i)range|constraint|precision"),
    "no number": (("", ""), ("nine", "x"), r"(?i)nine|number"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_a_destination_refuses(load: Load, hook: CheckpointHook, refusal: str) -> None:
    declared, (a, b), error = REFUSALS[refusal]
    if load.destination.kind == "sqlite" and refusal == "too long":
        declared = ("", " CHECK (length(b) < 6)")  # SQLite enforces no lengths
        error = "CHECK"
    if load.destination.kind == "sqlite" and refusal == "no number":
        declared = (" CHECK (typeof(a) = 'integer')", "")  # SQLite enforces no types
        error = "CHECK"
    if load.destination.kind == "oracle" and refusal == "out of range":
        declared = (" CHECK (a < 3000000000)", "")  # Oracle's integers have 38 digits
    load.destination.execute("DROP TABLE target", TARGET.format(*declared))
    add(load, *[(n, n, f"b{n}") for n in range(10)])
    add(load, (10, 1, "same"), (11, a, b), (12, 1, "last"))
    result = load.attempt()
    assert good(load) == [*range(11), 12]
    assert (result.rows, result.rows_total, result.rejected, result.rejected_total) == (12, 12, 1, 1)
    (reject,) = rejects(load, hook)
    spelt = load.destination.spelt
    assert reject.row == {spelt("n"): 11, spelt("a"): a, spelt("b"): b}
    assert (reject.row_no, reject.run_id, reject.try_number) == (12, "run_1", 1)
    assert reject.who == "test, try 1"
    assert "committed" not in reject.error
    assert re.search(error, reject.error), reject.error
    (told,) = load.told(RowsRejected)
    assert (told.rows, told.total, told.number) == (1, 1, 12)


@pytest.mark.parametrize("bad", [{0}, {3}, {0, 1, 2, 3}, {4, 5, 6, 7}, {8}, {0, 3, 4, 8}, set(range(9))])
@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace"])
def test_wherever_they_stand_in_a_batch(load: Load, bad: set[int], write_mode: str) -> None:
    load.destination.execute("DROP TABLE target", TARGET.format(" NOT NULL", ""))
    add(load, *[(n, None if n in bad else n, "x") for n in range(9)])
    result = load.attempt(write_mode=write_mode)
    assert good(load) == sorted(set(range(9)) - bad)
    assert numbers(load) == sorted(n + 1 for n in bad)
    assert (result.rows, result.rejected) == (9 - len(bad), len(bad))


def test_of_equal_keys_the_first_stays(load: Load) -> None:
    add(load, (1, 1, "first"), (2, 1, "x"), (1, 2, "again"), (3, 1, "x"), (3, 2, "again"), (4, 1, "x"))
    load.attempt(sql="SELECT * FROM t ORDER BY rowid", checkpoint_column=None)
    assert load.destination.rows("SELECT n, a FROM target ORDER BY n") == [(1, 1), (2, 1), (3, 1), (4, 1)]
    assert numbers(load) == [3, 5]


def test_upsert_keeps_the_last_good_one_of_a_key(load: Load) -> None:
    load.destination.insert("target", [(1, 0, "old"), (9, 0, "old")])
    add(load, (1, 1, "a"), (2, 1, "a"), (1, 2, "b"), (2, 2, "toolong" * 99), (1, 3, "last"), (3, 1, "a"))
    load.destination.execute("DROP TABLE target", TARGET.format("", " CHECK (b < 'm')"))
    add(load, (3, 5, "zz"))
    load.attempt(
        sql="SELECT * FROM t ORDER BY rowid", checkpoint_column=None, write_mode="upsert", batch_size=9
    )
    rows = load.destination.rows("SELECT n, a FROM target ORDER BY n")
    assert rows == [(1, 3), (2, 1), (3, 1)]
    assert numbers(load) == [4, 7]


def test_one_more_than_the_limit_ends_the_attempt(load: Load) -> None:
    load.destination.execute("DROP TABLE target", TARGET.format(" NOT NULL", ""))
    add(load, *[(n, None if n in (1, 6, 7) else n, "x") for n in range(12)])
    message = (
        r"(?i)target has refused 3 rows of this load, more than max_rejected_rows=2 allows.*"
        r"the 1 of earlier batches are in airflow_checkpoint_reject.*Row 8 of the load was the last.*null"
    )
    for _ in range(2):  # the limit is the load's, not the attempt's
        with pytest.raises(TooManyBadRowsError, match=message):
            load.attempt(max_rejected_rows=2)
        assert (good(load), numbers(load)) == ([0, 2, 3], [2])
    result = load.attempt(max_rejected_rows=None)
    assert (good(load), numbers(load)) == ([0, 2, 3, 4, 5, 8, 9, 10, 11], [2, 7, 8])
    assert (result.rows, result.rejected, result.rejected_total) == (6, 2, 3)
    again = load.attempt()  # the load is complete
    assert (again.rows, again.rejected, again.rejected_total) == (0, 0, 3)


def test_a_retry_rejects_no_row_twice(load: Load) -> None:
    load.destination.execute("DROP TABLE target", TARGET.format(" NOT NULL", ""))
    add(load, *[(n, None if n % 3 == 0 else n, "x") for n in range(20)])
    for python in (False, True):
        key = {"checkpoint_column": None, "sql": "SELECT * FROM t ORDER BY n"} if python else {}
        while load.attempt_batches(1, **key):
            bad = numbers(load)
            assert (len(good(load)) + len(bad)) % 4 == 0
        assert good(load) == [n for n in range(20) if n % 3]
        assert numbers(load) == [n + 1 for n in range(0, 20, 3)]
        load.next_run()
        load.destination.execute("DELETE FROM target", "DELETE FROM airflow_checkpoint_reject")


def test_starting_over_forgets_the_rejects_of_the_load_before(load: Load, hook: CheckpointHook) -> None:
    load.destination.execute("DROP TABLE target", TARGET.format(" NOT NULL", ""))
    add(load, *[(n, None if n in (2, 5) else n, "x") for n in range(8)])
    load.attempt(write_mode="replace")
    assert numbers(load) == [3, 6]
    load.source.execute("UPDATE t SET a = 1 WHERE n = 2")
    load.clear()
    assert load.attempt_batches(1, write_mode="replace")
    assert numbers(load) == []
    load.attempt(write_mode="replace")
    assert (good(load), numbers(load)) == ([0, 1, 2, 3, 4, 6, 7], [6])
    load.source.execute("UPDATE t SET a = 1")
    load.clear()
    result = load.attempt(write_mode="replace", on_bad_row="fail")  # deletes the rejected rows, too
    assert (good(load), numbers(load), result.rejected_total) == (list(range(8)), [], 0)


def test_another_runs_rejects_stay_with_a_mark_across_runs(load: Load, hook: CheckpointHook) -> None:
    load.destination.execute("DROP TABLE target", TARGET.format(" NOT NULL", ""))
    spans = {"scope": "task", "allow_duplicates": True, "max_rejected_rows": 1}
    add(load, (1, 1, "x"), (2, None, "x"))
    assert load.attempt(**spans).rejected_total == 1
    load.next_run()
    add(load, (3, None, "x"), (4, 1, "x"))
    assert load.attempt(**spans).rejected_total == 1
    assert [r.run_id for r in hook.rejects("a_dag", "a_task")] == ["run_1", "run_2"]
    load.clear()
    load.destination.execute("DELETE FROM target WHERE n > 2")
    assert load.attempt(**spans).rejected_total == 1
    assert [(r.run_id, r.row_no) for r in hook.rejects("a_dag", "a_task")] == [("run_1", 2), ("run_2", 1)]


def test_deleting_or_purging_a_checkpoint_takes_its_rejects(load: Load, hook: CheckpointHook) -> None:
    load.destination.execute("DROP TABLE target", TARGET.format(" NOT NULL", ""))
    for _ in range(3):
        load.source.execute("DELETE FROM t")
        add(load, (load.run, None, "x"))
        load.attempt()
        load.next_run()
    assert hook.delete("a_dag", "a_task", "run_1")
    names = "SELECT run_id FROM airflow_checkpoint_reject ORDER BY 1"
    assert load.destination.rows(names) == [("run_2",), ("run_3",)]
    assert hook.purge(timedelta(0), dry_run=True) == 2
    assert len(load.destination.rows(names)) == 2
    assert hook.purge(timedelta(0)) == 2
    assert load.destination.rows(names) == []


def test_a_composite_key(load: Load) -> None:
    load.destination.execute(
        "DROP TABLE target",
        "CREATE TABLE target (n integer, a integer NOT NULL, b varchar(9), PRIMARY KEY (n, b))",
    )
    add(load, *[(n // 3, None if n % 5 == 0 else n, f"b{n}") for n in range(12)])
    while load.attempt_batches(1, checkpoint_column=["n", "b"], sql="SELECT * FROM t"):
        pass
    assert [a for (a,) in load.destination.rows("SELECT a FROM target ORDER BY a")] == [
        n for n in range(12) if n % 5
    ]
    assert len(numbers(load)) == 3


def test_what_rows_processor_returns_is_what_is_rejected(load: Load, hook: CheckpointHook) -> None:
    add(load, *[(n, n, "x") for n in range(10)])

    def process(rows: list[Any]) -> list[Any]:
        return [(n, a * 2, "much too long" if n == 5 else b) for n, a, b in rows if n % 2]

    if load.destination.kind == "sqlite":
        load.destination.execute("DROP TABLE target", TARGET.format("", " CHECK (length(b) < 6)"))
    load.attempt(rows_processor=process)
    assert good(load) == [1, 3, 7, 9]
    (reject,) = rejects(load, hook)
    assert (list(reject.row.values()), reject.row_no) == ([5, 10, "much too long"], 3)
    load.clear()
    with pytest.raises(
        DestinationError, match="Rows of 1 values do not fit the 3 columns"
    ):  # not a row's fault
        load.attempt(rows_processor=lambda rows: [(1,)], write_mode="replace")


def test_without_reject_there_is_no_table(load: Load, hook: CheckpointHook) -> None:
    add(load, (1, 1, "x"))
    assert load.attempt(on_bad_row="fail").rejected == 0
    assert hook.rejects("a_dag", "a_task", "run_1") == []
    with pytest.raises(Exception, match=r"(?i)airflow_checkpoint_reject"):
        numbers(load)
    load.next_run()
    load.destination.execute("DELETE FROM target")
    load.attempt()
    assert numbers(load) == []


def test_a_batch_of_several_savepoints(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_checkpoint_provider.engine.transfer.batches.batch_writer.SAVEPOINT_ROWS", 3)
    load.destination.execute("DROP TABLE target", TARGET.format(" NOT NULL", ""))
    add(load, *[(n, None if n in (2, 3, 11) else n, "x") for n in range(20)])
    for write_mode in ("replace", "upsert"):
        load.next_run()
        load.attempt(batch_size=13, write_mode=write_mode)
        assert good(load) == [n for n in range(20) if n not in (2, 3, 11)]
    assert numbers(load) == [3, 4, 12] * 2
    assert {told.path for told in load.told(RouteChosen)} == {"rows"}
