"""Columns that take no value, or require one, are named before anything is changed."""

from __future__ import annotations

import pytest

from tests.support.databases.fixtures import MakeDb
from tests.support.refusals import OLD, ROWS, TABLE, make_load, refused

pytestmark = pytest.mark.server

GENERATED = {
    "postgres": "twice integer GENERATED ALWAYS AS (n * 2) STORED",
    "mysql": "twice integer GENERATED ALWAYS AS (n * 2) VIRTUAL",
    "sqlite": "twice integer GENERATED ALWAYS AS (n * 2) VIRTUAL",
}


@pytest.mark.parametrize("kind", list(GENERATED))
@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace", "replace_atomic"])
def test_a_generated_column_is_named_before_anything_is_deleted(
    make_db: MakeDb, kind: str, write_mode: str
) -> None:
    load = make_load(
        make_db,
        kind,
        f"CREATE TABLE target (n integer PRIMARY KEY, v varchar(20), {GENERATED[kind]})",
        "INSERT INTO target (n, v) VALUES (100, 'old')",
        write_mode=write_mode,
    )
    refused(
        load,
        "destination_columns: target gives twice its values by itself and takes none",
        destination_columns={"n": "n", "v": "twice"},
    )
    assert load.destination.rows("SELECT n, v FROM target") == [(100, "old")]
    load.attempt()
    assert load.destination.rows("SELECT n, v, twice FROM target WHERE n < 100 ORDER BY n") == [
        (n, v, 2 * n) for n, v in ROWS
    ]


@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace", "replace_atomic"])
def test_an_identity_of_oracle_that_takes_no_value(make_db: MakeDb, write_mode: str) -> None:
    table = "CREATE TABLE target (n integer GENERATED ALWAYS AS IDENTITY, v varchar(20) UNIQUE)"
    load = make_load(make_db, "oracle", table, write_mode=write_mode)
    refused(load, "(?i)destination_columns: target gives n its values by itself", conflict_columns=["v"])
    load.attempt(conflict_columns=["v"], destination_columns={"v": "v"})
    assert load.destination.rows("SELECT v FROM target ORDER BY v") == [(v,) for _, v in ROWS]


def test_an_upsert_that_would_change_an_identity(make_db: MakeDb) -> None:
    load = make_load(
        make_db,
        "postgres",
        "CREATE TABLE target (n integer GENERATED ALWAYS AS IDENTITY, v varchar(20) UNIQUE)",
        write_mode="upsert",
    )
    refused(load, "destination_columns: n of target is GENERATED ALWAYS", conflict_columns=["v"])
    load.attempt(conflict_columns=["v"], destination_columns={"v": "v"})
    assert load.destination.rows("SELECT v FROM target ORDER BY n") == [(v,) for _, v in ROWS]
    load.destination.execute("ALTER TABLE target ADD PRIMARY KEY (n)", "DELETE FROM target")
    load.next_run()
    refused(load, "destination_columns: n of target is GENERATED ALWAYS", destination_columns={"n": "n"})
    load.attempt(conflict_columns=["n"])
    assert load.destination.rows("SELECT n, v FROM target ORDER BY n") == ROWS


@pytest.mark.parametrize("kind", ["postgres", "mysql", "sqlite", "oracle"])
@pytest.mark.parametrize("write_mode", ["append", "replace", "replace_atomic"])
def test_a_column_without_a_value_is_named(make_db: MakeDb, kind: str, write_mode: str) -> None:
    load = make_load(
        make_db,
        kind,
        "CREATE TABLE target (n integer PRIMARY KEY, v varchar(20), w integer NOT NULL, x integer DEFAULT 1 NOT NULL)",
        "INSERT INTO target VALUES (100, 'old', 1, 1)",
        write_mode=write_mode,
    )
    refused(load, "(?i)destination_columns: w of target takes no NULL, has no default")
    assert load.destination.rows("SELECT n, v FROM target") == [(100, "old")]


@pytest.mark.parametrize("write_mode", ["append", "replace", "replace_atomic"])
def test_a_column_of_a_domain_that_takes_no_null(make_db: MakeDb, write_mode: str) -> None:
    load = make_load(
        make_db,
        "postgres",
        "CREATE DOMAIN named AS text NOT NULL",
        "CREATE DOMAIN short AS named CHECK (length(VALUE) < 9)",
        "CREATE DOMAIN filled AS named DEFAULT 'x'",
        "CREATE TABLE target (n integer PRIMARY KEY, v varchar(20), w short, x filled)",
        "INSERT INTO target VALUES (100, 'old', 'w', 'x')",
        write_mode=write_mode,
    )
    refused(load, "destination_columns: w of target takes no NULL, has no default")
    assert load.destination.rows("SELECT n, v FROM target") == [(100, "old")]


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_a_preoperator_that_changes_the_table_is_taken_back_with_it(make_db: MakeDb, kind: str) -> None:
    load = make_load(make_db, kind, TABLE, OLD, write_mode="replace")
    change = [
        "DROP TABLE target",
        f"CREATE TABLE target (n integer PRIMARY KEY, {GENERATED[kind]}, v varchar(20), w integer NOT NULL)",
    ]
    refused(load, "w of target takes no NULL", planned=False, preoperator=change)
    assert load.destination.rows("SELECT n, v FROM target") == [(100, "old")]
