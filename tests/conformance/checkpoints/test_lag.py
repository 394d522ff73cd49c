"""The lag of a mark, queried from each kind of source."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

BEGAN = datetime(2026, 1, 31, 12)


SQL = "SELECT n, born FROM t"
READS: dict[str, Any] = {"source_conn_id": "src", "sql": SQL}


def moments(first: int, number: int) -> list[tuple[int, datetime]]:
    return [(n, BEGAN + timedelta(seconds=30 * n)) for n in range(first, first + number)]


@pytest.fixture
def load(source: Db, make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> Load:
    destination = make_db("sqlite", "destination")
    monkeypatch.setenv("AIRFLOW_CONN_SRC", source.uri)
    monkeypatch.setenv("AIRFLOW_CONN_DST", destination.uri)
    source.execute(f"CREATE TABLE t (n integer, born {source.able.moment})")
    source.insert("t", moments(0, 5))
    destination.execute("CREATE TABLE target (n integer, born text)")
    return Load(source, destination, {"sql": SQL, "checkpoint_column": "born", "scope": "task"})


def test_time_and_rows(load: Load) -> None:
    hook = CheckpointHook("dst")
    load.attempt()
    found = hook.lag("a_dag", "a_task", **READS)
    assert (found.seconds, found.rows) == (0, 0)
    load.source.insert("t", moments(5, 3))
    found = hook.lag("a_dag", "a_task", **READS)
    assert (found.seconds, found.rows) == (90, 3)
    assert found.newest
    assert str(found.newest[0]).replace("T", " ").startswith("2026-01-31 12:03:30")


def test_numbers_have_no_time_between_them(load: Load) -> None:
    load.attempt(checkpoint_column="n")
    load.source.insert("t", moments(5, 3))
    found = CheckpointHook("dst").lag("a_dag", "a_task", **READS)
    assert (found.seconds, found.rows) == (None, 3)


def test_a_table_is_read_as_its_task_reads_it(load: Load) -> None:
    load.attempt(sql=None, source_table="t", columns=["born", "n"], where="n >= 1")
    load.source.insert("t", moments(5, 3))
    reads = {"source_conn_id": "src", "source_table": "t", "columns": ["born", "n"]}
    assert CheckpointHook("dst").lag("a_dag", "a_task", **reads, where="n >= 1").rows == 3
    with pytest.raises(ArgumentError, match="source_table: the checkpoint of .* is of a load with"):
        CheckpointHook("dst").lag("a_dag", "a_task", **reads)
