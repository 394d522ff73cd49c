"""A heap table, split as it is stored."""

from __future__ import annotations

import json
from dataclasses import replace

import oracledb
import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError, SourceChangedError
from airflow_checkpoint_provider.engine.model.partition import Partition, bound
from airflow_checkpoint_provider.operators.partition import CheckpointPartitionOperator
from tests.support.airflow.operating import execute, operator
from tests.support.databases.db import Db
from tests.support.databases.oracle_places import stand_in
from tests.support.oracle_standin import Fault, Faults
from tests.support.partitions import PartLoad, load_all, plan

pytestmark = pytest.mark.server

ROWS = 5_000
EXTENTS = r"SELECT ROWIDTOCHAR\(x.place\), x.blocks"


@pytest.fixture
def sides(stood_in: tuple[Db, Db]) -> tuple[Db, Db]:
    source, destination = stood_in
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, pad varchar2(200))")
    source.execute(f"INSERT INTO standin_statistics VALUES ('T', {ROWS}, 150)")
    connection = stand_in.server(source.place).connect()
    # Stored in an order other than the key's.
    connection.postgres.execute(
        f"INSERT INTO \"T\" SELECT (n * 7919) % {ROWS}, repeat('x', 200) FROM generate_series(1, {ROWS}) n"
    )
    destination.execute("CREATE TABLE target (n integer, pad varchar2(200))")
    return source, destination


def split(source: Db, **arguments: object) -> list[Partition]:
    return plan(source, 4, split="rowid", **arguments).parts


@pytest.mark.parametrize("granted", [True, False], ids=["by extents", "by a sample"])
def test_each_row_is_in_one_partition(sides: tuple[Db, Db], faults: dict[str, Faults], granted: bool) -> None:
    if not granted:
        faults["source"].plan(Fault(942, EXTENTS))
    made = plan(sides[0], 4, split="rowid")
    assert made.how.endswith("extents of the table" if granted else "rows")
    assert [part.lower for part in made.parts][1:] == [part.upper for part in made.parts][:-1]
    assert sum(part.rows for part in made.parts) == pytest.approx(ROWS, abs=4)
    faults["source"].seen.clear()
    results = load_all(*sides, made.parts)
    assert loaded_rows(sides) == list(range(ROWS))
    assert all(ROWS / 8 < result.rows < ROWS / 2 for result in results)
    assert any("WHERE ROWID > CHARTOROWID('" in text for text in faults["source"].seen)


def loaded_rows(sides: tuple[Db, Db]) -> list[int]:
    return [n for (n,) in sides[1].rows("SELECT n FROM target ORDER BY n")]


def test_a_partition_goes_on_after_a_crash(sides: tuple[Db, Db]) -> None:
    for part in split(sides[0]):
        load = PartLoad.of(*sides, part, batch_size=400)
        assert load.attempt_batches(2)
        load.attempt()
    assert loaded_rows(sides) == list(range(ROWS))


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (
            "'ENABLED', 'NO'",
            r"split: T has row movement enabled.* \(ALTER TABLE \.\.\. DISABLE ROW MOVEMENT\)",
        ),
        ("'DISABLED', 'YES'", "split: T is partitioned, .* give as_of='now', too"),
    ],
)
def test_rows_that_may_move(sides: tuple[Db, Db], stored: str, message: str) -> None:
    parts = split(sides[0])
    sides[0].execute(f"INSERT INTO standin_storage VALUES ('T', {stored})")
    with pytest.raises(ArgumentError, match=message):
        split(sides[0])
    with pytest.raises(ArgumentError, match=message):
        load_all(*sides, parts)
    assert loaded_rows(sides) == []


def test_a_partitioned_table_as_of_one_moment(sides: tuple[Db, Db]) -> None:
    sides[0].execute("INSERT INTO standin_storage VALUES ('T', 'DISABLED', 'YES')")
    parts = split(sides[0], as_of="now")
    sides[0].execute("DELETE FROM t WHERE n > 9")
    load_all(*sides, parts)
    assert loaded_rows(sides) == list(range(ROWS))


def test_what_has_no_rowid_of_its_own(sides: tuple[Db, Db]) -> None:
    session = stand_in.server(sides[0].place).connect()
    session.postgres.execute('CREATE VIEW "V" AS SELECT * FROM "T"')
    with pytest.raises(ArgumentError, match="split: V is a view"):
        split(sides[0], source_table="v")
    sides[0].execute("INSERT INTO all_external_tables VALUES ('SCOTT', 'T')")
    with pytest.raises(ArgumentError, match="split: T is index-organized, clustered, temporary, external"):
        split(sides[0])


def test_a_table_that_was_stored_anew(sides: tuple[Db, Db]) -> None:
    parts = split(sides[0])
    sides[0].execute("TRUNCATE TABLE t")
    with pytest.raises(SourceChangedError, match="partition: T was truncated, moved or made anew"):
        load_all(*sides, parts)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"write_mode": "replace"}, "split='rowid', and the destination has no such places"),
        (
            {"sql": "SELECT * FROM t", "source_table": None, "checkpoint_column": "n"},
            "goes with source_table",
        ),
    ],
)
def test_what_it_does_not_go_with(sides: tuple[Db, Db], arguments: dict[str, object], message: str) -> None:
    sides[1].insert("target", [(-1, None)])
    with pytest.raises(ArgumentError, match=message):
        load_all(*sides, split(sides[0]), **arguments)
    assert loaded_rows(sides) == [-1]


def test_a_place_that_is_none(sides: tuple[Db, Db]) -> None:
    part = replace(split(sides[0])[0], upper=bound("AAAR3sAAEAAAACXAA') OR (1 = 1"))
    with pytest.raises(ArgumentError, match=r"partition: .* is not a ROWID\. Plan the partitions again"):
        PartLoad.of(*sides, part).attempt()


def test_a_plan_that_one_task_hands_to_others(sides: tuple[Db, Db], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracledb, "connect", stand_in.connect)
    monkeypatch.setenv("AIRFLOW_CONN_ERP", sides[0].uri)
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", sides[1].uri)
    arguments = {"source_conn_id": "erp", "source_table": "t"}
    parts = CheckpointPartitionOperator(
        task_id="plan", partitions=4, split="rowid", as_of="now", **arguments
    ).execute({})
    assert len({part["moment"] for part in parts}) == 1
    sides[0].execute("DELETE FROM t WHERE n > 9")
    for part in json.loads(json.dumps(parts)):
        task = operator(**arguments, destination_conn_id="warehouse", partition=part)
        execute(task, map_index=part["index"])
    assert loaded_rows(sides) == list(range(ROWS))
