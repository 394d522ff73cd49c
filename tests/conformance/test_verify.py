"""Comparison of source and destination once all rows are committed."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError, CheckpointError, VerificationError
from airflow_checkpoint_provider.engine.model.events.transfer import BatchCommitted, Event, Verified
from tests.conformance.values.test_exact_values import SETTINGS, VALUES, fill, make_tables
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.types.cells import NAMES
from tests.support.types.page import SOURCES

PAIRS = [(source, destination) for source in NAMES for destination in NAMES]
TABLE = "CREATE TABLE {} (id integer, name varchar(40), amount numeric(12, 2))"


def make(make_db: MakeDb, source: str, destination: str, **arguments: Any) -> Load:
    one, other = make_db(source, "source"), make_db(destination, "destination")
    one.execute(TABLE.format("t"))
    one.insert("t", [(n, f"name {n}", n / 4) for n in range(1, 501)])
    other.execute(TABLE.format("target"))
    given = {"source_table": "t", "checkpoint_column": "id", "verify": "digest", **arguments}
    return Load(one, other, given)


def tampering(load: Load, *statements: str, after: int = 500) -> Load:
    """Run statements in the destination once the last batch is committed."""

    def observe(event: Event) -> None:
        load.events.append(event)
        if isinstance(event, BatchCommitted) and event.rows_total == after:
            load.destination.execute(*statements)

    load._observe = observe  # type: ignore[method-assign]
    return load


@pytest.mark.parametrize(("source", "destination"), PAIRS, ids=["->".join(pair) for pair in PAIRS])
@pytest.mark.parametrize("verify", ["count", "digest"])
def test_a_right_load_is_verified(make_db: MakeDb, source: str, destination: str, verify: str) -> None:
    load = make(make_db, source, destination, verify=verify)
    result = load.attempt()
    assert result.verified is not None
    assert (result.verified["method"], result.verified["rows"]) == (verify, 500)
    assert load.attempt().verified is None


@pytest.mark.parametrize(("source", "destination"), PAIRS, ids=["->".join(pair) for pair in PAIRS])
@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("DELETE FROM target WHERE id = 77", "id = 77 is missing in the destination"),
        (
            "INSERT INTO target SELECT * FROM target WHERE id = 78",
            "id = 78 has 2 rows in the destination and 1",
        ),
        ("UPDATE target SET amount = amount + 0.01 WHERE id = 79", "id = 79 has other values in amount"),
        ("UPDATE target SET name = NULL WHERE id = 80", "id = 80 has other values in name"),
        ("UPDATE target SET name = 'Name 81' WHERE id = 81", "id = 81 has other values in name"),
        ("UPDATE target SET id = 83 WHERE id = 82", "id = 82 is missing .*; id = 83 has 2 rows"),
    ],
)
def test_what_differs_is_named(
    make_db: MakeDb, source: str, destination: str, statement: str, says: str
) -> None:
    load = tampering(make(make_db, source, destination), statement)
    with pytest.raises(VerificationError, match=f"(?i)500 rows of the source.*{says}"):
        load.attempt()


@pytest.mark.server
def test_a_retry_compares_again(make_db: MakeDb) -> None:
    load = tampering(make(make_db, "sqlite", "postgres"), "DELETE FROM target WHERE id = 5")
    for _ in range(2):
        with pytest.raises(VerificationError, match="id = 5 is missing"):
            load.attempt()
        status = load.destination.rows("SELECT status, last_error FROM airflow_checkpoint")
        assert status[0][0] == "failed"
        assert "id = 5 is missing" in status[0][1]
    load.destination.insert("target", [(5, "name 5", 1.25)])
    result = load.attempt()
    assert (result.rows, result.verified and result.verified["rows"]) == (0, 500)
    assert load.destination.one("SELECT status FROM airflow_checkpoint") == "completed"


@pytest.mark.parametrize("destination", NAMES)
def test_a_count_names_the_keys_too(make_db: MakeDb, destination: str) -> None:
    load = tampering(
        make(make_db, "sqlite", destination, verify="count"), "DELETE FROM target WHERE id IN (7, 9)"
    )
    with pytest.raises(
        VerificationError, match="(?i)500 rows.*with 498 .*id = 7 is missing.*id = 9 is missing"
    ):
        load.attempt()


@pytest.mark.server
@pytest.mark.parametrize("destination", NAMES)
def test_rows_from_before_are_not_compared(make_db: MakeDb, destination: str) -> None:
    load = make(make_db, "postgres", destination)
    load.destination.insert("target", [(-1, "older", 1), (1000, "newer", 1)])
    assert load.attempt().verified is not None


@pytest.mark.server
def test_an_upsert_may_meet_other_rows(make_db: MakeDb) -> None:
    load = make(make_db, "sqlite", "postgres", write_mode="upsert", conflict_columns=["id"])
    load.source.execute("DELETE FROM t WHERE id = 200")
    load.destination.execute("ALTER TABLE target ADD PRIMARY KEY (id)")
    load.destination.insert("target", [(200, "was there", 1), (3, "old", 1)])
    result = load.attempt()
    assert result.verified is not None
    assert result.verified["rows"] == 499


@pytest.mark.server
def test_an_upsert_of_rows_with_one_key(make_db: MakeDb) -> None:
    for verify in ("count", "digest"):
        load = make(
            make_db, "sqlite", "postgres", write_mode="upsert", conflict_columns=["name"], verify=verify
        )
        load.source.execute("UPDATE t SET name = 'same' WHERE id IN (3, 4)")
        load.destination.execute("CREATE UNIQUE INDEX n ON target (name)")
        assert load.attempt().verified is not None
        for db, table in ((load.source, "t"), (load.destination, "target")):
            db.execute(f"DROP TABLE {table}")
        load.destination.execute("DROP TABLE airflow_checkpoint, airflow_checkpoint_event")


@pytest.mark.server
@pytest.mark.parametrize("destination", NAMES)
def test_without_a_key_the_table_must_be_empty(make_db: MakeDb, destination: str) -> None:
    arguments = {"source_table": None, "sql": "SELECT * FROM t ORDER BY id", "checkpoint_column": None}
    load = make(make_db, "postgres", destination, strategy="python", **arguments)
    load.destination.insert("target", [(-1, "older", 1)])
    with pytest.raises(ArgumentError, match="verify: target has rows already"):
        load.attempt()
    load.clear()
    assert load.attempt(write_mode="replace").verified is not None
    load.clear()
    tampering(load, "DELETE FROM target WHERE id = 1")
    with pytest.raises(VerificationError, match="1 of the rows .* are missing in the destination, and 0"):
        load.attempt(write_mode="replace")


def test_with_a_rows_processor_it_is_refused() -> None:
    from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec

    with pytest.raises(ArgumentError, match="verify: with rows_processor"):
        TransferSpec(destination_table="t", sql="SELECT 1", verify="count", rows_processor=lambda rows: rows)


@pytest.mark.server
@pytest.mark.parametrize("destination", NAMES)
def test_later_runs_compare_what_they_loaded(make_db: MakeDb, destination: str) -> None:
    load = make(make_db, "postgres", destination, scope="task")
    load.attempt()
    load.destination.execute("DELETE FROM target WHERE id = 1")
    load.source.insert("t", [(501, "new", 1)])
    load.next_run()
    result = load.attempt()
    assert result.verified is not None
    assert result.verified["rows"] == 1


@pytest.mark.server
@pytest.mark.parametrize("destination", NAMES)
def test_text_keys_and_rows_without_one(make_db: MakeDb, destination: str) -> None:
    load = make(make_db, "postgres", destination, checkpoint_column=["name", "id"], on_null_key="load")
    load.source.insert("t", [(None, "a", 1), (None, None, None), (1, "ä", 2), (2, "A", 2), (3, "a ", 2)])
    result = load.attempt()
    assert result.verified is not None
    assert result.verified["rows"] == 505


@pytest.mark.parametrize(("source", "destination"), [(s, d) for s in SOURCES for d in NAMES])
def test_no_type_is_taken_for_different(make_db: MakeDb, source: str, destination: str) -> None:
    one, other = make_db(source, "source"), make_db(destination, "destination")
    found = {}
    for number, value in enumerate(SOURCES[source]):
        cell = value.to.get(destination)
        if cell is None or cell.arrives is None or value.bound or "10 MB" in value.name:
            continue
        loose = ("SET sql_mode = '', time_zone = '+00:00'",) if source == "mysql" else ()
        one.execute(
            *loose,
            f"CREATE TABLE t{number} (n integer, v {value.column})",
            f"INSERT INTO t{number} (n) VALUES (1)",
            f"INSERT INTO t{number} VALUES (2, {value.sql})",
        )
        other.execute(f"CREATE TABLE target{number} (n integer, v {cell.column})")
        names = {"source_table": f"t{number}", "destination_table": f"target{number}"}
        load = Load(one, other, {**names, "checkpoint_column": "n", "verify": "digest"}, run=number + 1)
        try:
            assert load.attempt().verified is not None
        except CheckpointError as error:
            found[value.name] = str(error)
            continue
        load.clear()
        tampering(load, f"UPDATE target{number} SET v = NULL WHERE n = 2", after=2)
        try:
            load.attempt(write_mode="replace")
            found[value.name] = "" if load.told(Verified)[-1].unjudged else "NULL was not found"
        except VerificationError as error:
            found[value.name] = "" if "= 2 has other values in" in str(error) else str(error)
    judged = {name: said for name, said in found.items() if said}
    assert judged == {}


@pytest.mark.server
@pytest.mark.parametrize("hostile", ["neither", "source", "destination"])
def test_every_type_of_postgres_and_a_change_in_each(make_db: MakeDb, hostile: str) -> None:
    source, destination = make_db("postgres", "source"), make_db("postgres", "destination")
    make_tables(source, destination)
    fill(source)
    for side, db in (("source", source), ("destination", destination)):
        if hostile == side:
            name = db.one("SELECT current_database()")
            db.execute(*(f"ALTER DATABASE {name} SET {key} = '{value}'" for key, value in SETTINGS.items()))
    arguments = {"source_table": "t", "destination_table": "t", "checkpoint_column": "n"}
    load = Load(source, destination, {**arguments, "write_mode": "replace", "verify": "digest"})
    result = load.attempt()
    assert result.verified is not None
    assert not load.told(Verified)[0].unjudged
    changed = [f"UPDATE t SET c{number} = NULL WHERE n = 0" for number in range(len(VALUES))]
    for number, statement in enumerate(changed):
        load.clear()
        tampering(load, statement, after=result.rows)
        with pytest.raises(VerificationError, match=f"n = 0 has other values in c{number}\\."):
            load.attempt()


@pytest.mark.server
@pytest.mark.parametrize("destination", NAMES)
def test_what_is_staged_is_compared_before_anybody_sees_it(make_db: MakeDb, destination: str) -> None:
    load = make(make_db, "postgres", destination, write_mode="replace_atomic", batch_size=200)
    load.destination.insert("target", [(0, "old", 0)])
    result = load.attempt()
    assert result.verified is not None
    assert (result.verified["rows"], load.destination.one("SELECT COUNT(*) FROM target")) == (500, 500)


@pytest.mark.server
def test_what_differs_is_not_published(make_db: MakeDb) -> None:
    load = make(make_db, "postgres", "postgres", write_mode="replace_atomic")
    load.destination.insert("target", [(0, "old", 0)])

    def observe(event: Event) -> None:
        load.events.append(event)
        if isinstance(event, BatchCommitted):
            [stage] = load.destination.rows(
                "SELECT tablename FROM pg_tables WHERE tablename LIKE 'target__stage%'"
            )[0]
            load.destination.execute(f"DELETE FROM {stage} WHERE id = 77")

    load._observe = observe  # type: ignore[method-assign]
    with pytest.raises(VerificationError, match="id = 77 is missing in the destination"):
        load.attempt()
    assert load.destination.rows("SELECT id, name FROM target") == [(0, "old")]
