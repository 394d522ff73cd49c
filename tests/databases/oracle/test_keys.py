"""A key that the server does not enforce does not count as a key."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from tests.support.databases.db import Db
from tests.support.loads import Load, loaded

pytestmark = pytest.mark.server


@pytest.fixture
def load(stood_in: tuple[Db, Db]) -> Load:
    source, destination = stood_in
    source.execute("CREATE TABLE t (n integer, CONSTRAINT the_key PRIMARY KEY (n))")
    source.insert("t", [(n,) for n in range(9)])
    destination.execute("CREATE TABLE target (n integer, CONSTRAINT the_key PRIMARY KEY (n))")
    return Load(source, destination, {"source_table": "t", "batch_size": 4})


@pytest.mark.parametrize("state", ["DISABLED", "ENABLED, NOT VALIDATED"])
def test_of_a_source(load: Load, state: str) -> None:
    assert load.attempt().strategy == "key"
    load.next_run()
    load.source.execute(f"INSERT INTO standin_states VALUES ('THE_KEY', '{state}')")
    assert load.attempt(write_mode="replace").strategy == "python"
    assert loaded(load) == list(range(9))


def test_of_a_destination(load: Load) -> None:
    load.destination.execute("INSERT INTO standin_states VALUES ('THE_KEY', 'DISABLED')")
    with pytest.raises(ArgumentError, match="has no primary key"):
        load.attempt(write_mode="upsert")
