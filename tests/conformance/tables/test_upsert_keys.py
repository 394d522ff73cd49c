"""An upsert needs a unique index on its columns, and takes no NULL in them."""

from __future__ import annotations

import psycopg
import pytest

from airflow_checkpoint_provider.engine.model.errors import BadRowsError
from tests.support.databases.fixtures import MakeDb
from tests.support.refusals import ROWS, make_load, refused

pytestmark = pytest.mark.server

NULLS = [(None, "a"), (1, "b"), (None, "c")]


@pytest.mark.parametrize("kind", ["postgres", "mysql", "sqlite", "oracle"])
def test_a_null_in_the_conflict_key_is_refused_naming_the_column(make_db: MakeDb, kind: str) -> None:
    target = "CREATE TABLE target (n integer, v varchar(20), UNIQUE (n))"
    load = make_load(
        make_db, kind, target, write_mode="upsert", conflict_columns=["n"], checkpoint_column=None
    )
    load.source.execute("DELETE FROM t")
    load.source.insert("t", NULLS)
    with pytest.raises(
        BadRowsError, match=r"(?i)n of target is NULL, and it is among conflict_columns.*on_bad_row"
    ):
        load.attempt()
    for _ in range(2):
        load.next_run()
        assert load.attempt(on_bad_row="reject").rejected_total == 2
        assert load.destination.rows("SELECT n, v FROM target") == [(1, "b")]


def test_a_null_in_the_conflict_key_from_postgres(make_db: MakeDb) -> None:
    target = "CREATE TABLE target (n integer UNIQUE, v varchar(20))"
    load = make_load(
        make_db, "postgres", target, write_mode="upsert", conflict_columns=["n"], checkpoint_column=None
    )
    load.source = load.destination
    load.destination.execute("CREATE TABLE t (n integer, v varchar(20))")
    load.destination.insert("t", NULLS)
    with pytest.raises(BadRowsError, match="n of target is NULL, and it is among conflict_columns"):
        load.attempt()
    assert load.destination.rows("SELECT n, v FROM target") == []


def test_nulls_that_the_index_holds_for_equal_are_loaded_once(make_db: MakeDb) -> None:
    load = make_load(make_db, "postgres", write_mode="upsert", conflict_columns=["n"], checkpoint_column=None)
    with psycopg.connect(load.destination.place) as connection:
        if connection.info.server_version < 150000:
            pytest.skip("NULLS NOT DISTINCT came with Postgres 15")
    load.destination.execute("CREATE TABLE target (n integer, v varchar(20), UNIQUE NULLS NOT DISTINCT (n))")
    load.source.execute("DELETE FROM t")
    load.source.insert("t", NULLS)
    for _ in range(2):
        load.next_run()
        load.attempt(batch_size=10)
        assert load.destination.rows("SELECT n, v FROM target ORDER BY n") == [(1, "b"), (None, "c")]


UNFIT = {
    "none": ("CREATE INDEX an_index ON target (v)", ["postgres", "mysql", "sqlite"]),
    "partial": ("CREATE UNIQUE INDEX an_index ON target (v) WHERE n > 5", ["postgres", "sqlite"]),
    "an expression": ("CREATE UNIQUE INDEX an_index ON target (lower(v))", ["postgres", "sqlite"]),
    "deferrable": ("ALTER TABLE target ADD CONSTRAINT an_index UNIQUE (v) DEFERRABLE", ["postgres"]),
    "characters": ("CREATE UNIQUE INDEX an_index ON target (v(3))", ["mysql"]),
}


@pytest.mark.parametrize(
    ("kind", "why"), [(kind, why) for why, (_, kinds) in UNFIT.items() for kind in kinds]
)
def test_an_upsert_without_a_fitting_unique_index(make_db: MakeDb, kind: str, why: str) -> None:
    table = "CREATE TABLE target (n integer, v varchar(20) NOT NULL)"
    load = make_load(make_db, kind, table, UNFIT[why][0], write_mode="upsert", conflict_columns=["v"])
    refused(
        load,
        "conflict_columns: target has no unique index on v"
        + (f".*{why}" if why in ("partial", "deferrable", "characters") else ""),
    )
    load.destination.execute("CREATE UNIQUE INDEX fits ON target (v)")
    if why == "deferrable":  # Postgres still chooses the deferrable index
        refused(load, "conflict_columns: target has no unique index on v")
        load.destination.execute("ALTER TABLE target DROP CONSTRAINT an_index")
    assert load.attempt().rows == len(ROWS)


def test_an_upsert_of_as_many_columns_as_postgres_has(make_db: MakeDb) -> None:
    names = ["n", *(f"c{number}" for number in range(1, 1600))]
    load = make_load(
        make_db,
        "postgres",
        f"CREATE TABLE target (n integer PRIMARY KEY, {', '.join(f'{n} boolean' for n in names[1:])})",
    )
    load.arguments |= {
        "sql": f"SELECT n, {', '.join(f'NULL::boolean AS {n}' for n in names[1:])} FROM t",
        "source_table": None,
    }
    load.source = load.destination
    load.destination.execute("CREATE TABLE t (n integer)", "INSERT INTO t VALUES (1), (2)")
    refused(load, "'upsert' numbers the rows of a batch in one more column", write_mode="upsert")
    assert load.attempt(write_mode="append").rows == 2
