"""A destination's table that others change between two batches of an attempt, which no server tells."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.events.transfer import Warned
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded
from tests.support.waiting import until_next_second

CREATE = "CREATE TABLE target (n integer, a numeric(10,2))"
ALL = list(range(20))
TRIGGERS = {
    "sqlite": ["CREATE TRIGGER changes AFTER INSERT ON target BEGIN SELECT 1; END"],
    "mysql": ["CREATE TRIGGER changes BEFORE INSERT ON target FOR EACH ROW SET NEW.a = NEW.a"],
    "postgres": [
        "CREATE FUNCTION kept() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER changes BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION kept()",
    ],
}


def make_load(source: Db, destination: Db, *statements: str) -> Load:
    source.execute("CREATE TABLE t (n integer, a numeric(10,2))")
    source.insert("t", [(n, "1.5") for n in ALL])
    destination.execute(*(statements or (CREATE,)))
    return Load(source, destination, {"source_table": "t", "checkpoint_column": "n", "batch_size": 4})


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    load = make_load(make_db("sqlite", "source"), destination)
    until_next_second()  # MySQL tells the second in which a table was created
    return load


def told(load: Load, **arguments: Any) -> str:
    """Run an attempt, and return its only warning, as the log has it, too."""
    (warning,) = load.attempt(**arguments).warnings
    assert [event.text for event in load.told(Warned)] == [warning]
    return warning


@pytest.mark.able(tells_identity=True)
def test_another_table_without_an_index(load: Load) -> None:
    load.others = {2: ["ALTER TABLE target RENAME TO aside", CREATE]}
    assert "is another table than the one" in (warning := told(load)) or "no row with n = 3" in warning
    assert "lear the task to load from the start" in warning
    assert loaded(load) == ALL[8:]


@pytest.mark.able(tells_identity=True, truncates=True)
def test_a_table_that_was_truncated(load: Load) -> None:
    load.others = {2: ["TRUNCATE TABLE target"]}
    warning = told(load)
    assert "target has no row with n = 3, which this load has committed" in warning or "12 rows" in warning
    assert loaded(load) == ALL[8:]


@pytest.mark.able(tells_identity=True, truncates=True)
def test_a_table_that_was_truncated_where_rows_are_counted(load: Load) -> None:
    load.others = {2: ["TRUNCATE TABLE target"]}
    warning = told(load, checkpoint_column=None, strategy="python")
    assert "target has 12 rows, and this attempt has committed 20 to it" in warning


@pytest.mark.able(tells_identity=True)
def test_a_table_that_is_stored_anew_has_all_its_rows(load: Load) -> None:
    load.others = {2: ["CREATE TABLE beside (n integer)", "CREATE INDEX by_n ON target (n)"]}
    assert load.attempt().warnings == ()
    assert loaded(load) == ALL


@pytest.mark.parametrize("verify", [None, "digest"])
@pytest.mark.parametrize("kind", [pytest.param(kind, marks=pytest.mark.server) for kind in TRIGGERS])
def test_a_trigger(make_db: MakeDb, kind: str, verify: str | None) -> None:
    load = make_load(make_db("sqlite", "source"), make_db(kind, "destination"))
    load.others = {2: TRIGGERS[kind]}
    if verify:
        assert load.attempt(verify=verify).warnings == ()
    else:
        assert "target has got triggers while rows were written (changes)" in told(load)


@pytest.mark.parametrize("wider", [False, True], ids=["narrower", "wider"])
@pytest.mark.parametrize(("kind", "change"), [("postgres", "ALTER COLUMN a TYPE"), ("mysql", "MODIFY a")])
@pytest.mark.server
def test_another_type(make_db: MakeDb, kind: str, change: str, wider: bool) -> None:
    load = make_load(make_db("postgres", "source"), make_db(kind, "destination"))
    load.others = {2: [f"ALTER TABLE target {change} numeric({'12,2' if wider else '10,1'})"]}
    if wider:
        assert load.attempt().warnings == ()
    else:
        assert "column a of target was" in (warning := told(load))
        assert "(10,1) now" in warning


@pytest.mark.server
def test_an_unlogged_table(make_db: MakeDb) -> None:
    load = make_load(make_db("sqlite", "source"), make_db("postgres", "destination"))
    load.others = {2: ["ALTER TABLE target SET UNLOGGED"]}
    assert "target is UNLOGGED: a crash of the server empties it" in told(load)


@pytest.mark.server
def test_an_engine_without_transactions(make_db: MakeDb) -> None:
    load = make_load(make_db("sqlite", "source"), make_db("mysql", "destination"))
    load.others = {2: ["ALTER TABLE target ENGINE = MyISAM"]}
    assert "which it was not when this attempt began" in told(load)


@pytest.mark.server
def test_an_upsert_whose_index_is_dropped(make_db: MakeDb) -> None:
    """MySQL goes on, and inserts each row."""
    destination = make_db("mysql", "destination")
    load = make_load(
        make_db("sqlite", "source"), destination, CREATE, "CREATE UNIQUE INDEX by_n ON target (n)"
    )
    load.others = {2: ["DROP INDEX by_n ON target"]}
    warning = told(load, write_mode="upsert", conflict_columns=["n"])
    assert "target has no unique index on n" in warning
    assert "was changed while rows were written" in warning


@pytest.mark.server
def test_a_partition_that_was_detached(make_db: MakeDb) -> None:
    make = (
        "CREATE TABLE target (n integer, a numeric(10,2)) PARTITION BY RANGE (n)",
        "CREATE TABLE low PARTITION OF target FOR VALUES FROM (0) TO (8)",
        "CREATE TABLE high PARTITION OF target DEFAULT",
    )
    load = make_load(make_db("sqlite", "source"), make_db("postgres", "destination"), *make)
    load.others = {2: ["ALTER TABLE target DETACH PARTITION low"]}
    assert "target has no row with n = 3" in told(load)
