"""Errors of a deadlock, a lock or a lost connection: from a trigger for a bad row, or from the server itself."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from airflow_checkpoint_provider.engine.model.errors import BadRowsError, ConnectionLostError
from airflow_checkpoint_provider.engine.model.events.transfer import Reconnecting
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.waiting import wait_for

pytestmark = pytest.mark.server

RAISING = {
    "postgres": (
        "CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.k = 'b' THEN"
        " RAISE EXCEPTION 'no b' USING ERRCODE = '{}'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER judge BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION judge()",
    ),
    "mysql": (
        "CREATE TRIGGER judge BEFORE INSERT ON target FOR EACH ROW BEGIN IF NEW.k = 'b' THEN"
        " SIGNAL SQLSTATE {}, MESSAGE_TEXT = 'no b'; END IF; END",
    ),
}
RAISED = [
    *(("postgres", state) for state in ("57014", "40001", "40P01")),
    *(
        ("mysql", signal)
        for signal in (
            "'40001' SET MYSQL_ERRNO = 1213",
            "'HY000' SET MYSQL_ERRNO = 1205",
            "'70100' SET MYSQL_ERRNO = 1317",
            "'45000' SET MYSQL_ERRNO = 1213",
        )
    ),
]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.0)


def made(make_db: MakeDb, kind: str, *more: str) -> Load:
    source, destination = make_db("sqlite", "source"), make_db(kind, "destination")
    source.execute("CREATE TABLE t (n integer, k text)")
    source.insert("t", list(enumerate("abc")))
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY, k varchar(9))", *more)
    return Load(source, destination, {"source_table": "t", "checkpoint_column": "n", "batch_size": 10})


@pytest.mark.parametrize(("kind", "raised"), RAISED)
def test_an_error_that_comes_again_is_about_its_row(make_db: MakeDb, kind: str, raised: str) -> None:
    load = made(make_db, kind, *(statement.format(raised) for statement in RAISING[kind]))
    with pytest.raises(
        BadRowsError, match=r"target refused the batch, and nothing of it is committed: .*no b"
    ):
        load.attempt()
    result = load.attempt(on_bad_row="reject")
    assert (result.rows, result.rejected, result.reconnects) == (2, 1, 1)
    assert load.destination.rows("SELECT k FROM target ORDER BY k") == [("a",), ("c",)]
    assert "no b" in load.destination.one("SELECT error FROM airflow_checkpoint_reject")


@pytest.mark.parametrize(("kind", "raised"), [("postgres", "40001"), ("mysql", RAISED[3][1])])
@pytest.mark.parametrize(
    "arguments",
    [
        {"max_reconnects": 0},
        {"strategy": "none", "checkpoint_column": None},
        {"strategy": "none", "checkpoint_column": None, "write_mode": "replace", "batch_size": 1},
    ],
)
def test_it_comes_again_whatever_is_allowed(
    make_db: MakeDb, kind: str, raised: str, arguments: dict[str, object]
) -> None:
    load = made(make_db, kind, *(statement.format(raised) for statement in RAISING[kind]))
    with pytest.raises(BadRowsError, match="target refused the batch, .*no b"):
        load.attempt(**arguments)
    assert len(load.told(Reconnecting)) == 1
    if "max_reconnects" in arguments:
        assert load.attempt(on_bad_row="reject", **arguments).rejected == 1


@pytest.mark.parametrize("max_error_count", [0, 64])
def test_an_error_among_many_conditions(make_db: MakeDb, max_error_count: int) -> None:
    load = made(make_db, "mysql")
    target = load.destination
    target.execute(
        # Each row before has a warning, and each level of calls adds a note.
        "CREATE PROCEDURE judged (depth integer) BEGIN IF depth > 0 THEN CALL judged(depth - 1);"
        " ELSE SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'no b'; END IF; END",
        "CREATE TRIGGER judge BEFORE INSERT ON target FOR EACH ROW BEGIN SET max_sp_recursion_depth = 9;"
        " IF NEW.k = 'b' THEN CALL judged(5); ELSE SIGNAL SQLSTATE '01000' SET MESSAGE_TEXT = 'odd'; END IF; END",
    )
    before = target.one("SELECT @@GLOBAL.max_error_count")
    target.execute(f"SET GLOBAL max_error_count = {max_error_count}")
    try:
        assert load.attempt(on_bad_row="reject").rejected == 1
    finally:
        target.execute(f"SET GLOBAL max_error_count = {before}")


def test_an_error_that_only_the_driver_has(make_db: MakeDb) -> None:
    load = made(make_db, "mysql", RAISING["mysql"][0].format("'45000' SET MYSQL_ERRNO = 2013"))
    result = load.attempt(on_bad_row="reject")
    assert (result.rows, result.rejected) == (2, 1)


def test_a_deadlock_is_no_bad_row(make_db: MakeDb) -> None:
    load = made(make_db, "mysql")
    load.source.insert("t", [(3, "waits")])
    load.destination.execute(
        "CREATE TABLE held (n integer PRIMARY KEY)",
        "INSERT INTO held VALUES (1)",
        "CREATE TRIGGER lock_held AFTER INSERT ON target FOR EACH ROW"
        " BEGIN IF NEW.k = 'waits' THEN UPDATE held SET n = 1; END IF; END",
    )
    with closing(load.destination.connect()) as other, ThreadPoolExecutor(1) as thread:
        cursor = other.cursor()
        # The server gives up the transaction that has changed fewer rows.
        cursor.execute("CREATE TABLE changed (n integer)")
        cursor.execute("INSERT INTO changed SELECT 1 FROM information_schema.columns LIMIT 500")
        cursor.execute("UPDATE held SET n = 1 WHERE n = 1")
        cursor.execute("SELECT * FROM held FOR UPDATE")
        cursor.fetchall()
        waiting = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"

        def insert_the_row_of_the_load() -> None:
            wait_for(lambda: load.destination.one(waiting) == 1, "the load to wait")
            cursor.execute("INSERT INTO target VALUES (1, 'other')")
            other.rollback()

        done = thread.submit(insert_the_row_of_the_load)
        result = load.attempt(on_bad_row="reject")
        done.result()
    assert (result.rows, result.rejected, result.reconnects) == (4, 0, 1)
    assert "Deadlock" in load.told(Reconnecting)[0].error


def test_a_row_that_others_lock_is_no_bad_row(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> None:
    load = made(make_db, "mysql")
    with closing(load.destination.connect()) as holder:
        holder.cursor().execute("INSERT INTO target VALUES (1, 'held')")
        with pytest.raises(ConnectionLostError, match="A statement was ended 2 times without progress"):
            load.attempt(on_bad_row="reject", lock_timeout=1, max_reconnects=1)

        def let_go(low: float, high: float) -> float:
            holder.rollback()
            return 0.0

        monkeypatch.setattr(random, "uniform", let_go)
        result = load.attempt(on_bad_row="reject", lock_timeout=1)
    assert (result.rows, result.rejected, result.reconnects) == (3, 0, 1)
    assert len(load.told(Reconnecting)) == 2
