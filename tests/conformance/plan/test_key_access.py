"""Whether an index serves the key is known before the first row, on the databases that can be asked."""

from __future__ import annotations

import pytest

from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

KINDS = ["sqlite", "postgres", "mysql", "oracle"]
ANALYZE = {
    "sqlite": ["ANALYZE"],
    "postgres": ["ANALYZE sales"],
    "mysql": ["ANALYZE TABLE sales"],
    "oracle": [
        "INSERT INTO standin_statistics VALUES ('SALES', 200, 1)",
        "INSERT INTO all_tab_col_statistics VALUES ('SCOTT', 'SALES', 'N', 0, 200)",
        "INSERT INTO all_tab_col_statistics VALUES ('SCOTT', 'SALES', 'W', 0, 10)",
        "INSERT INTO all_tab_col_statistics VALUES ('SCOTT', 'SALES', 'X', 0, 200)",
    ],
}


def make_load(make_db: MakeDb, kind: str) -> Load:
    source, destination = make_db(kind, "source"), make_db("sqlite", "destination")
    source.execute(
        "CREATE TABLE sales (n integer NOT NULL, v varchar(20) NOT NULL, w integer NOT NULL, PRIMARY KEY (n))",
        "CREATE INDEX by_w ON sales (w)",
    )
    source.insert("sales", [(n, f"v{n}", n) for n in range(200)])
    destination.execute("CREATE TABLE target (n integer, v varchar(20), w integer)")
    return Load(source, destination, {"source_table": "sales"})


@pytest.mark.parametrize("kind", KINDS)
def test_with_an_index_and_without(make_db: MakeDb, kind: str) -> None:
    load = make_load(make_db, kind)
    for column, indexed in (("n", True), ("w", True), ("v", False)):
        strategy = load.plan(checkpoint_column=column).strategy
        assert strategy
        assert strategy.indexed is indexed, (column, strategy)
    named = load.plan(checkpoint_column="w").strategy
    assert named
    assert "by_w" in named.index.lower()


@pytest.mark.parametrize("kind", KINDS)
def test_how_often_a_key_comes_again(make_db: MakeDb, kind: str) -> None:
    load = make_load(make_db, kind)
    load.source.execute(
        "UPDATE sales SET w = mod(n, 10)" if kind != "sqlite" else "UPDATE sales SET w = n % 10",
        "ALTER TABLE sales ADD x integer",
        "UPDATE sales SET x = n",
        "CREATE INDEX by_x ON sales (x)",
    )

    def duplicates() -> list[str]:
        plans = (load.plan(checkpoint_column=name, columns=["n", "w", "x"]).strategy for name in "nwx")
        return [plan.duplicates for plan in plans if plan]

    stays = "they stay in one batch"
    if kind != "mysql":  # it counts by itself
        assert duplicates() == ["none, as it has the primary key", stays, stays]
    load.source.execute(*ANALYZE[kind])
    assert duplicates() == [
        "none, as it has the primary key",
        f"about 20 rows for each key, by statistics; {stays}",
        f"hardly any, by statistics; {stays}",
    ]


@pytest.mark.server
def test_an_index_on_a_part_of_a_column_tells_nothing(make_db: MakeDb) -> None:
    load = make_load(make_db, "mysql")
    load.source.execute(
        "DROP INDEX by_w ON sales", "CREATE INDEX by_part ON sales (v(1), w)", "ANALYZE TABLE sales"
    )
    strategy = load.plan(checkpoint_column="w").strategy
    assert strategy
    assert strategy.duplicates == "they stay in one batch"


@pytest.mark.server
def test_the_most_common_key(make_db: MakeDb) -> None:
    load = make_load(make_db, "postgres")
    load.source.execute("UPDATE sales SET w = CASE WHEN n < 150 THEN 0 ELSE n END", "ANALYZE sales")
    strategy = load.plan(checkpoint_column="w").strategy
    assert strategy
    assert strategy.duplicates == (
        "about 3.9 rows for each key, and 150 for the most common one, by statistics; they stay in one batch"
    )


def test_an_unknown_database_is_not_guessed_about(make_db: MakeDb) -> None:
    source: Db = make_db("unknown", "source")
    destination = make_db("sqlite", "destination")
    source.execute("CREATE TABLE sales (n integer)")
    destination.execute("CREATE TABLE target (n integer)")
    plan = Load(source, destination, {"source_table": "sales", "checkpoint_column": "n"}).plan()
    assert plan.strategy
    assert (plan.strategy.indexed, plan.source.rights, plan.estimate.rows) == (None, {}, None)
