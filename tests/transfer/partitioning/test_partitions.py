"""A table in partitions: together they hold each row exactly once, and each is loaded by its own attempt."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError, SourceChangedError, SourceError
from airflow_checkpoint_provider.engine.model.partition import Partition
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.partitions import PartLoad, load_all, moved, plan

KEYS: dict[str, tuple[str, list[Any]]] = {
    "unique": ("integer", list(range(100))),
    "negative and far apart": ("integer", [-(10**9), *range(-50, 40), 10**9]),
    "one key has most rows": ("integer", [*range(20), *[20] * 70, *range(21, 30)]),
    "one key": ("integer", [7] * 30),
    "fewer keys than parts": ("integer", [1, 2, 2]),
    "some have none": ("integer", [None] * 5 + list(range(95))),
    "most have none": ("integer", [None] * 90 + list(range(10))),
    "none has one": ("integer", [None] * 10),
    "numbers with a point": ("numeric(12,3)", [Decimal(n) / 8 for n in range(-40, 60)]),
    "days": ("date", [date(2026, 1, 1 + n % 28) for n in range(100)]),
    "moments": ("timestamp", [datetime(2026, 1, 1, n % 24, n % 60, n) for n in range(59)]),
    "texts": ("varchar(20)", ["a", "A", "b", "Ä", "zz", "z", "10", "9", "%", "it's"] * 4),
    "no rows": ("integer", []),
}
SOURCES = ["sqlite", "postgres", "mysql", "oracle"]


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest, make_db: MakeDb) -> Db:
    return make_db(request.param, "source")


@pytest.fixture
def target(make_db: MakeDb) -> Db:
    return make_db("sqlite", "destination")


def fill(source: Db, target: Db, type_: str, keys: Sequence[Any]) -> list[int]:
    """Create a table ``t`` of numbered rows with these keys, and return the numbers."""
    if source.kind == "sqlite":
        keys = [str(key) if isinstance(key, (date, Decimal)) else key for key in keys]
        type_ = "text" if type_ in ("date", "timestamp") else type_
    source.execute(f"CREATE TABLE t (n integer, k {type_})")
    source.insert("t", enumerate(keys))
    target.execute(f"CREATE TABLE target (n integer, k {'text' if 'char' in type_ else type_})")
    return list(range(len(keys)))


def numbers(target: Db) -> list[int]:
    return [row[0] for row in target.rows("SELECT n FROM target ORDER BY n")]


@pytest.mark.parametrize(("type_", "keys"), KEYS.values(), ids=KEYS)
def test_the_parts_have_every_row_once(source: Db, target: Db, type_: str, keys: list[Any]) -> None:
    expected = fill(source, target, type_, keys)
    parts = plan(source, 4, checkpoint_column="k").parts
    assert 1 <= len(parts) <= 5
    assert json.loads(json.dumps([part.as_dict() for part in parts])) == [part.as_dict() for part in parts]
    results = load_all(source, target, parts, checkpoint_column="k", on_null_key="load", batch_size=7)
    assert numbers(target) == expected
    largest_tie = max(Counter(key for key in keys if key is not None).values(), default=0)
    nulls = keys.count(None)
    assert max(result.rows for result in results) <= max(2 * len(keys) / 4 + largest_tie, nulls)
    assert sum(part.rows for part in parts) == len(keys) == parts[0].rows_in_all
    assert all(result.rows for result in results) or not keys


def test_rows_without_a_key_are_refused_by_the_part_that_they_are_in(source: Db, target: Db) -> None:
    fill(source, target, "integer", [None, *range(20)])
    first, *others = plan(source, 3, checkpoint_column="k").parts
    load_all(source, target, others, checkpoint_column="k")
    with pytest.raises(SourceError, match="1 rows have no value there"):
        load_all(source, target, [first], checkpoint_column="k")
    assert [part.nulls for part in (first, *others)] == [True, False, False]


def test_a_key_of_several_columns_is_split_by_the_first(source: Db, target: Db) -> None:
    rows = [(a, None if b == 4 else b, 10 * a + b) for a in range(10) for b in range(5)]
    source.execute("CREATE TABLE t (a integer, b integer, n integer)")
    source.insert("t", rows)
    target.execute("CREATE TABLE target (a integer, b integer, n integer)")
    parts = plan(source, 3, checkpoint_column=["a", "b"]).parts
    results = load_all(source, target, parts, checkpoint_column=["a", "b"], on_null_key="load", batch_size=4)
    assert numbers(target) == sorted(row[2] for row in rows)
    assert [result.rows for result in results] == [20, 15, 15]


def test_by_the_values_of_another_column(source: Db, target: Db) -> None:
    tenants = ["acme", "zeta", "acme", "mid", None, "tiny"] * 10
    source.execute("CREATE TABLE t (n integer, tenant varchar(10))")
    source.insert("t", enumerate(tenants))
    target.execute("CREATE TABLE target (n integer, tenant varchar(10))")
    made = plan(source, 10, checkpoint_column="n", partition_column="tenant")
    assert [part.rows for part in made.parts] == [10, 20, 10, 10, 10]
    assert made.how.startswith("the 4 values of")
    load_all(source, target, made.parts, checkpoint_column="n")
    assert numbers(target) == list(range(60))
    grouped = plan(source, 2, checkpoint_column="n", partition_column="tenant").parts
    assert [(part.rows, part.nulls) for part in grouped] == [(40, True), (20, False)]


def test_rows_that_come_after_the_plan_are_left_for_the_next_one(source: Db, target: Db) -> None:
    fill(source, target, "integer", list(range(0, 100, 2)))
    parts = plan(source, 4, checkpoint_column="k").parts
    source.insert("t", [(1000, 1), (1001, 51), (1002, 99), (1003, 500)])
    load_all(source, target, parts, checkpoint_column="k")
    assert numbers(target) == [*range(50), 1000, 1001]


def test_a_part_resumes_within_its_range_and_tells_its_own_share(source: Db, target: Db) -> None:
    fill(source, target, "integer", list(range(100)))
    second = plan(source, 4, checkpoint_column="k").parts[1]
    load = PartLoad.of(source, target, second, checkpoint_column="k", batch_size=5)
    assert load.attempt_batches(2)
    result = load.attempt()
    assert (result.rows, result.rows_total) == (15, 25)
    shares = [event.done for event in load.events if hasattr(event, "done")]
    assert shares[-1] == 1
    assert shares[0] == pytest.approx(4 / 24)


def test_another_plan_is_refused_and_a_cleared_part_loads_what_is_planned_now(source: Db, target: Db) -> None:
    fill(source, target, "integer", list(range(100)))
    second = plan(source, 4, checkpoint_column="k").parts[1]
    load = PartLoad.of(source, target, second, checkpoint_column="k", batch_size=5, write_mode="replace")
    assert load.attempt_batches(2)
    with pytest.raises(SourceChangedError, match="partition was"):
        load.attempt(partition=moved(second).as_dict())
    load.clear()
    assert load.attempt(partition=moved(second).as_dict()).rows == 25
    assert len(numbers(target)) == 25


def test_names_that_need_quotes(source: Db, target: Db) -> None:
    source.execute('CREATE TABLE t ("n %" integer, "Käy" integer)')
    source.insert("t", [(n, n % 10) for n in range(40)])
    target.execute('CREATE TABLE target ("n %" integer, "Käy" integer)')
    for column in ({"checkpoint_column": "Käy"}, {"checkpoint_column": "n %", "partition_column": "Käy"}):
        parts = plan(source, 3, **column).parts
        target.execute("DELETE FROM target", "DROP TABLE IF EXISTS airflow_checkpoint")
        load_all(source, target, parts, checkpoint_column=column["checkpoint_column"], write_mode="replace")
        assert len(parts) == 3
        assert [row[0] for row in target.rows('SELECT "n %" FROM target ORDER BY 1')] == list(range(40))


def test_a_query_with_parameters(source: Db, target: Db) -> None:
    fill(source, target, "integer", list(range(50)))
    marks = {"sqlite": "?", "oracle": ":1"}
    arguments = {
        "sql": f"SELECT * FROM t WHERE n <> {marks.get(source.kind, '%s')}",
        "parameters": [7],
        "checkpoint_column": "k",
    }
    parts = plan(source, 4, **arguments).parts
    for part in parts:
        PartLoad.of(source, target, part, **{"source_table": None, **arguments}).attempt()
    assert numbers(target) == [n for n in range(50) if n != 7]


def test_the_primary_key_is_the_default(source: Db) -> None:
    source.execute("CREATE TABLE t (n integer, k integer PRIMARY KEY)")
    source.insert("t", [(n, n) for n in range(10)])
    assert {part.column.lower() for part in plan(source, 2).parts} == {"k"}
    source.execute("CREATE TABLE u (n integer)")
    with pytest.raises(ArgumentError, match="neither a column to split by nor a primary key"):
        plan(source, 2, source_table="u")


def test_a_plan_is_the_same_as_long_as_the_source_is(source: Db, target: Db) -> None:
    fill(source, target, "integer", list(range(50)))
    first = plan(source, 3, checkpoint_column="k").parts
    assert plan(source, 3, checkpoint_column="k").parts == first
    source.insert("t", [(50, 50)])
    assert plan(source, 3, checkpoint_column="k").parts[0].plan != first[0].plan
    assert all(Partition.of_text(part.as_text()) == part for part in first)
