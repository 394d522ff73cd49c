"""SQL that runs when a load starts from the beginning, together with the reset of the checkpoint."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError, DestinationError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded

EMPTY = "DELETE FROM target"
CREATE = "CREATE TABLE target (n integer PRIMARY KEY, a text)"


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (n integer, a text)")
    source.insert("t", [(n, "x") for n in range(10)])
    destination.execute(CREATE, "INSERT INTO target VALUES (-1, 'old')", "CREATE TABLE log (what text)")
    return Load(source, destination, {"source_table": "t", "checkpoint_column": "n", "batch_size": 4})


@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace"])
@pytest.mark.parametrize(
    "script",
    [
        EMPTY,
        [EMPTY],
        [EMPTY, "INSERT INTO log VALUES ('a;b')"],
        f"{EMPTY}; INSERT INTO log VALUES ('a;b');",
        f"-- empty; it\n{EMPTY};\n/* ; */ INSERT INTO log VALUES ('100% :x ?')\n;\n",
        f"DROP TABLE target; {CREATE};",
        ["DROP TABLE target", "CREATE TABLE target (a text, n bigint PRIMARY KEY, more text)"],
    ],
)
def test_runs_once_for_each_load(load: Load, script: Any, write_mode: str) -> None:
    arguments = {"preoperator": script, "write_mode": write_mode}
    assert load.attempt_batches(1, **arguments)
    assert loaded(load) == [0, 1, 2, 3]
    assert load.attempt(**arguments).rows == 6
    assert load.attempt(**arguments).rows == 0
    load.clear()
    assert load.attempt(**arguments).rows == 10
    assert loaded(load) == list(range(10))
    entries = load.destination.one("SELECT count(*) FROM log")
    assert entries == (2 if "log" in str(script) else 0)


def test_may_create_the_table(load: Load) -> None:
    load.destination.execute("DROP TABLE target")
    create = {"preoperator": CREATE.replace("TABLE", "TABLE IF NOT EXISTS")}
    assert load.attempt_batches(1, **create)
    assert load.attempt(**create).rows == 6
    assert loaded(load) == list(range(10))


def test_may_bring_the_column_that_is_missing(load: Load) -> None:
    load.destination.execute("ALTER TABLE target DROP COLUMN a")
    assert load.attempt(preoperator=["DROP TABLE target", CREATE]).rows == 10


@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace"])
@pytest.mark.parametrize(
    "script",
    [
        [EMPTY, "INSERT INTO log VALUES ('a')", "INSERT INTO nowhere VALUES (1)"],
        f"INSERT INTO log VALUES ('a'); DROP TABLE target; {CREATE}; SELEC 1",
        ["DROP TABLE target", "CREATE TABLE target (b text)"],
        ["INSERT INTO log VALUES ('a')", "DROP TABLE target"],
    ],
)
def test_that_fails_leaves_everything_as_it_was(load: Load, script: Any, write_mode: str) -> None:
    if load.destination.kind == "mysql" and "DROP" in str(script):
        check_that_ddl_leads_to_starting_over(load, script, write_mode)
        return
    with pytest.raises(DestinationError, match="target"):
        load.attempt(preoperator=script, write_mode=write_mode)
    assert loaded(load) == [-1]
    assert load.destination.one("SELECT count(*) FROM log") == 0
    assert load.attempt(preoperator=EMPTY, write_mode=write_mode).rows == 10
    load.clear()
    with pytest.raises(DestinationError, match="target"):
        load.attempt(preoperator=script, write_mode=write_mode)
    assert loaded(load) == list(range(10))
    # The request to load again also holds for a retry.
    load.source.insert("t", [(10, "x")])
    assert load.attempt(preoperator=EMPTY, write_mode=write_mode).rows == 11
    assert loaded(load) == list(range(11))


def check_that_ddl_leads_to_starting_over(load: Load, script: Any, write_mode: str) -> None:
    """The implicit commits of MySQL stay, and so does the request to start over."""
    load.attempt_batches(1, write_mode=write_mode)
    load.clear()
    with pytest.raises(DestinationError, match="target"):
        load.attempt(preoperator=script, write_mode=write_mode)
    again = [f"DROP TABLE IF EXISTS target; {CREATE}"]
    assert load.attempt(preoperator=again, write_mode=write_mode).rows == 10
    assert loaded(load) == list(range(10))


def test_says_which_statement_was_refused(load: Load) -> None:
    with pytest.raises(
        DestinationError,
        match=r"'dst': target refused the preoperator, and (nothing|only what its DDL).*nowhere",
    ):
        load.attempt(preoperator="DELETE FROM nowhere")


def test_a_table_that_vanished_in_the_middle_is_named(load: Load) -> None:
    arguments = {"preoperator": CREATE.replace("TABLE", "TABLE IF NOT EXISTS")}
    load.attempt_batches(1, **arguments)
    load.destination.execute("DROP TABLE target")
    with pytest.raises(DestinationError, match="destination_table: there is no table target in 'dst'"):
        load.attempt(**arguments)


@pytest.mark.parametrize("enabled", [True, False])
def test_without_a_checkpoint_it_runs_for_every_attempt(load: Load, enabled: bool) -> None:
    off: dict[str, Any] = (
        {"checkpoint_enabled": False} if enabled else {"strategy": "none", "checkpoint_column": None}
    )
    assert load.attempt_batches(1, preoperator=EMPTY, **off)
    assert loaded(load) == [0, 1, 2, 3]
    for _ in range(2):
        assert load.attempt(preoperator=EMPTY, **off).rows == 10
        assert loaded(load) == list(range(10))


SESSION_STATE = {
    "sqlite": ["PRAGMA foreign_keys = ON", "ATTACH 'x' AS y", "CREATE TEMP TABLE target (n integer)"],
    "postgres": [
        *(
            "SET search_path = dwh, public",
            "set /* for all */ SESSION search_path TO dwh",
            "RESET search_path",
        ),
        *("CREATE TEMPORARY TABLE target (n integer)", "SELECT set_config('search_path', 'dwh', false)"),
        *("SET ROLE postgres", "SET TIME ZONE 'UTC'", "SELECT 1 AS n INTO TEMP target", "DISCARD ALL"),
    ],
    "mysql": [
        "USE dwh",
        "SET sql_mode = ''",
        "SET @@session.sql_mode = ''",
        "CREATE TEMPORARY TABLE target (n integer)",
        *("SET @a = 1", "SELECT 1 INTO @a", "SELECT @a := 1", "DO GET_LOCK('a', 1)"),
        *("/*!50001 SET sql_mode = '' */", "/*M! SET sql_mode = '' */", "LOCK TABLES target WRITE"),
    ],
}


def test_a_statement_that_holds_for_one_session_is_refused(load: Load) -> None:
    for statement in SESSION_STATE[load.destination.kind]:
        for script in ([statement, EMPTY], f"{EMPTY}; -- then\n{statement};"):
            with pytest.raises(
                ArgumentError, match=r"preoperator: ['\"].*holds for one session only.*connection"
            ):
                load.attempt(preoperator=script)
    assert loaded(load) == [-1]


@pytest.mark.parametrize("destination", ["postgres"], indirect=True)
@pytest.mark.parametrize("statement", ["SET LOCAL search_path = public", "SET CONSTRAINTS ALL DEFERRED"])
def test_what_ends_with_the_transaction_is_taken(load: Load, statement: str) -> None:
    assert load.attempt(preoperator=[statement, EMPTY]).rows == 10
    assert loaded(load) == list(range(10))


LOCAL_NAMES = [
    "SET LOCAL search_path = dwh, public",
    "SELECT set_config('search_path', 'dwh', true)",
    "DO $$ BEGIN SET LOCAL search_path = dwh; END $$",
    'SET LOCAL ROLE "dwh"',
]


@pytest.mark.parametrize("destination", ["postgres"], indirect=True)
@pytest.mark.parametrize("statement", LOCAL_NAMES)
def test_another_table_for_its_own_transaction_is_refused(load: Load, statement: str) -> None:
    load.destination.execute(
        "DO $$ BEGIN CREATE ROLE dwh; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "CREATE SCHEMA dwh AUTHORIZATION dwh",
        "CREATE TABLE dwh.target (n integer, a text)",
        "INSERT INTO dwh.target VALUES (-2, 'theirs')",
        "ALTER TABLE dwh.target OWNER TO dwh",
    )
    with pytest.raises(
        DestinationError, match=r"target is dwh\.target by the .*, and public\.target where rows"
    ):
        load.attempt(preoperator=[statement, EMPTY])
    assert load.destination.rows("SELECT n FROM dwh.target") == [(-2,)]
    named = {"preoperator": [statement, "DELETE FROM dwh.target"], "destination_table": "dwh.target"}
    assert load.attempt(**named).rows == 10
    assert load.destination.rows("SELECT n FROM dwh.target ORDER BY n") == [(n,) for n in range(10)]
    assert loaded(load) == [-1]


# Session state that is set inside a block or a function, so that the statement's text does not show it.
BEHIND = {
    "postgres": [
        (
            "SELECT 1",
            "DO $$ BEGIN PERFORM set_config('search_path', 'public, pg_catalog', false); END $$",
            "search_path",
        ),
        ("SELECT 1", "DO $$ BEGIN SET work_mem = '5MB'; END $$", "work_mem"),
        ("SELECT 1", "DO $$ BEGIN EXECUTE 'CREATE TEMP TABLE x ()'; END $$", "temporary table x"),
        (
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ SELECT set_config('work_mem', '5MB', false) $$",
            "SELECT f()",
            "work_mem",
        ),
    ],
    "mysql": [("CREATE PROCEDURE f() SET SESSION max_sort_length = 100", "CALL f()", "max_sort_length")],
}


@pytest.mark.parametrize("destination", BEHIND, indirect=True)
def test_what_a_block_or_a_function_leaves_behind_is_found(load: Load) -> None:
    for before, statement, name in BEHIND[load.destination.kind]:
        load.destination.execute(before)
        with pytest.raises(
            DestinationError, match=f"preoperator: it has changed {name} for one session only"
        ):
            load.attempt(preoperator=[EMPTY, statement])
        assert loaded(load) == [-1]


@pytest.mark.parametrize("destination", ["postgres"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT set_config('work_mem', '5MB', true)",
        "DO $$ BEGIN SET LOCAL work_mem = '5MB'; END $$",
    ],
)
def test_a_block_may_set_what_ends_with_the_transaction(load: Load, statement: str) -> None:
    assert load.attempt(preoperator=[statement, EMPTY]).rows == 10
    assert loaded(load) == list(range(10))


@pytest.mark.parametrize("destination", ["mysql"], indirect=True)
@pytest.mark.parametrize(
    "statement", ["SET GLOBAL max_sort_length = 1024", "SET STATEMENT max_sort_length = 100 FOR DO 1"]
)
def test_what_a_session_does_not_keep_is_taken(load: Load, statement: str) -> None:
    assert load.attempt(preoperator=[statement, EMPTY]).rows == 10
    assert loaded(load) == list(range(10))
