"""Older servers: any version as a source, and as a destination a version that takes short names only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from tests.support.databases.db import Db
from tests.support.databases.oracle_places import stand_in
from tests.support.loads import Load, loaded
from tests.support.partitions import plan

pytestmark = pytest.mark.server

OLD = "11.2.0.4.0"


@pytest.fixture
def load(stood_in: tuple[Db, Db]) -> Iterator[Load]:
    source, destination = stood_in
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, b varchar2(9), z TIMESTAMP WITH TIME ZONE)")
    source.insert("t", [(n, f"b{n % 3}", None) for n in range(20)])
    destination.execute("CREATE TABLE target (n integer, b varchar2(9), z TIMESTAMP WITH TIME ZONE)")
    yield Load(source, destination, {"batch_size": 6})
    for side in stood_in:
        server = stand_in.server(side.place)
        server.version, server.max_identifier_length = "23.9.0.25.7", 128


@pytest.mark.parametrize(
    "arguments",
    [
        {"source_table": "t", "checkpoint_column": "n"},
        {"source_table": "t", "checkpoint_column": ["b", "n"]},
        {"source_table": "t", "checkpoint_column": "n", "write_mode": "replace", "verify": "digest"},
        {"sql": "SELECT * FROM t ORDER BY n", "strategy": "python"},
        {"sql": "SELECT n, b FROM t ORDER BY n", "strategy": "python"},
    ],
    ids=["key", "composite key", "verified", "counted", "counted, without text"],
)
def test_a_source_of_any_version(load: Load, arguments: dict[str, Any]) -> None:
    stand_in.server(load.source.place).version = OLD
    load.attempt_batches(2, **arguments)
    assert load.attempt(**arguments).rows_total == 20
    assert sorted(loaded(load)) == list(range(20))


def test_the_parts_of_a_table_of_an_old_server(load: Load) -> None:
    stand_in.server(load.source.place).version = OLD
    assert [part.rows for part in plan(load.source, 2, checkpoint_column="n").parts] == [10, 10]


def test_a_destination_of_short_names(load: Load) -> None:
    stand_in.server(load.destination.place).max_identifier_length = 30
    arguments = {"source_table": "t", "checkpoint_column": "n", "write_mode": "replace_atomic"}
    with pytest.raises(
        ArgumentError,
        match="a name has at most 30 characters here, and _reject_named stands behind .* at most 17 characters",
    ):
        load.attempt(**arguments)
    load.attempt(checkpoint_table="ckpt", **arguments)
    assert sorted(loaded(load)) == list(range(20))
