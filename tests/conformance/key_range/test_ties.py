"""Runs of equal keys: a batch never ends inside one, whatever their length and place."""

from __future__ import annotations

from collections import Counter

import pytest

from airflow_checkpoint_provider.engine.model.events.transfer import BatchCommitted
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

PATTERNS = {
    "unique": [1] * 12,
    "pairs": [2] * 6,
    "around every border": [1, 2, 3, 2, 1, 3],
    "longer than several batches": [1, 17, 1],
    "first": [9, 1, 1, 1],
    "last": [1, 1, 1, 9],
    "only one key": [12],
    "each longer than a batch": [5, 6, 7],
}


def keys_of(pattern: list[int]) -> list[int]:
    return [key for key, times in enumerate(pattern) for _ in range(times)]


def committed(load: Load) -> list[int]:
    return [event.rows for event in load.told(BatchCommitted)]


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_batches_end_between_keys(source: Db, make_db: MakeDb, pattern: list[int]) -> None:
    keys = keys_of(pattern)
    source.execute("CREATE TABLE t (n integer, k integer)")
    source.insert("t", enumerate(keys))
    for size in (1, 2, 3, 4, 12) if not source.able.needs_server else (3,):
        destination = make_db("sqlite", f"destination_{size}")
        destination.execute("CREATE TABLE target (n integer, k integer)")
        load = Load(source, destination, {"source_table": "t", "checkpoint_column": "k", "batch_size": size})
        while load.attempt_batches(1):
            pass
        assert destination.rows("SELECT n, k FROM target ORDER BY n") == list(enumerate(keys))
        borders, place = [], 0
        for rows in committed(load):
            place += rows
            borders.append(place)
        assert borders[-1] == len(keys)
        assert all(keys[border - 1] != keys[border] for border in borders[:-1])
        # A batch exceeds its size only up to the end of its last run.
        longest = max(Counter(keys).values())
        assert max(committed(load)) < size + longest


def test_a_failure_inside_a_long_run_leaves_nothing_of_it(source: Db, make_db: MakeDb) -> None:
    source.execute("CREATE TABLE t (n integer, k integer)")
    source.insert("t", [(n, n // 20) for n in range(60)])
    destination = make_db("sqlite", "destination")
    destination.execute("CREATE TABLE target (n integer CHECK (n <> 35), k integer)")
    load = Load(source, destination, {"source_table": "t", "checkpoint_column": "k", "batch_size": 3})
    with pytest.raises(Exception, match="CHECK constraint failed"):
        load.attempt()
    assert destination.one("SELECT count(*) FROM target") == 20
    source.execute("UPDATE t SET n = 100 WHERE n = 35")
    assert load.attempt().rows == 40
    assert destination.rows("SELECT n FROM target ORDER BY n") == source.rows("SELECT n FROM t ORDER BY n")
