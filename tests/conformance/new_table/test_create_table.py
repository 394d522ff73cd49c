"""A destination table created from the columns of the source."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    CheckpointError,
    DestinationError,
    DestinationMismatchError,
)
from airflow_checkpoint_provider.engine.transfer.starting import startup
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.partitions import load_all, plan
from tests.support.types.cells import NAMES

PAIRS = [(source, destination) for source in NAMES for destination in NAMES]
TABLE = "CREATE TABLE {} (id integer NOT NULL, name varchar(20), amount {}, PRIMARY KEY (id))"
NUMBERS = {"sqlite": "integer", "oracle": "number(12, 6)"}
ROWS = [(n, f"name {n}", n) for n in range(1, 11)]
WRITE_MODES = ["append", "upsert", "replace", "replace_atomic"]


def make_load(source: Db, destination: Db, **arguments: Any) -> Load:
    source.execute(TABLE.format("sales", NUMBERS.get(source.kind, "numeric(12, 6)")))
    source.insert("sales", ROWS)
    given = {"source_table": "sales", "create_table": "missing", "verify": "digest", "batch_size": 4}
    return Load(source, destination, given | arguments)


def ids(db: Db) -> list[int]:
    return sorted(int(row[0]) for row in db.rows("SELECT id FROM target"))


@pytest.mark.parametrize(("source", "destination"), PAIRS, ids=["->".join(pair) for pair in PAIRS])
def test_a_table_is_created_with_its_key(make_db: MakeDb, source: str, destination: str) -> None:
    load = make_load(make_db(source, "source"), make_db(destination, "destination"))
    assert load.attempt_batches(1)
    result = load.attempt()
    assert result.verified
    assert (result.strategy, result.rows_total) == ("key", 10)
    assert ids(load.destination) == list(range(1, 11))
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        load.destination.insert("target", [ROWS[0]])


@pytest.mark.server
@pytest.mark.parametrize(
    ("type_", "value"), [("inet", "10.0.0.1"), ("macaddr", "08:00:2b:01:02:03"), ("uuid", f"{'0' * 32}")]
)
def test_a_key_that_is_no_text_has_no_collation(make_db: MakeDb, type_: str, value: str) -> None:
    source, destination = make_db("postgres", "source"), make_db("postgres", "destination")
    source.execute(
        f"CREATE TABLE t (k {type_} PRIMARY KEY, n integer)", f"INSERT INTO t VALUES ('{value}', 1)"
    )
    load = Load(source, destination, {"source_table": "t", "create_table": "missing", "strategy": "python"})
    assert load.attempt().rows == 1
    assert destination.one(f"SELECT k = '{value}' FROM target")


@pytest.mark.parametrize("destination", NAMES)
@pytest.mark.parametrize("write_mode", WRITE_MODES)
def test_every_write_mode_loads_into_it(make_db: MakeDb, destination: str, write_mode: str) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"), write_mode=write_mode)
    assert load.attempt_batches(1)
    assert load.attempt().verified
    assert ids(load.destination) == list(range(1, 11))
    load.clear()
    if write_mode != "append":
        assert load.attempt().rows == 10
        assert ids(load.destination) == list(range(1, 11))


@pytest.mark.parametrize("destination", NAMES)
def test_an_upsert_gets_the_key_that_it_needs(make_db: MakeDb, destination: str) -> None:
    load = make_load(
        make_db("sqlite", "source"),
        make_db(destination, "destination"),
        write_mode="upsert",
        conflict_columns=["name"],
        column_types={"name": "varchar(20)"},
    )
    load.attempt()
    load.next_run()
    assert load.attempt().rows == 10
    assert ids(load.destination) == list(range(1, 11))


@pytest.mark.parametrize("destination", NAMES)
def test_a_retry_after_a_crash_finds_the_table(
    make_db: MakeDb, monkeypatch: pytest.MonkeyPatch, destination: str
) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"))
    create = startup.create_table

    def crash(*args: Any) -> None:
        create(*args)
        raise RuntimeError("killed")

    monkeypatch.setattr(startup, "create_table", crash)
    with pytest.raises(RuntimeError, match="killed"):
        load.attempt()
    monkeypatch.undo()
    load.attempt()
    assert ids(load.destination) == list(range(1, 11))


@pytest.mark.parametrize("destination", NAMES)
def test_a_retry_after_the_last_batch_ends_with_the_key(make_db: MakeDb, destination: str) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"))
    assert load.attempt_batches(3)
    assert load.attempt().rows == 0
    assert ids(load.destination) == list(range(1, 11))
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        load.destination.insert("target", [ROWS[0]])


@pytest.mark.parametrize("destination", NAMES)
def test_mapped_tasks_create_it_at_once(make_db: MakeDb, destination: str) -> None:
    source, target = make_db("sqlite", "source"), make_db(destination, "destination")
    target.tables()  # the first connection prepares a database
    first = make_load(source, target, where="id <= 5", verify=None)
    loads = [first, Load(source, target, {**first.arguments, "where": "id > 5"})]
    for number, load in enumerate(loads):
        load.map_index = number
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda load: load.attempt(), loads))
    assert ids(target) == list(range(1, 11))


@pytest.mark.parametrize("destination", NAMES)
def test_a_table_of_somebody_else_is_found_out(
    make_db: MakeDb, monkeypatch: pytest.MonkeyPatch, destination: str
) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"))
    create = startup.create_table

    def after_another(*args: Any) -> None:
        load.destination.execute("CREATE TABLE target (id integer, name varchar(3), amount varchar(20))")
        create(*args)

    monkeypatch.setattr(startup, "create_table", after_another)
    with pytest.raises(DestinationMismatchError, match=r"create_table: another session has created target"):
        load.attempt()
    assert ids(load.destination) == []


@pytest.mark.parametrize("destination", NAMES)
def test_rows_that_are_gone_with_their_table_are_missed(make_db: MakeDb, destination: str) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"))
    assert load.attempt_batches(1)
    load.destination.execute("DROP TABLE target")
    with pytest.raises(DestinationMismatchError, match="earlier attempts have committed 4 rows to target"):
        load.attempt()
    assert "target" not in map(str.lower, load.destination.tables())
    load.attempt(force_reload=True)
    assert ids(load.destination) == list(range(1, 11))


@pytest.mark.parametrize("destination", NAMES)
def test_a_dba_gets_the_statement(make_db: MakeDb, destination: str) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"))
    with pytest.raises(
        DestinationMismatchError, match="auto_create is off. Have a DBA run .*: (CREATE .*)"
    ) as told:
        load.attempt(auto_create=False, checkpoint_enabled=False, verify=None)
    load.destination.execute(str(told.value).partition("statement: ")[2])
    load.attempt()
    assert ids(load.destination) == list(range(1, 11))


def test_what_no_type_keeps_is_refused(make_db: MakeDb) -> None:
    source, destination = make_db("sqlite", "source"), make_db("sqlite", "destination")
    load = make_load(
        source, destination, sql="SELECT id, name FROM sales", source_table=None, checkpoint_column="id"
    )
    with pytest.raises(
        ArgumentError, match="no type of SQLite is known to keep every value of id .*column_types"
    ):
        load.attempt()
    assert destination.tables() == []
    with pytest.raises(
        ArgumentError, match="column_types: 'nme' is not among the columns of the new table: id, name"
    ):
        load.attempt(column_types={"nme": "text"})
    load.attempt(column_types={"id": "integer", "name": "text"})
    assert ids(destination) == list(range(1, 11))


@pytest.mark.server
def test_a_column_without_a_type_is_refused_in_words(make_db: MakeDb) -> None:
    source, destination = make_db("sqlite", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, v)")
    load = Load(source, destination, {"source_table": "t", "create_table": "missing"})
    with pytest.raises(ArgumentError, match=r"every value of v \(of a type that is not known\)\. Give one"):
        load.attempt()


@pytest.mark.server
@pytest.mark.parametrize(
    "made", ["TYPE target AS (n integer)", "SEQUENCE target", "INDEX target ON other (n)"]
)
def test_a_name_that_something_else_has_is_refused(make_db: MakeDb, made: str) -> None:
    """Postgres leaves CREATE TABLE IF NOT EXISTS out without an error."""
    load = make_load(make_db("sqlite", "source"), make_db("postgres", "destination"))
    load.destination.execute("CREATE TABLE other (n integer)", f"CREATE {made}")
    with pytest.raises(DestinationError, match="created in 'dst': something else there has that name"):
        load.attempt()


@pytest.mark.server
def test_a_name_that_the_database_refuses_is_given_another_one(make_db: MakeDb) -> None:
    source, destination = make_db("sqlite", "source"), make_db("mysql", "destination")
    source.execute('CREATE TABLE t (n integer PRIMARY KEY, "v " integer)', "INSERT INTO t VALUES (1, 2)")
    load = Load(source, destination, {"source_table": "t", "create_table": "missing"})
    with pytest.raises(
        DestinationError, match="Incorrect column name 'v '.*other names in destination_columns"
    ):
        load.attempt()
    assert load.attempt(destination_columns={"n": "n", "v ": "v"}).rows == 1


def test_an_unknown_database_gets_the_types_that_are_given(make_db: MakeDb) -> None:
    load = make_load(make_db("sqlite", "source"), make_db("unknown", "destination"), verify=None)
    with pytest.raises(CheckpointError, match="is known to keep every value of id"):
        load.attempt()
    load.attempt(column_types={"id": "integer", "name": "varchar(20)", "amount": "integer"})
    assert ids(load.destination) == list(range(1, 11))


@pytest.mark.server
@pytest.mark.parametrize("source", ["postgres", "oracle"])
@pytest.mark.parametrize("destination", NAMES)
def test_the_types_of_a_query_are_those_that_its_server_describes(
    make_db: MakeDb, source: str, destination: str
) -> None:
    load = make_load(
        make_db(source, "source"),
        make_db(destination, "destination"),
        source_table=None,
        sql="SELECT id, amount / 1 AS amount, name FROM sales",
        checkpoint_column="id",
        column_types={"amount": "numeric(12, 6)"},
    )
    load.attempt()
    assert ids(load.destination) == list(range(1, 11))


@pytest.mark.parametrize("destination", NAMES)
def test_not_null_is_kept_where_empty_text_is_no_null(make_db: MakeDb, destination: str) -> None:
    source, target = make_db("sqlite", "source"), make_db(destination, "destination")
    source.execute(
        "CREATE TABLE sales (id integer NOT NULL PRIMARY KEY, name text NOT NULL, amount integer NOT NULL)",
        "INSERT INTO sales VALUES (1, 'x', 1)",
    )
    Load(source, target, {"source_table": "sales", "create_table": "missing"}).attempt()
    takes_null = []
    for column in ("name", "amount"):
        try:
            target.execute(f"UPDATE target SET {column} = NULL")
        except Exception as error:
            assert "null" in str(error).lower()
        else:
            takes_null.append(column)
    assert takes_null == ([] if target.able.keeps_empty_text else ["name"])


@pytest.mark.parametrize("destination", NAMES)
def test_keys_of_text_are_told_apart_by_every_character(make_db: MakeDb, destination: str) -> None:
    source, target = make_db("sqlite", "source"), make_db(destination, "destination")
    source.execute("CREATE TABLE sales (id varchar(9) NOT NULL PRIMARY KEY, n integer)")
    source.insert("sales", [("a", 1), ("A", 2), ("a ", 3), ("\u00e4", 4)])
    load = Load(source, target, {"source_table": "sales", "create_table": "missing", "write_mode": "upsert"})
    if destination in ("mysql", "oracle"):
        with pytest.raises(ArgumentError, match="create_table: id is part of a key, and .* column_types"):
            load.attempt()
    load.attempt(column_types={"id": "varchar(9)"} if destination != "postgres" else None, verify="digest")
    assert target.one("SELECT count(*) FROM target") == 4


@pytest.mark.parametrize("destination", NAMES)
@pytest.mark.parametrize("write_mode", ["append", "replace"])
def test_partitions_load_into_it(make_db: MakeDb, destination: str, write_mode: str) -> None:
    source, target = make_db("sqlite", "source"), make_db(destination, "destination")
    make_load(source, target)
    parts = plan(source, 3, source_table="sales").parts
    load_all(source, target, parts, source_table="sales", create_table="missing", write_mode=write_mode)
    assert ids(target) == list(range(1, 11))


def test_a_mark_goes_on_in_it(make_db: MakeDb) -> None:
    load = make_load(make_db("sqlite", "source"), make_db("sqlite", "destination"), scope="task", verify=None)
    assert load.attempt().rows == 10
    load.next_run()
    load.source.insert("sales", [(11, "new", 11)])
    assert load.attempt().rows == 1
    load.destination.execute("DROP TABLE target")
    load.next_run()
    with pytest.raises(DestinationMismatchError, match="earlier attempts have committed"):
        load.attempt()


def test_without_a_checkpoint(make_db: MakeDb) -> None:
    load = make_load(
        make_db("sqlite", "source"), make_db("sqlite", "destination"), strategy="none", verify=None
    )
    load.attempt(write_mode="replace")
    assert load.attempt(write_mode="replace").rows == 10
    assert ids(load.destination) == list(range(1, 11))


@pytest.mark.parametrize("destination", NAMES)
def test_the_preoperator_runs_on_the_table(make_db: MakeDb, destination: str) -> None:
    load = make_load(
        make_db("sqlite", "source"),
        make_db(destination, "destination"),
        preoperator=["DELETE FROM target", "INSERT INTO target (id, name) VALUES (0, 'made here')"],
        rows_processor=lambda rows: [row for row in rows if row[0] != 5],
        verify=None,
    )
    assert load.attempt_batches(1)
    load.attempt()
    assert ids(load.destination) == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]


def test_columns_of_a_rows_processor_are_not_made_up(make_db: MakeDb) -> None:
    load = make_load(make_db("sqlite", "source"), make_db("sqlite", "destination"), verify=None)
    with pytest.raises(
        ArgumentError, match="made from the 3 columns of the query, and destination_columns has 1"
    ):
        load.attempt(rows_processor=lambda rows: [row[:1] for row in rows], destination_columns=["id"])
