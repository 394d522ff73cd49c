"""Large tables are partitioned by statistics or a sample, and the partitions hold each row exactly once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.transfer.partitioning.planner import Plan
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.partitions import load_all, plan

pytestmark = pytest.mark.server

ROWS = 20_000
SHAPES: dict[str, str] = {
    "unique": "n",
    "one value has a third": "CASE WHEN n % 3 = 0 THEN 700 ELSE n END",
    "squares": "n::bigint * n",
    "some without": "CASE WHEN n % 20 = 0 THEN NULL ELSE n END",
}
Fill = Callable[..., Db]


@pytest.fixture
def fill(make_db: MakeDb) -> Fill:
    def fill(kind: str, key: str = "n", type_: str = "bigint", analyze: bool = True) -> Db:
        source = make_db(kind, "source")
        if kind == "oracle":
            source.execute("CREATE TABLE t (n integer, k integer)")
            source.insert("t", [(n, n) for n in range(ROWS)])
            return source
        source.execute(f"CREATE TABLE t (n integer, k {type_})")
        source.execute(f"INSERT INTO t SELECT n, ({key})::{type_} FROM generate_series(1, {ROWS}) n")
        if analyze:
            source.execute("ANALYZE t")
        return source

    return fill


def sizes(source: Db, made: Plan, make_db: MakeDb, **arguments: Any) -> list[int]:
    target = make_db("sqlite", "destination")
    target.execute("CREATE TABLE target (n integer, k integer)")
    arguments = {"checkpoint_column": "k", "on_null_key": "load", "batch_size": 10_000, **arguments}
    results = load_all(source, target, made.parts, **arguments)
    assert (
        target.one("SELECT count(DISTINCT n) FROM target")
        == target.one("SELECT count(*) FROM target")
        == ROWS
    )
    return [result.rows for result in results]


@pytest.mark.parametrize("key", SHAPES.values(), ids=SHAPES)
def test_the_statistics_of_postgres(fill: Fill, make_db: MakeDb, key: str) -> None:
    source = fill("postgres", key)
    made = plan(source, 8, checkpoint_column="k", large=1000)
    assert made.how == "the server's statistics"
    found = sizes(source, made, make_db)
    tie = ROWS / 3 if "700" in key else 0
    assert max(found) <= 1.5 * ROWS / 8 + tie
    assert sum(part.rows for part in made.parts) == pytest.approx(ROWS, rel=0.02)


def test_statistics_that_are_out_of_date_are_not_used(fill: Fill, make_db: MakeDb) -> None:
    source = fill("postgres")
    source.execute(f"UPDATE t SET k = k + {10 * ROWS} WHERE n <= {ROWS} / 2")
    # The server counts changes when a session ends, and publishes the counts a moment later.
    for _ in range(100):
        if source.one("SELECT pg_stat_get_mod_since_analyze('t'::regclass)"):
            break
    made = plan(source, 4, checkpoint_column="k", large=1000)
    assert made.how != "the server's statistics"
    assert max(sizes(source, made, make_db)) <= 2 * ROWS / 4


def test_texts_are_sampled_because_statistics_have_no_collation(fill: Fill, make_db: MakeDb) -> None:
    source = fill("postgres", "md5(n::text)", "text")
    made = plan(source, 3, checkpoint_column="k", large=1000)
    assert made.how.startswith("a sample of ") or made.how == "the rank of each row"
    target = make_db("sqlite", "destination")
    target.execute("CREATE TABLE target (n integer, k text)")
    results = load_all(source, target, made.parts, checkpoint_column="k", batch_size=10_000)
    assert max(result.rows for result in results) <= 2 * ROWS / 3
    assert target.one("SELECT count(DISTINCT n) FROM target") == ROWS


def test_a_part_of_a_table_is_sampled(fill: Fill, make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "airflow_checkpoint_provider.engine.transfer.partitioning.estimates._PAGES_FOR_EACH", 10
    )
    source = fill("postgres")
    made = plan(source, 4, checkpoint_column="k", large=1000, where="t.n % 2 = 0 OR n < 0")
    assert made.how.startswith("a sample of ")
    assert sum(part.rows for part in made.parts) == pytest.approx(ROWS / 2, rel=0.2)
    few = plan(source, 4, checkpoint_column="k", large=1000, where="n <= 200")
    assert [part.rows for part in few.parts] == [50, 50, 50, 50]


@pytest.mark.parametrize("kind", ["postgres", "oracle"])
def test_a_sample(fill: Fill, make_db: MakeDb, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(
        "airflow_checkpoint_provider.engine.transfer.partitioning.estimates._VALUES_FOR_EACH", 1000
    )
    monkeypatch.setattr(
        "airflow_checkpoint_provider.engine.transfer.partitioning.estimates._PAGES_FOR_EACH", 10
    )
    source = fill(kind)
    made = plan(source, 4, checkpoint_column="k", large=1000)
    assert made.how.startswith("a sample of ")
    assert max(sizes(source, made, make_db)) <= 2 * ROWS / 4
    assert made.parts[0].rows_in_all == pytest.approx(ROWS, rel=0.01)


def test_a_small_table_is_counted(fill: Fill, make_db: MakeDb) -> None:
    source = fill("postgres")
    made = plan(source, 4, checkpoint_column="k")
    assert made.how.startswith("ranges of equal width")
    assert sizes(source, made, make_db) == [ROWS // 4] * 4


def test_a_table_that_was_never_analyzed_and_a_view_are_read(fill: Fill, make_db: MakeDb) -> None:
    source = fill("postgres", "n * n % 7919", analyze=False)
    source.execute("CREATE VIEW v AS SELECT * FROM t")
    for table in ("t", "v"):
        made = plan(source, 4, checkpoint_column="k", large=1000, source_table=table)
        assert made.how.startswith("ranges of equal width")
    assert max(sizes(source, made, make_db)) <= 1.5 * ROWS / 4


@pytest.mark.server
def test_a_partitioned_table_is_sampled(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "airflow_checkpoint_provider.engine.transfer.partitioning.estimates._PAGES_FOR_EACH", 200
    )
    source = make_db("postgres", "source")
    source.execute(
        "CREATE TABLE t (n integer, k integer) PARTITION BY RANGE (k)",
        "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (5000)",
        "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (5000) TO (1000000)",
        f"INSERT INTO t SELECT n, n FROM generate_series(1, {ROWS}) n",
        "ANALYZE t",
    )
    made = plan(source, 4, checkpoint_column="k", large=1000)
    assert made.how.startswith("a sample of ")
    assert max(sizes(source, made, make_db)) <= 2 * ROWS / 4


def test_a_table_that_others_inherit_from_is_read(fill: Fill) -> None:
    source = fill("postgres")
    source.execute("CREATE TABLE child () INHERITS (t)", "INSERT INTO child VALUES (0, -5)", "ANALYZE t")
    made = plan(source, 4, checkpoint_column="k", large=1000)
    assert made.how.startswith("ranges of equal width")
    assert made.parts[0].rows_in_all == ROWS + 1
