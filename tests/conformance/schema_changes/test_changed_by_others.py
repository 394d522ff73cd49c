"""The destination's table, changed by another attempt or a person, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.decision import Action
from airflow_checkpoint_provider.engine.model.errors import (
    DestinationError,
    DestinationMismatchError,
    SourceChangedError,
)
from airflow_checkpoint_provider.engine.model.events.steps import SchemaChanged
from airflow_checkpoint_provider.engine.transfer.schema_changes import alteration
from airflow_checkpoint_provider.engine.transfer.starting import startup
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.new_columns import (
    EXPECTED,
    columns,
    destinations,
    grow,
    history,
    make_load,
    rows,
)
from tests.support.staging import stages


@destinations
def test_another_partition_has_changed_the_table(make_db: MakeDb, destination: str) -> None:
    first = make_load(make_db("sqlite", "source"), make_db(destination, "destination"), on_new_column="add")
    arguments = {**first.arguments, "batch_size": 2, "write_mode": "replace_atomic", "publish": False}
    loads = [
        Load(first.source, first.destination, {**arguments, "where": where}, map_index=index)
        for index, where in enumerate(["id <= 5", "id > 5"])
    ]
    for load in loads:
        load.attempt_batches(1)
    grow(first.source)
    assert [load.attempt().rows for load in loads] == [3, 5]
    staged = [
        first.destination.rows(f"SELECT id, c FROM {name} ORDER BY id") for name in stages(first.destination)
    ]
    assert sorted(map(tuple, sum(staged, []))) == [(1, None), (2, None), *((n, "new") for n in range(3, 11))]


@pytest.mark.server
@pytest.mark.parametrize("destination", ["postgres", "mysql"])
def test_a_person_has_made_a_column_of_the_table_wider(make_db: MakeDb, destination: str) -> None:
    one, other = make_db("postgres", "source"), make_db(destination, "destination")
    for db, table in ((one, "t"), (other, "target")):
        db.execute(f"CREATE TABLE {table} (id integer NOT NULL, a decimal(6,2), PRIMARY KEY (id))")
    one.insert("t", [(n, n) for n in range(1, 11)])
    load = Load(one, other, {"source_table": "t", "batch_size": 4, "write_mode": "replace_atomic"})
    load.attempt_batches(1)
    one.execute("ALTER TABLE t ALTER COLUMN a TYPE decimal(12,6)", "UPDATE t SET a = 1.234567 WHERE id = 10")
    wider = "MODIFY a" if destination == "mysql" else "ALTER COLUMN a TYPE"
    other.execute(f"ALTER TABLE target {wider} decimal(12,6)")
    assert load.attempt().rows_total == 10
    assert str(other.one("SELECT a FROM target WHERE id = 10")) == "1.234567"


@destinations
def test_another_session_adds_the_same_column(
    make_db: MakeDb, monkeypatch: pytest.MonkeyPatch, destination: str
) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"), on_new_column="add")
    load.attempt_batches(1)
    grow(load.source, "integer")
    change = alteration.change_table

    def after_another(*args: Any, **named: Any) -> Any:
        grow(load.destination, {"oracle": "number(19)"}.get(destination, "bigint"), table="target")
        return change(*args, **named)

    monkeypatch.setattr(startup, "change_table", after_another)
    assert load.attempt().rows == 6
    [changed] = load.told(SchemaChanged)
    assert "was there, and is filled from now on" in changed.line
    assert [detail for _, detail in history(load.destination)] == [changed.line]


@destinations
def test_a_table_with_none_of_the_columns(make_db: MakeDb, destination: str) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"), on_new_column="add")
    load.destination.execute("CREATE TABLE other (z integer)", "INSERT INTO other VALUES (1)")
    for preoperator in (None, "DELETE FROM target"):
        with pytest.raises(
            DestinationMismatchError, match="on_new_column: other has none of the columns .*id, a"
        ):
            load.attempt(destination_table="other", write_mode="replace", preoperator=preoperator)
    assert load.destination.rows("SELECT * FROM other") == [(1,)]


@destinations
def test_a_change_that_is_refused_half_way(make_db: MakeDb, destination: str) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"), on_new_column="add")
    load.attempt_batches(1)
    grow(load.source)
    grow(load.source, "integer", name="d")
    with pytest.raises(
        DestinationError,
        match="on_new_column: target could not be changed in 'dst': .*by hand: .*ALTER TABLE",
    ):
        load.attempt(column_types={"d": "nothing at all ("})
    assert columns(load.destination) == (
        ["id", "a"] if destination in ("sqlite", "postgres") else ["id", "a", "c"]
    )
    assert load.attempt().rows == 6
    assert rows(load, "id, c, d") == [(n, c, c and 7) for n, c in EXPECTED]


@pytest.mark.server
def test_a_lock_of_another_session(make_db: MakeDb) -> None:
    load = make_load(make_db("sqlite", "source"), make_db("postgres", "destination"), on_new_column="add")
    load.attempt_batches(1)
    grow(load.source)
    with load.destination.connect() as other:
        other.execute("LOCK TABLE target IN ACCESS SHARE MODE")
        with pytest.raises(
            DestinationError, match="on_new_column: target .*Another session holds a lock on it"
        ):
            load.attempt(lock_timeout=0.1)
        other.rollback()
    assert load.attempt().rows == 6
    assert rows(load) == EXPECTED


@pytest.mark.server
def test_a_wider_type_keeps_its_collation(make_db: MakeDb) -> None:
    one, other = make_db("postgres", "source"), make_db("postgres", "destination")
    one.execute("CREATE TABLE t (id integer PRIMARY KEY, s varchar(3))")
    other.execute('CREATE TABLE target (id integer PRIMARY KEY, s varchar(3) COLLATE "C")')
    one.insert("t", [(n, "abc") for n in range(1, 11)])
    load = Load(one, other, {"source_table": "t", "batch_size": 4, "on_new_column": "add"})
    load.attempt_batches(1)
    one.execute("ALTER TABLE t ALTER COLUMN s TYPE varchar(9)")
    assert load.attempt().rows == 6
    [changed] = load.told(SchemaChanged)
    assert "s was character varying(3), is character varying(9)" in changed.line
    assert (
        other.one(
            "SELECT collation_name FROM information_schema.columns WHERE table_name = 'target' AND column_name = 's'"
        )
        == "C"
    )


@destinations
def test_a_completed_load_needs_no_change(make_db: MakeDb, destination: str) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(destination, "destination"), on_new_column="add")
    load.attempt()
    grow(load.source)
    following = load.plan(auto_create=False).next
    assert following
    assert following.action == Action.NOTHING.value
    assert load.attempt(auto_create=False).rows == 0
    load.clear()
    with pytest.raises(DestinationMismatchError, match="auto_create is off. Have a DBA run: ALTER"):
        load.attempt(auto_create=False, write_mode="replace")
    assert len(rows(load, "id")) == 10


@destinations
def test_a_mapping_that_is_edited(make_db: MakeDb, destination: str) -> None:
    one, other = make_db("sqlite", "source"), make_db(destination, "destination")
    one.execute("CREATE TABLE t (id integer PRIMARY KEY, a integer)")
    other.execute("CREATE TABLE target (id integer NOT NULL, x integer, y integer, PRIMARY KEY (id))")
    one.insert("t", [(n, n) for n in range(1, 11)])
    load = Load(one, other, {"source_table": "t", "batch_size": 4, "on_new_column": "ignore"})
    load.attempt_batches(1, destination_columns=["id", "x"])
    grow(one)
    with pytest.raises(SourceChangedError, match="columns was .*into id, x', is .*into id, y'"):
        load.attempt(destination_columns=["id", "y"])
    assert load.attempt(destination_columns=["id", "x"]).rows == 6


GENERATED = "CREATE TABLE {} (id integer NOT NULL, a integer, g integer GENERATED ALWAYS AS (a * 2) STORED, PRIMARY KEY (id))"


@pytest.mark.parametrize("destination", ["sqlite", "postgres", "mysql"])
def test_a_column_that_both_servers_compute(make_db: MakeDb, destination: str) -> None:
    one, other = make_db("sqlite", "source"), make_db(destination, "destination")
    one.execute(GENERATED.format("t"))
    other.execute(GENERATED.format("target"))
    one.execute(*(f"INSERT INTO t (id, a) VALUES ({n}, {n})" for n in range(1, 11)))
    load = Load(one, other, {"source_table": "t", "batch_size": 4})
    load.attempt_batches(1, strategy="python", on_new_column="ignore")
    assert load.attempt(strategy="python", on_new_column="ignore").rows == 6
    load.next_run()
    load.arguments["write_mode"] = "upsert"
    assert load.attempt_batches(1)
    grow(one)
    assert load.attempt_batches(1, on_new_column="ignore")
    assert load.attempt(on_new_column="add").rows == 2
    assert rows(load, "id, g, c")[7:] == [(8, 16, None), (9, 18, "new"), (10, 20, "new")]
