"""``replace`` by partitions: each deletes its own range, and together they replace the table."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError, WouldDuplicateError
from airflow_checkpoint_provider.engine.model.partition import Partition
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.partitions import PartLoad, load_all, plan

pytestmark = pytest.mark.server

DESTINATIONS = ("sqlite", "postgres", "mysql", "oracle")
NUMBER, MOMENT, DAY, ZONED = "integer", "timestamp", "date", "timestamp with time zone"


@pytest.fixture
def source(make_db: MakeDb) -> Db:
    """A table of forty rows; ``k`` has gaps."""
    source = make_db("postgres", "source")
    source.execute(
        "CREATE TABLE t (n integer, k integer, d date, m timestamp, z timestamptz, a numeric, s text)"
    )
    source.insert(
        "t",
        [
            (
                n,
                10 * n,
                date(2026, 1, 1 + n % 28),
                datetime(2026, 1, 1, n % 24, n, 7),
                datetime(2026, 1, 1, n % 24, n, tzinfo=UTC),
                Decimal(n) / 4,
                f"{n:03}",
            )
            for n in range(40)
        ],
    )
    return source


def make_target(destination: Db, type_: str = NUMBER) -> None:
    if destination.kind == "mysql":
        type_ = {MOMENT: "datetime(6)", ZONED: "datetime(6)"}.get(type_, type_)
    destination.execute(f"CREATE TABLE target (n integer, k {type_})")


def numbers(destination: Db) -> list[int]:
    return [int(row[0]) for row in destination.rows("SELECT n FROM target ORDER BY n")]


def arguments(column: str = "k", **more: Any) -> dict[str, Any]:
    columns = {"n": "n", column: "k"}
    return {
        "checkpoint_column": column,
        "destination_columns": columns,
        "write_mode": "replace",
        "batch_size": 4,
    } | more


def test_the_parts_together_replace_the_table(source: Db, destination: Db) -> None:
    make_target(destination)
    # Before the first key, between keys, at a boundary, after the last key, and without a key.
    destination.insert("target", [(900, -5), (901, 3), (902, 100), (903, 9999), (904, None)])
    parts = plan(source, 4, checkpoint_column="k").parts
    assert len(parts) == 4
    load_all(source, destination, parts, **arguments())
    assert numbers(destination) == list(range(40))


@pytest.mark.parametrize("index", range(4))
def test_a_cleared_part_reloads_its_range_alone(source: Db, destination: Db, index: int) -> None:
    make_target(destination)
    parts = plan(source, 4, checkpoint_column="k").parts
    loads = [PartLoad.of(source, destination, part, **arguments()) for part in parts]
    for load in loads:
        load.attempt()
    destination.execute("UPDATE target SET n = n + 1000")
    loads[index].clear()
    assert loads[index].attempt().rows == 10
    own = range(10 * index, 10 * index + 10)
    assert numbers(destination) == sorted(n if n in own else n + 1000 for n in range(40))


def test_a_source_without_rows_empties_the_table(source: Db, destination: Db) -> None:
    make_target(destination)
    destination.insert("target", [(1, 1), (2, None)])
    source.execute("DELETE FROM t")
    parts = plan(source, 4, checkpoint_column="k").parts
    assert [(part.lower, part.upper, part.nulls, part.rows) for part in parts] == [(None, None, True, 0)]
    load_all(source, destination, parts, **arguments())
    assert numbers(destination) == []


def test_rows_without_a_key_have_a_part_that_deletes_them(source: Db, destination: Db) -> None:
    make_target(destination)
    destination.insert("target", [(900, None), (901, 5), (902, -1), (903, 9999)])
    source.execute("UPDATE t SET k = NULL WHERE n < 30")
    parts = plan(source, 2, checkpoint_column="k").parts
    assert [part.nulls for part in parts] == [True, False, False]
    for part in reversed(parts):
        PartLoad.of(source, destination, part, **arguments(on_null_key="load")).attempt()
    assert numbers(destination) == list(range(40))
    one = plan(source, 1, checkpoint_column="k").parts
    for part in one:
        load = PartLoad.of(source, destination, part, **arguments(on_null_key="load"), force_reload=True)
        load.attempt()
    assert numbers(destination) == list(range(40))


@pytest.mark.parametrize(("column", "type_"), [("d", DAY), ("m", MOMENT), ("z", ZONED)])
def test_days_and_moments(source: Db, destination: Db, column: str, type_: str) -> None:
    if (destination.kind, column) == ("sqlite", "z"):
        type_ = "text"
    make_target(destination, type_)
    parts = plan(source, 4, checkpoint_column=column).parts
    assert len(parts) >= 3
    if type_ == "text":
        with pytest.raises(ArgumentError, match="not as text"):
            load_all(source, destination, parts, **arguments(column))
        return
    for part in (*parts, *reversed(parts)):
        PartLoad.of(source, destination, part, **arguments(column), force_reload=True).attempt()
    assert numbers(destination) == list(range(40))


@pytest.mark.parametrize(
    ("column", "type_"), [("s", "varchar(10)"), ("k", "varchar(10)"), ("k", "double precision")]
)
def test_where_the_order_may_differ_it_is_refused(
    source: Db, destination: Db, column: str, type_: str
) -> None:
    if destination.kind == "oracle" and type_ == "double precision":
        type_ = "binary_double"
    make_target(destination, type_)
    destination.insert("target", [(900, 3)])
    second = plan(source, 4, checkpoint_column=column).parts[1]
    with pytest.raises(ArgumentError, match="safe only for whole and exact numbers"):
        load_all(source, destination, [second], **arguments(column))
    assert numbers(destination) == [900]


def test_a_column_that_rounds_is_refused_in_postgres(source: Db, make_db: MakeDb) -> None:
    destination = make_db("postgres", "destination")
    make_target(destination, "numeric(10, 1)")
    second = plan(source, 4, checkpoint_column="a").parts[1]
    with pytest.raises(ArgumentError, match="not rounded"):
        load_all(source, destination, [second], **arguments("a"))
    destination.execute("ALTER TABLE target ALTER k TYPE numeric")
    parts = plan(source, 4, checkpoint_column="a").parts
    load_all(source, destination, parts, **arguments("a"))
    assert numbers(destination) == list(range(40))


@pytest.mark.parametrize("destination", ["sqlite"], indirect=True)
def test_the_column_has_to_be_written(source: Db, destination: Db) -> None:
    make_target(destination)
    second = plan(source, 4, checkpoint_column="k").parts[1]
    with pytest.raises(ArgumentError, match="deletes the rows of the partition by k, which is not among"):
        load_all(source, destination, [second], **arguments(destination_columns={"n": "n"}))


@pytest.mark.parametrize("destination", ["sqlite"], indirect=True)
def test_a_cleared_part_does_not_append_twice(source: Db, destination: Db) -> None:
    make_target(destination)
    second: Partition = plan(source, 4, checkpoint_column="k").parts[1]
    load = PartLoad.of(source, destination, second, **arguments(write_mode="append"))
    load.attempt()
    load.clear()
    with pytest.raises(WouldDuplicateError, match="10 rows of this load are already committed"):
        load.attempt()
    assert load.attempt(write_mode="replace").rows == 10
    assert numbers(destination) == list(range(10, 20))


@pytest.mark.parametrize(
    ("write_mode", "preoperator"),
    [
        ("replace", "DELETE FROM target WHERE n >= 0"),
        ("replace", "DELETE FROM target"),
        ("append", "DELETE FROM target"),
    ],
)
def test_a_preoperator_does_not_delete_the_rows_of_other_parts(
    source: Db, make_db: MakeDb, write_mode: str, preoperator: str
) -> None:
    destination = make_db("sqlite", "destination")
    make_target(destination)
    destination.insert("target", [(900, 5)])
    parts = plan(source, 2, checkpoint_column="k").parts
    loads = [
        PartLoad.of(source, destination, part, **arguments(write_mode=write_mode, preoperator=preoperator))
        for part in parts
    ]
    for load in loads:
        assert any("each of the 2 partitions" in one.text for one in load.plan().problems)
        with pytest.raises(ArgumentError, match="rows of target that others of them have loaded"):
            load.attempt()
    assert numbers(destination) == [900]
