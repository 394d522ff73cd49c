"""A table split as it is stored, or the reason why it is not."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded
from tests.support.partitions import load_all, plan


@pytest.fixture
def table(source: Db) -> Db:
    source.execute("CREATE TABLE t (n integer)")
    source.insert("t", [(n,) for n in range(20)])
    return source


@pytest.mark.able(has_rowids=False)
def test_is_refused_in_words(table: Db) -> None:
    with pytest.raises(ArgumentError, match=r"split: .* has no ROWID .* Leave split out\."):
        plan(table, 2, split="rowid")


@pytest.mark.able(has_rowids=True)
def test_has_each_row_once(table: Db, make_db: MakeDb) -> None:
    destination = make_db("sqlite", "destination")
    destination.execute("CREATE TABLE target (n integer)")
    load_all(table, destination, plan(table, 2, split="rowid").parts, checkpoint_column="n")
    assert loaded(Load(table, destination, {})) == list(range(20))
