"""The order in which tables are published goes by their foreign keys."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.registry import open_destination
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.transfer.fingerprint import resolved_table
from airflow_checkpoint_provider.engine.transfer.staging.key_order import parents_first
from tests.support.databases.fixtures import MakeDb


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("leaf", "root", "one", "two"), [1, 0, 2, 3]),
        (("one", "two", "leaf", "root"), [0, 1, 3, 2]),
        (("main.leaf", "ROOT"), [1, 0]),
    ],
)
def test_a_circle_leaves_the_order_of_others(
    make_db: MakeDb, names: tuple[str, ...], expected: list[int]
) -> None:
    db = make_db("sqlite", "destination")
    db.execute(
        "CREATE TABLE root (n integer PRIMARY KEY)",
        "CREATE TABLE leaf (n integer REFERENCES Root (n))",
        "CREATE TABLE one (n integer PRIMARY KEY REFERENCES two (n))",
        "CREATE TABLE two (n integer PRIMARY KEY REFERENCES one (n))",
    )
    with db.database("dst").open() as connection:
        destinations = [
            open_destination(connection, TableName.parse(name, "t"), "dst", "replace_atomic")
            for name in names
        ]
        for one in destinations:
            one.find(sa.inspect(connection))
        found = parents_first(
            destinations, [resolved_table(one, with_database=False) for one in destinations]
        )
    assert [place for place in found if "one" not in names[place] and "two" not in names[place]] == [
        place for place in expected if names[place] not in ("one", "two")
    ]
