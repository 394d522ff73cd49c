"""Reading and writing at once: a failure on one side ends the other, and is reported unchanged."""

from __future__ import annotations

import threading
import time

import pytest

from airflow_checkpoint_provider.engine.databases.postgres.source import PostgresSource
from airflow_checkpoint_provider.engine.model.errors import DestinationError, SourceError
from airflow_checkpoint_provider.engine.transfer.batches import prefetch as overlap
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

pytestmark = pytest.mark.server

DESTINATIONS = ("sqlite", "postgres", "oracle")


def reading_threads() -> int:
    return sum(thread.name == "checkpoint-read-ahead" for thread in threading.enumerate())


@pytest.mark.parametrize("way", ["interrupt", "cut"])
def test_an_error_of_the_destination_ends_the_query(
    make_db: MakeDb, destination: Db, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    if way == "cut":
        monkeypatch.setattr(overlap, "PATIENCE_S", 0.2)
        monkeypatch.setattr(PostgresSource, "interrupt", lambda self: None)
    source = make_db("postgres", "source")
    destination.execute("CREATE TABLE target (n integer CHECK (n < 250), x text)")
    # Wide rows, because the server sends rows only after some kilobytes have accumulated.
    stuck = "CASE WHEN n = 550 THEN pg_sleep(60)::text ELSE repeat('x', 1000) END"
    load = Load(
        source,
        destination,
        {
            "sql": f"SELECT n, {stuck} AS x FROM generate_series(1, 1000) n",
            "strategy": "python",
            "batch_size": 100,
        },
    )
    began = time.monotonic()
    with pytest.raises(DestinationError, match="refused the batch"):
        load.attempt()
    assert time.monotonic() - began < 10
    assert reading_threads() == 0


def test_an_error_of_the_source_is_reported_as_its_own(make_db: MakeDb, destination: Db) -> None:
    source = make_db("postgres", "source")
    destination.execute("CREATE TABLE target (n integer, x integer)")
    load = Load(
        source,
        destination,
        {
            "sql": "SELECT n, 1 / (15000 - n) AS x FROM generate_series(1, 20000) n",
            "strategy": "python",
            "batch_size": 100,
        },
    )
    with pytest.raises(SourceError, match="Source 'src': division by zero"):
        load.attempt()
    committed = destination.one("SELECT count(*) FROM target")
    assert destination.one("SELECT rows_written FROM airflow_checkpoint") == committed
    assert committed % 100 == 0
    assert reading_threads() == 0
