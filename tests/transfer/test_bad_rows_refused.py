"""Where bad rows cannot be put aside, and errors that are no row's fault."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    BadRowsError,
    DestinationError,
    MetadataTableError,
)
from airflow_checkpoint_provider.engine.model.events.transfer import RouteChosen
from airflow_checkpoint_provider.engine.store.rejected.rows import row_text
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load


def made(make_db: MakeDb, source: str, destination: str, target: str, **arguments: Any) -> Load:
    load = Load(
        make_db(source, "source"),
        make_db(destination, "destination"),
        {"source_table": "t", "checkpoint_column": "n", "batch_size": 4, "on_bad_row": "reject", **arguments},
    )
    load.source.execute("CREATE TABLE t (n integer, a integer)")
    load.source.insert("t", [(n, n) for n in range(10)])
    load.destination.execute(target)
    return load


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"on_bad_row": "skip"}, "on_bad_row: 'skip' is not one of 'fail', 'reject'"),
        ({"max_rejected_rows": 0}, "max_rejected_rows: 0 is not a whole number of at least 1; None"),
        ({"max_rejected_rows": True}, "max_rejected_rows: True is not"),
        ({"max_rejected_rows": 1.5}, "max_rejected_rows: 1.5 is not"),
        ({"on_bad_row": "reject", "strategy": "none"}, "on_bad_row: .* there is none with strategy='none'"),
        ({"on_bad_row": "reject", "checkpoint_enabled": False}, "on_bad_row: .*checkpoint_enabled=False"),
        (
            {"on_bad_row": "reject", "separate_checkpoint": True, "write_mode": "upsert"},
            "on_bad_row: .*with checkpoint_conn_id they cannot commit together",
        ),
    ],
)
def test_arguments_that_cannot_be(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        TransferSpec(sql="SELECT 1", destination_table="t", **given)


@pytest.mark.server
def test_a_table_that_no_rollback_takes_back(make_db: MakeDb) -> None:
    load = made(
        make_db,
        "sqlite",
        "mysql",
        "CREATE TABLE target (n integer, a integer) ENGINE = MyISAM",
        allow_duplicates=True,
    )
    with pytest.raises(
        ArgumentError, match=r"on_bad_row: target is a table of MyISAM.*use on_bad_row='fail'"
    ):
        load.attempt()
    assert load.destination.one("SELECT COUNT(*) FROM target") == 0
    assert load.attempt(on_bad_row="fail").rows == 10


def test_a_database_of_which_nothing_is_known(make_db: MakeDb) -> None:
    import duckdb

    load = made(make_db, "sqlite", "sqlite", "CREATE TABLE target (n integer, a integer)")
    unknown = Database("dst", lambda: duckdb.connect(":memory:"))
    with pytest.raises(
        ArgumentError, match=r"on_bad_row: .*not known that 'dst' can do that.*on_bad_row='fail'"
    ):
        load.transfer(destination=unknown).run()


@pytest.mark.server
def test_a_missing_right_is_no_rows_fault(make_db: MakeDb) -> None:
    load = made(make_db, "sqlite", "postgres", "CREATE TABLE target (n integer, a integer)")
    load.destination.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '42501'; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    with pytest.raises(DestinationError, match="refused the batch") as refused:
        load.attempt()
    assert not isinstance(refused.value, BadRowsError)
    assert load.destination.one("SELECT COUNT(*) FROM airflow_checkpoint_reject") == 0
    load.destination.execute(
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF NEW.n = 3 THEN RAISE EXCEPTION 'not three'; END IF; RETURN NEW; END $$"
    )
    result = load.attempt()  # a trigger's error about a row is that row's fault
    assert (result.rows, result.rejected) == (9, 1)
    assert "not three" in load.destination.one("SELECT error FROM airflow_checkpoint_reject")


@pytest.mark.server
@pytest.mark.parametrize("write_mode", ["append", "upsert"])
def test_constraints_that_would_wait_for_the_commit(make_db: MakeDb, write_mode: str) -> None:
    load = made(
        make_db,
        *("postgres", "postgres"),
        "CREATE TABLE parent (n integer PRIMARY KEY)",
        write_mode=write_mode,
    )
    load.destination.execute(
        "INSERT INTO parent SELECT generate_series(0, 9, 2)",
        "CREATE TABLE target (n integer PRIMARY KEY, a integer REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
    )
    with pytest.raises(BadRowsError, match="target refused the batch.*foreign key"):
        load.attempt(on_bad_row="fail")
    result = load.attempt()
    assert (result.rows, result.rejected) == (5, 5)
    assert load.told(RouteChosen)[-1] == RouteChosen(
        "rows", "on_bad_row='reject' looks for the bad rows of a batch that is refused"
    )


@pytest.mark.server
def test_types_that_postgres_refuses(make_db: MakeDb) -> None:
    load = made(make_db, "sqlite", "postgres", "CREATE TABLE target (n integer, a date, b text)")
    load.source.execute("DROP TABLE t", "CREATE TABLE t (n, a, b)")
    values = [
        (0, "2026-01-31", "x"),
        (1, "2026-02-31", "x"),
        (2, "never", "x"),
        (3, None, "a\0b"),
        (4, None, b"bytes"),
        (2**40, None, "x"),
        (6, None, None),
    ]
    load.source.insert("t", values)
    load.attempt(sql="SELECT * FROM t ORDER BY rowid", source_table=None, checkpoint_column=None)
    assert load.destination.rows("SELECT n FROM target ORDER BY n") == [(0,), (6,)]
    kept = load.destination.rows(
        "SELECT row_no, row_data::json ->> 'b' FROM airflow_checkpoint_reject ORDER BY id LIMIT 2"
    )
    assert kept == [(2, "x"), (3, "x")]
    assert load.destination.rows("SELECT row_data FROM airflow_checkpoint_reject WHERE row_no = 5") == [
        ('{"n": 4, "a": null, "b": "\\\\x6279746573", "": {"b": "bytes"}}',)
    ]


def test_the_table_is_required_where_it_is_not_to_be_created(make_db: MakeDb) -> None:
    load = made(make_db, "sqlite", "sqlite", "CREATE TABLE target (n integer PRIMARY KEY, a integer)")
    load.attempt(on_bad_row="fail")
    load.next_run()
    load.destination.execute("DELETE FROM target")
    with pytest.raises(
        MetadataTableError, match=r"airflow_checkpoint_reject does not exist, and .* auto_create is off"
    ):
        load.attempt(auto_create=False)
    assert load.attempt(on_bad_row="fail", auto_create=False).rows == 10


def test_a_source_in_the_same_file(make_db: MakeDb) -> None:
    load = made(make_db, "sqlite", "sqlite", "CREATE TABLE unused (n integer)")
    load.source.execute("CREATE TABLE target (n integer, a integer CHECK (a % 3))")
    load.destination = load.source
    result = load.attempt()
    assert (result.rows, result.rejected) == (6, 4)
    assert load.source.rows("SELECT n FROM target ORDER BY n") == [(n,) for n in range(10) if n % 3]


def test_switching_over_after_a_failure_goes_on_where_it_stood(make_db: MakeDb) -> None:
    load = made(make_db, "sqlite", "sqlite", "CREATE TABLE target (n integer, a integer CHECK (a <> 6))")
    with pytest.raises(BadRowsError, match="refused the batch, and nothing of it is committed: CHECK"):
        load.attempt(on_bad_row="fail")
    result = load.attempt()
    assert (result.rows, result.rows_total, result.started_from) == (5, 9, {"n": 3})


def test_how_values_are_written() -> None:
    from datetime import UTC, datetime
    from decimal import Decimal

    columns = ["a", "b", "c", "d", "e", "f"]
    row = (
        Decimal("1.10"),
        datetime(2026, 1, 2, tzinfo=UTC),
        b"\x00\xff",
        float("nan"),
        2**70,
        {"x": [Decimal(1)]},
    )
    assert row_text(columns, row) == (
        '{"a": "1.10", "b": "2026-01-02 00:00:00+00:00", "c": "\\\\x00ff", "d": "nan", "e": 1180591620717411303424, '
        '"f": {"x": ["1"]}, "": {"a": "Decimal", "b": "datetime", "c": "bytes", "d": "float", "f": "dict"}}'
    )
    assert row_text(["a"], ("Zürich",)) == '{"a": "Zürich"}'
    assert row_text(["a"], ("\ud800",)) == '{"a": "\\ud800"}'
    assert sqlite3.connect(":memory:").execute("SELECT ?", (row_text(["a"], ("\ud800\0",)),)).fetchone()


def test_one_bad_row_among_many_costs_few_writes(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_checkpoint_provider.engine.databases.sqlite.destination import SqliteDestination

    load = made(make_db, "sqlite", "sqlite", "CREATE TABLE target (n integer, a integer CHECK (a <> 6789))")
    load.source.insert("t", [(n, n) for n in range(10, 10_000)])
    written: list[int] = []
    write = SqliteDestination._write
    monkeypatch.setattr(
        SqliteDestination,
        "_write",
        lambda self, rows, route: (written.append(len(rows)), write(self, rows, route))[1],
    )
    monkeypatch.setattr(
        "airflow_checkpoint_provider.engine.transfer.batches.batch_writer.READ_AT_ONCE", 10_000
    )
    assert load.attempt(batch_size=10_000).rejected == 1
    assert len(written) < 1 + 30
    assert sum(written) < 3.1 * 10_000


def test_a_constraint_that_sqlite_leaves_to_the_commit(make_db: MakeDb) -> None:
    load = made(make_db, "sqlite", "sqlite", "CREATE TABLE parent (n integer PRIMARY KEY)")
    load.destination.execute(
        "CREATE TABLE target (n integer, a integer REFERENCES parent DEFERRABLE INITIALLY DEFERRED)"
    )

    def strict() -> Any:
        connection = load.destination.connect()
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    with pytest.raises(BadRowsError, match="target refused the commit.*FOREIGN KEY"):
        load.transfer(destination=Database("dst", strict)).run()
    assert load.destination.one("SELECT COUNT(*) FROM target") == 0


@pytest.mark.server
def test_a_bad_row_that_the_same_batch_replaces_anyway(make_db: MakeDb) -> None:
    load = made(
        make_db,
        *("sqlite", "postgres", "CREATE TABLE target (n integer PRIMARY KEY, a integer CHECK (a > 1))"),
        write_mode="upsert",
    )
    load.source.execute("DELETE FROM t", "INSERT INTO t VALUES (1, 0), (1, 2), (2, 2)")
    result = load.attempt()
    assert (load.destination.rows("SELECT * FROM target ORDER BY n"), result.rejected) == (
        [(1, 2), (2, 2)],
        0,
    )
