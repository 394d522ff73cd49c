"""One moment for all attempts: rows are read as of it, or the load is refused before it changes anything."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.transfer.shared_moment import take
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded
from tests.support.partitions import load_all, plan

ARGUMENTS = {"source_table": "t", "checkpoint_column": "n", "write_mode": "replace", "as_of": "now"}


@pytest.fixture
def load(source: Db, make_db: MakeDb) -> Load:
    destination = make_db("sqlite", "destination")
    source.execute("CREATE TABLE t (n integer)")
    source.insert("t", [(n,) for n in range(20)])
    destination.execute("CREATE TABLE target (n integer)", "INSERT INTO target VALUES (-1)")
    return Load(source, destination, {**ARGUMENTS, "batch_size": 6})


@pytest.mark.able(reads_moments=False)
def test_is_refused_in_words(load: Load) -> None:
    with pytest.raises(ArgumentError, match=r"as_of: .* cannot be read as it was .* Leave as_of out"):
        load.attempt()
    with pytest.raises(ArgumentError, match="as_of: .* cannot be read as it was"):
        plan(load.source, 2, checkpoint_column="n", as_of="now")
    assert loaded(load) == [-1]
    assert load.destination.one("SELECT count(*) FROM airflow_checkpoint") == 0


@pytest.mark.able(shares_moments=False)
def test_is_refused_for_several_tables(source: Db) -> None:
    with pytest.raises(
        ArgumentError, match=r"as_of: .* \('src'\) cannot be read as it was .* Leave as_of out\."
    ):
        take(source.database("src"))


@pytest.mark.able(reads_moments=True)
def test_is_read_by_each_attempt_and_partition(load: Load) -> None:
    assert load.attempt_batches(2)
    parts = plan(load.source, 3, checkpoint_column="n", as_of="now").parts
    load.source.execute("DELETE FROM t WHERE n > 3")
    load.source.insert("t", [(n,) for n in (-5, 7, 100)])
    load.attempt(verify="digest")
    assert loaded(load) == list(range(20))
    load.destination.execute("DELETE FROM target")
    load_all(load.source, load.destination, parts, checkpoint_column="n")
    assert loaded(load) == list(range(20))
