"""Rows that a server leaves out without an error, and rows that a trigger refuses with an error of its own."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from airflow_checkpoint_provider.engine.model.errors import (
    BadRowsError,
    CheckpointError,
    DestinationError,
    VerificationError,
)
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

pytestmark = pytest.mark.server

FOUR = {
    "sqlite": ["a", "A", "b", "b "],
    "mysql": ["a", "A", "b", "b "],
    "postgres": ["1 mon", "30 days", "1 day", "24:00:00"],
}


def load_of(make_db: MakeDb, destination: str, values: list[Any], *target: str, **arguments: Any) -> Load:
    load = Load(
        make_db("sqlite", "source"),
        make_db(destination, "destination"),
        {"source_table": "t", "checkpoint_column": "n", "batch_size": 10, **arguments},
    )
    load.source.execute("CREATE TABLE t (n integer, k)")
    load.source.insert("t", list(enumerate(values)))
    load.destination.execute(*target)
    return load


COARSE = {
    "sqlite": ["CREATE TABLE target (n integer, k text COLLATE NOCASE PRIMARY KEY)"],
    "mysql": ["CREATE TABLE target (n integer, k varchar(9) COLLATE utf8mb4_general_ci PRIMARY KEY)"],
    "postgres": ["CREATE TABLE target (n integer, k interval PRIMARY KEY)"],
}
SHOWN = {"sqlite": "k", "mysql": "k", "postgres": "k::text"}
KEPT = {"sqlite": ["a", "b", "b "], "mysql": ["a", "b"], "postgres": ["1 mon", "1 day"]}


@pytest.mark.parametrize("destination", list(COARSE))
def test_an_upsert_by_a_coarser_collation(make_db: MakeDb, destination: str) -> None:
    load = load_of(
        make_db,
        destination,
        FOUR[destination],
        *COARSE[destination],
        write_mode="upsert",
        conflict_columns=["k"],
    )
    with pytest.raises(BadRowsError, match="collation|several rows for one"):
        load.attempt()
    assert load.destination.one("SELECT COUNT(*) FROM target") == 0
    result = load.attempt(on_bad_row="reject")
    kept = KEPT[destination]
    assert [
        key for (key,) in load.destination.rows(f"SELECT {SHOWN[destination]} FROM target ORDER BY n")
    ] == kept
    assert (result.rows, result.rejected) == (len(kept), 4 - len(kept))


@pytest.mark.parametrize("destination", list(COARSE))
def test_a_key_that_comes_twice_is_no_difference(make_db: MakeDb, destination: str) -> None:
    one, _, other, _ = FOUR[destination]
    load = load_of(
        make_db,
        destination,
        [one, other, one],
        *COARSE[destination],
        write_mode="upsert",
        conflict_columns=["k"],
    )
    assert load.attempt().rows == 3
    found = load.destination.rows(f"SELECT n, {SHOWN[destination]} FROM target ORDER BY n")
    assert found == [(1, other), (2, one)]


SKIPPING = {
    "sqlite": [
        "CREATE TABLE target (n integer, k text)",
        "CREATE TRIGGER skip BEFORE INSERT ON target WHEN NEW.k = 'b' BEGIN SELECT RAISE(IGNORE); END",
    ],
    "postgres": [
        "CREATE TABLE target (n integer PRIMARY KEY, k text)",
        "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF NEW.k = 'b' THEN RETURN NULL; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER skip BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION skip()",
    ],
}


@pytest.mark.parametrize("write_mode", ["append", "replace_atomic", "upsert"])
@pytest.mark.parametrize("destination", list(SKIPPING))
def test_a_trigger_that_leaves_a_row_out(make_db: MakeDb, destination: str, write_mode: str) -> None:
    keys = {"conflict_columns": ["n"]} if write_mode == "upsert" else {}
    if keys and destination == "sqlite":
        SKIPPING["sqlite"][0] = "CREATE TABLE target (n integer PRIMARY KEY, k text)"
    load = load_of(
        make_db, destination, ["a", "b", "c"], *SKIPPING[destination], write_mode=write_mode, **keys
    )
    with pytest.raises(BadRowsError, match=r"took 2 of 3 rows, without an error: a trigger"):
        load.attempt()
    assert load.destination.one("SELECT COUNT(*) FROM target") == 0
    if write_mode != "replace_atomic":
        result = load.attempt(on_bad_row="reject")
        assert (result.rows, result.rejected) == (2, 1)


@pytest.mark.parametrize("action", ["IGNORE", "REPLACE", "FAIL"])
def test_a_table_of_sqlite_that_settles_conflicts_its_own_way(make_db: MakeDb, action: str) -> None:
    load = load_of(
        make_db,
        "sqlite",
        ["a", "b", "a"],
        f"CREATE TABLE target (n integer, k text UNIQUE ON CONFLICT {action})",
    )
    with pytest.raises(BadRowsError, match="UNIQUE"):
        load.attempt()
    result = load.attempt(on_bad_row="reject")
    assert (result.rows, result.rejected) == (2, 1)
    assert load.destination.rows("SELECT n FROM target") == [(0,), (1,)]


@pytest.mark.parametrize("action", ["IGNORE", "REPLACE", "FAIL"])
def test_staged_rows_do_not_settle_conflicts_the_way_of_the_table(make_db: MakeDb, action: str) -> None:
    load = load_of(
        make_db,
        "sqlite",
        ["a", "b", "a"],
        f"CREATE TABLE target (n integer, k text UNIQUE ON CONFLICT {action})",
    )
    load.destination.execute("INSERT INTO target VALUES (-1, 'old')")
    with pytest.raises(BadRowsError, match="its old rows are all still there.*UNIQUE"):
        load.attempt(write_mode="replace_atomic")
    assert load.destination.rows("SELECT n FROM target") == [(-1,)]


def test_a_view_of_sqlite_counts_nothing(make_db: MakeDb) -> None:
    load = load_of(
        make_db, "sqlite", ["a", "b"],
        "CREATE TABLE kept (n integer, k text)",
        "CREATE VIEW target AS SELECT n, k FROM kept",
        "CREATE TRIGGER pass INSTEAD OF INSERT ON target BEGIN INSERT INTO kept VALUES (NEW.n, NEW.k); END",
    )  # fmt: skip
    assert load.attempt().rows == 2
    assert load.destination.one("SELECT COUNT(*) FROM kept") == 2


BODY = "CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE x int; BEGIN {} RETURN NEW; END $$"
OWN_WORDS = {
    "own state": "IF NEW.k = 'b' THEN RAISE EXCEPTION 'no b' USING ERRCODE = 'BR001'; END IF;",
    "no row": "SELECT 1 INTO STRICT x WHERE NEW.k <> 'b';",
    "several rows": "SELECT g INTO STRICT x FROM generate_series(1, CASE NEW.k WHEN 'b' THEN 2 ELSE 1 END) g;",
    "assert": "ASSERT NEW.k <> 'b', 'no b';",
    "case": "CASE NEW.k WHEN 'a' THEN NULL; WHEN 'c' THEN NULL; END CASE;",
}


@pytest.mark.parametrize("body", list(OWN_WORDS))
def test_what_a_trigger_of_postgres_says_of_a_row(make_db: MakeDb, body: str) -> None:
    load = load_of(
        make_db, "postgres", ["a", "b", "c"],
        "CREATE TABLE target (n integer, k text)",
        BODY.format(OWN_WORDS[body]),
        "CREATE TRIGGER judge BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION judge()",
        on_bad_row="reject",
    )  # fmt: skip
    result = load.attempt()
    assert (result.rows, result.rejected) == (2, 1)


@pytest.mark.parametrize(
    "signal",
    [
        "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no b'",
        "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no b', MYSQL_ERRNO = 31001",
        "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no b', MYSQL_ERRNO = 1001",
        "SIGNAL SQLSTATE 'BR001' SET MESSAGE_TEXT = 'no b', MYSQL_ERRNO = 1146",
        "SIGNAL SQLSTATE '02000' SET MESSAGE_TEXT = 'no b'",
    ],
)
def test_what_a_trigger_of_mysql_says_of_a_row(make_db: MakeDb, signal: str) -> None:
    load = load_of(
        make_db, "mysql", ["a", "b", "c"],
        "CREATE TABLE target (n integer, k varchar(9))",
        f"CREATE TRIGGER judge BEFORE INSERT ON target FOR EACH ROW BEGIN IF NEW.k = 'b' THEN {signal}; END IF; END",
        on_bad_row="reject",
    )  # fmt: skip
    result = load.attempt()
    assert (result.rows, result.rejected) == (2, 1)
    assert "no b" in load.destination.one("SELECT error FROM airflow_checkpoint_reject")


@pytest.mark.parametrize(
    "statement", ["INSERT INTO gone VALUES (1)", "SIGNAL SQLSTATE '42000' SET MYSQL_ERRNO = 1142"]
)
def test_what_mysql_refuses_every_row_for(make_db: MakeDb, statement: str) -> None:
    load = load_of(
        make_db, "mysql", ["a"], "CREATE TABLE target (n integer, k varchar(9))",
        f"CREATE TRIGGER judge BEFORE INSERT ON target FOR EACH ROW {statement}",
        on_bad_row="reject",
    )  # fmt: skip
    with pytest.raises(DestinationError) as refused:
        load.attempt()
    assert not isinstance(refused.value, BadRowsError)


def test_a_trigger_of_sqlite_that_rolls_back(make_db: MakeDb) -> None:
    load = load_of(
        make_db, "sqlite", ["a", "b", "c"],
        "CREATE TABLE target (n integer, k text)",
        "CREATE TRIGGER no BEFORE INSERT ON target WHEN NEW.k = 'b' BEGIN SELECT RAISE(ROLLBACK, 'no b'); END",
    )  # fmt: skip
    with pytest.raises(CheckpointError, match="no b"):
        load.attempt()
    with pytest.raises(CheckpointError, match=r"no b.*rolled back the whole transaction"):
        load.attempt(on_bad_row="reject")
    assert load.destination.one("SELECT COUNT(*) FROM target") == 0
    load.destination.execute(
        "DROP TRIGGER no",
        "CREATE TRIGGER no BEFORE INSERT ON target WHEN NEW.k = 'b' BEGIN SELECT RAISE(ABORT, 'no b'); END",
    )
    assert load.attempt(on_bad_row="reject").rejected == 1


CHANGING = {
    "sqlite": [
        "CREATE TRIGGER shout AFTER INSERT ON target BEGIN UPDATE target SET k = upper(k) WHERE n = NEW.n; END"
    ],
    "mysql": ["CREATE TRIGGER shout BEFORE INSERT ON target FOR EACH ROW SET NEW.k = upper(NEW.k)"],
    "postgres": [
        "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.k = upper(NEW.k); RETURN NEW; END $$",
        "CREATE TRIGGER shout BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION shout()",
    ],
}


@pytest.mark.parametrize("mode", ["append", "replace"])
@pytest.mark.parametrize("destination", list(CHANGING))
def test_a_trigger_that_may_change_rows_is_told(make_db: MakeDb, destination: str, mode: str) -> None:
    table = "CREATE TABLE target (n integer, k varchar(9))"
    load = load_of(make_db, destination, ["a", "b"], table, *CHANGING[destination], write_mode=mode)
    (warning,) = load.attempt().warnings
    assert "target has triggers that run as rows are written (shout)" in warning
    assert "verify='digest'" in warning
    load.next_run()
    load.destination.execute("DELETE FROM target")
    with pytest.raises(VerificationError):
        load.attempt(verify="digest")


def test_a_trigger_of_oracle_that_may_change_rows_is_told(make_db: MakeDb) -> None:
    load = load_of(make_db, "oracle", ["a"], "CREATE TABLE target (n NUMBER(9), k VARCHAR2(9))")
    with psycopg.connect(load.destination.place) as connection:
        connection.execute(
            "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$"
        )
        table = connection.execute(
            "SELECT oid::regclass FROM pg_class WHERE upper(relname) = 'TARGET'"
        ).fetchone()
        assert table
        connection.execute(
            f"CREATE TRIGGER keep BEFORE INSERT ON {table[0]} FOR EACH ROW EXECUTE FUNCTION keep()"
        )
    (warning,) = load.attempt().warnings
    assert "has triggers that run as rows are written (KEEP)" in warning


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_trigger_on_update_is_told_of_an_upsert_only(make_db: MakeDb, mode: str) -> None:
    table = "CREATE TABLE target (n integer PRIMARY KEY, k text)"
    trigger = "CREATE TRIGGER touch AFTER UPDATE ON target BEGIN SELECT 1; END"
    load = load_of(make_db, "sqlite", ["a"], table, trigger, write_mode=mode)
    assert len(load.attempt().warnings) == (mode == "upsert")
