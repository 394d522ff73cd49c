"""Tables named in every way that a database allows, as source and as destination."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError, CheckpointError
from airflow_checkpoint_provider.engine.model.events.transfer import StrategyChosen
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

NAMES = [
    # the name in CREATE TABLE, the name that the user gives
    ("plain", "plain"),
    ("plain", "PLAIN"),
    ('"Mixed"', "Mixed"),
    ('"Mixed"', '"Mixed"'),
    ('"do.t"', '"do.t"'),
    ('"quo""te"', '"quo""te"'),
    ('"sp ace"', "sp ace"),
    ('"per%cent"', "per%cent"),
    ('"order"', "order"),
    ('"a;b"', "a;b"),
]
SCHEMAS = [
    ("sales.orders", "sales.orders"),
    ("sales.orders", "SALES.Orders"),
    ('sales."Orders"', "sales.Orders"),
    ('"Sales"."Or.ders"', '"Sales"."Or.ders"'),
    ('"Sales".orders', '"Sales".orders'),
    ('"Sales".orders', '"Sales".ORDERS'),
    ('"sa.les".orders', '"sa.les".orders'),
]
ROWS = [(n, n * n) for n in range(7)]


def check(source: Db, destination: Db, created: str, written: str) -> None:
    for db in (source, destination):
        db.execute(f"CREATE TABLE {created} (id integer PRIMARY KEY, n integer)")
    source.execute(*(f"INSERT INTO {created} VALUES {row}" for row in ROWS))
    load = Load(
        source, destination, {"source_table": written, "destination_table": written, "write_mode": "upsert"}
    )
    assert load.attempt_batches(1, batch_size=4)
    load.attempt()
    assert [event.strategy for event in load.told(StrategyChosen)] == ["key", "key"]
    assert destination.rows(f"SELECT * FROM {created} ORDER BY id") == ROWS


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "mysql"])
@pytest.mark.parametrize(("created", "written"), NAMES)
def test_names(make_db: MakeDb, kind: str, created: str, written: str) -> None:
    check(make_db(kind, "source"), make_db(kind, "destination"), created, written)


@pytest.mark.server
@pytest.mark.parametrize(("created", "written"), SCHEMAS)
def test_names_with_a_schema(make_db: MakeDb, created: str, written: str) -> None:
    source, destination = make_db("postgres", "source"), make_db("postgres", "destination")
    schema = created.rpartition('."')[0] if created.endswith('"') else created.rpartition(".")[0]
    source.execute(f"CREATE SCHEMA {schema}")
    destination.execute(f"CREATE SCHEMA {schema}")
    check(source, destination, created, written)


def test_a_view_is_read_by_counting(pair: tuple[Db, Db]) -> None:
    source, destination = pair
    source.execute("CREATE TABLE t (id integer PRIMARY KEY)", "CREATE VIEW v AS SELECT id FROM t ORDER BY id")
    source.insert("t", [(n,) for n in range(5)])
    destination.execute("CREATE TABLE target (id integer)")
    load = Load(source, destination, {"source_table": "v"})
    assert load.attempt_batches(1, batch_size=2)
    assert load.attempt().strategy == "python"
    assert destination.rows("SELECT id FROM target ORDER BY id") == [(n,) for n in range(5)]


@pytest.mark.able(serves_both_sides=True)
def test_the_same_database_on_both_sides(destination: Db) -> None:
    destination.execute("CREATE TABLE t (id integer PRIMARY KEY)", "CREATE TABLE target (id integer)")
    destination.insert("t", [(n,) for n in range(50)])
    load = Load(destination, destination, {"source_table": "t", "batch_size": 7})
    while load.attempt_batches(2):
        pass
    assert destination.rows("SELECT id FROM target ORDER BY id") == [(n,) for n in range(50)]


@pytest.mark.parametrize("argument", ["source_table", "destination_table"])
def test_that_are_not_there_are_named(pair: tuple[Db, Db], argument: str) -> None:
    source, destination = pair
    for db in pair:
        db.execute("CREATE TABLE there (id integer)")
    names = {"source_table": "there", "destination_table": "there"}
    with pytest.raises(
        CheckpointError, match=rf"{argument}: there is no table nowhere.*schema and the spelling"
    ):
        Load(source, destination, {**names, argument: "nowhere"}).attempt()
    with pytest.raises(CheckpointError, match=f"{argument}: there is no table THERE"):
        Load(
            source,
            destination,
            {**names, argument: '"THERE"'}
            if source.kind == destination.kind == "postgres"
            else {**names, argument: '"THERE "'},
        ).attempt()


@pytest.mark.parametrize("name", ["", "a..b", '"a', 'a"b', "a.", ".a"])
@pytest.mark.parametrize("argument", ["source_table", "destination_table", "checkpoint_table"])
def test_what_is_no_name_is_refused(make_db: MakeDb, argument: str, name: str) -> None:
    db = make_db("sqlite", "both")
    db.execute("CREATE TABLE t (id integer)")
    with pytest.raises(ArgumentError, match=argument if name or argument != "source_table" else "sql"):
        Load(db, db, {"source_table": "t", "destination_table": "t", argument: name}).attempt()


@pytest.mark.server
def test_the_primary_key_is_found_beside_columns_that_are_read_as_text(make_db: MakeDb) -> None:
    source, destination = make_db("postgres", "source"), make_db("sqlite", "destination")
    source.execute(
        "CREATE TABLE t (a text[], z integer, b name[], y integer, PRIMARY KEY (z, y))",
        "INSERT INTO t VALUES ('{x}', 1, '{y}', 2), ('{x}', 1, '{y}', 1)",
    )
    destination.execute("CREATE TABLE t (a text, z integer, b text, y integer)")
    result = Load(source, destination, {"source_table": "t", "destination_table": "t"}).attempt()
    assert (result.strategy, result.checkpoint) == ("key", {"z": 1, "y": 2})
