"""A whole table is read with all of its columns, and not only those that ``*`` shows."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError, DestinationError
from airflow_checkpoint_provider.engine.model.events.transfer import StrategyChosen
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.partitions import plan
from tests.support.staging import stages

ROWS = [(n, 10 * n, 100 * n) for n in range(1, 5)]
QUERY = "SELECT id, a, extra FROM {} ORDER BY id"
WRITE_MODES = ["append", "upsert", "replace", "replace_atomic"]


def create(db: Db, table: str, *, hidden: bool) -> None:
    """Make a table of three columns, of which ``*`` shows two where one is hidden."""
    db.execute(f"CREATE TABLE {table} (id integer NOT NULL, a integer, extra integer, PRIMARY KEY (id))")
    if hidden:
        db.execute(db.able.hide(table, "extra", "integer"))


def fill(db: Db, table: str) -> None:
    db.execute(*(f"INSERT INTO {table} (id, a, extra) VALUES ({', '.join(map(str, row))})" for row in ROWS))


def make_load(source: Db, destination: Db, **arguments: Any) -> Load:
    return Load(source, destination, {"source_table": "t", "verify": "digest", "batch_size": 3, **arguments})


@pytest.mark.able(hides_columns=True)
def test_an_invisible_column_of_the_source_arrives(source: Db, make_db: MakeDb) -> None:
    destination = make_db("sqlite", "destination")
    create(source, "t", hidden=True)
    create(destination, "target", hidden=False)
    fill(source, "t")
    assert len(source.rows("SELECT * FROM t")[0]) == 2
    load = make_load(source, destination)
    assert load.attempt_batches(1)
    result = load.attempt()
    assert result.rows_total == len(ROWS)
    assert result.verified
    assert destination.rows(QUERY.format("target")) == ROWS


@pytest.mark.able(hides_columns=True)
@pytest.mark.parametrize("write_mode", WRITE_MODES)
def test_an_invisible_column_of_the_destination_is_filled(
    destination: Db, make_db: MakeDb, write_mode: str
) -> None:
    source = make_db("sqlite", "source")
    create(source, "t", hidden=False)
    create(destination, "target", hidden=True)
    fill(source, "t")
    load = make_load(source, destination, write_mode=write_mode)
    assert load.attempt_batches(1)
    assert load.attempt().verified
    assert destination.rows(QUERY.format("target")) == ROWS
    assert stages(destination) == []


@pytest.mark.able(hides_columns=True)
@pytest.mark.parametrize("write_mode", WRITE_MODES)
def test_invisible_columns_of_both_sides(source: Db, make_db: MakeDb, write_mode: str) -> None:
    destination = make_db(source.kind, "destination")
    create(source, "t", hidden=True)
    create(destination, "target", hidden=True)
    fill(source, "t")
    assert make_load(source, destination, write_mode=write_mode).attempt().verified
    assert destination.rows(QUERY.format("target")) == ROWS


@pytest.mark.able(hides_columns=True)
def test_an_invisible_column_that_the_destination_lacks_is_named(source: Db, make_db: MakeDb) -> None:
    destination = make_db("sqlite", "destination")
    create(source, "t", hidden=True)
    fill(source, "t")
    destination.execute(
        "CREATE TABLE target (id integer PRIMARY KEY, a integer)", "INSERT INTO target VALUES (9, 9)"
    )
    load = make_load(source, destination, write_mode="replace")
    with pytest.raises(
        DestinationError, match=r"(?i)destination_columns: target in 'dst' has no column 'extra'"
    ):
        load.attempt()
    assert destination.rows("SELECT id, a FROM target") == [(9, 9)]
    load.attempt(destination_columns={"id": "id", "a": "a"})
    assert destination.rows("SELECT id, a FROM target ORDER BY id") == [row[:2] for row in ROWS]


@pytest.mark.able(hides_columns=True)
def test_an_invisible_primary_key_is_gone_by(source: Db, make_db: MakeDb) -> None:
    destination = make_db("sqlite", "destination")
    create(source, "t", hidden=False)
    create(destination, "target", hidden=False)
    source.execute(source.able.hide("t", "id", "integer NOT NULL AUTO_INCREMENT"))
    fill(source, "t")
    load = make_load(source, destination)
    assert load.attempt_batches(1)
    load.attempt()
    assert [(event.strategy, event.reason) for event in load.told(StrategyChosen)] == [
        ("key", f"by {source.spelt('id')}, the primary key of the source table")
    ] * 2
    assert destination.rows(QUERY.format("target")) == ROWS
    parts = plan(source, 2, source_table="t", sql=None).parts
    assert len(parts) == 2


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.server)])
def test_a_column_that_both_sides_compute_is_left_out(make_db: MakeDb, kind: str) -> None:
    check_computed(make_db(kind, "source"), make_db(kind, "destination"))


@pytest.mark.server
@pytest.mark.parametrize(
    ("one", "other"),
    [("mysql", "mysql"), ("mysql", "postgres"), ("postgres", "mysql"), ("sqlite", "postgres")],
)
def test_a_column_that_both_servers_compute_is_left_out(make_db: MakeDb, one: str, other: str) -> None:
    check_computed(make_db(one, "source"), make_db(other, "destination"))


def check_computed(source: Db, destination: Db) -> None:
    for db, table in ((source, "t"), (destination, "target")):
        computed = str(db.able.computes).format("a * 2")
        db.execute(
            f"CREATE TABLE {table} (id integer NOT NULL, twice integer {computed}, a integer, PRIMARY KEY (id))"
        )
    source.execute(*(f"INSERT INTO t (id, a) VALUES ({n}, {a})" for n, a, _ in ROWS))
    for write_mode in WRITE_MODES:
        load = make_load(source, destination, write_mode=write_mode)
        load.run = WRITE_MODES.index(write_mode)
        if write_mode == "append":
            assert load.attempt_batches(1)
        assert load.attempt().rows_total == len(ROWS)
        assert destination.rows("SELECT id, a, twice FROM target ORDER BY id") == [
            (n, a, 2 * a) for n, a, _ in ROWS
        ]
    destination.execute("DROP TABLE target", "CREATE TABLE target (id integer, a integer, twice integer)")
    load.next_run()
    load.attempt(write_mode="append")
    assert destination.rows("SELECT id, twice FROM target ORDER BY id") == [(n, 2 * a) for n, a, _ in ROWS]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.server)])
def test_a_column_that_the_destination_alone_computes_is_named(make_db: MakeDb, kind: str) -> None:
    source, destination = make_db("sqlite", "source"), make_db(kind, "destination")
    create(source, "t", hidden=False)
    computed = str(destination.able.computes).format("a * 2")
    destination.execute(f"CREATE TABLE target (id integer PRIMARY KEY, a integer, extra integer {computed})")
    with pytest.raises(ArgumentError, match="target gives extra its values by itself"):
        make_load(source, destination).attempt()


def test_what_a_virtual_table_is_asked_by_is_no_column(make_db: MakeDb) -> None:
    source, destination = make_db("sqlite", "source"), make_db("sqlite", "destination")
    source.execute("CREATE VIRTUAL TABLE t USING fts5(a, b)", "INSERT INTO t VALUES ('one', 'two')")
    destination.execute("CREATE TABLE target (a text, b text)")
    make_load(source, destination, verify=None).attempt()
    assert destination.rows("SELECT * FROM target") == [("one", "two")]
