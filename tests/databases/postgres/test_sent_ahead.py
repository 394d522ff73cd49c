"""Rows that a Postgres server sends before they are asked for, while SQLite writes."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowTaskTimeout
from airflow.sdk.execution_time.timeout import timeout
from psycopg import capabilities

from airflow_checkpoint_provider.engine.model.errors import ConnectionLostError, DestinationError, SourceError
from airflow_checkpoint_provider.engine.model.events.transfer import BatchCommitted, Event
from airflow_checkpoint_provider.operators import stopping
from tests.support.airflow.operating import execute, operator
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.network.networks import behind, kill, reach
from tests.support.network.proxy import Proxy
from tests.support.waiting import wait_for

pytestmark = pytest.mark.server

ROWS, BATCH = 6_000, 700
SLEEPS = (
    "CREATE TABLE t (n integer PRIMARY KEY)",
    f"INSERT INTO t SELECT generate_series(1, {ROWS})",
    "ANALYZE t",
    # STABLE, so that the server finds the last key without calling the function.
    "CREATE FUNCTION sleeps(n integer) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN"
    " IF n = 2500 THEN PERFORM pg_sleep(60); END IF; RETURN repeat('x', 1000); END $$",
)


@pytest.fixture
def origin(make_db: MakeDb) -> Db:
    return make_db("postgres", "source")


@pytest.fixture
def to(make_db: MakeDb) -> Db:
    return make_db("sqlite", "destination")


@pytest.fixture
def proxy(origin: Db) -> Iterator[Proxy]:
    with Proxy(reach(origin)) as made:
        yield made


def load_of(origin: Db, to: Db, rows: int = ROWS, x: str = "repeat('x', 1000)") -> Load:
    to.execute("CREATE TABLE target (n integer PRIMARY KEY, x text)")
    sql = f"SELECT n, {x} AS x FROM generate_series(1, {rows}) n"
    return Load(origin, to, {"sql": sql, "checkpoint_column": "n", "batch_size": BATCH})


def assert_all_there(to: Db, rows: int = ROWS) -> None:
    assert [n for (n,) in to.rows("SELECT n FROM target ORDER BY n")] == list(range(1, rows + 1))


def assert_nothing_runs(origin: Db) -> None:
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    wait_for(lambda: not origin.one(f"SELECT count(*) {others}"), "the source's backends to end", timeout=10)


@pytest.mark.parametrize("chunked", [True, False], ids=["sent ahead", "libpq before 17"])
def test_the_source_is_asked_once(origin: Db, to: Db, monkeypatch: pytest.MonkeyPatch, chunked: bool) -> None:
    monkeypatch.setattr(capabilities, "has_stream_chunked", lambda check=False: chunked)
    statements: list[str] = []

    def look(rows: list[Any], **_: Any) -> list[Any]:
        statements.extend(text for (text,) in origin.rows("SELECT query FROM pg_stat_activity"))
        return rows

    assert load_of(origin, to).attempt(rows_processor=look).rows == ROWS
    assert_all_there(to)
    assert any("FETCH FORWARD" in text for text in statements) != chunked


@pytest.mark.parametrize("end", [1, 699, 700, 701, 1000, 1001, 2100])
def test_the_last_block_is_as_long_as_it_is(origin: Db, to: Db, end: int) -> None:
    assert load_of(origin, to, end).attempt().rows == end
    assert_all_there(to, end)


KEYS = {
    "text": ("varchar(20)", "'key ' || to_char(n / 7, 'fm0000')"),
    # Only the server can compare these for equality.
    "interval": (
        "interval",
        "n / 7 * interval '30 days' + CASE n % 2 WHEN 0 THEN '1 mon' ELSE interval '30 days' END",
    ),
}


@pytest.mark.parametrize(("kind", "value"), KEYS.values(), ids=KEYS)
def test_equal_keys_stay_together(origin: Db, to: Db, kind: str, value: str) -> None:
    origin.execute(
        f"CREATE TABLE t (k {kind}, n integer)",
        f"INSERT INTO t SELECT {value}, n FROM generate_series(1, 3000) n",
    )
    to.execute("CREATE TABLE target (k text, n integer)")
    load = Load(origin, to, {"source_table": "t", "checkpoint_column": "k", "batch_size": 10})
    load.attempt()
    sizes = [event.rows for event in load.told(BatchCommitted)]
    assert sizes == [13] + [14] * 213 + [5]
    assert [n for (n,) in to.rows("SELECT n FROM target ORDER BY n")] == list(range(1, 3001))


def test_rows_without_a_key_follow_the_others(origin: Db, to: Db) -> None:
    origin.execute(
        "CREATE TABLE t (k integer, n integer)",
        "INSERT INTO t SELECT nullif(n % 1500, 0), n FROM generate_series(1, 6000) n",
    )
    to.execute("CREATE TABLE target (k integer, n integer)")
    arguments = {"source_table": "t", "checkpoint_column": "k", "batch_size": 1000, "on_null_key": "load"}
    assert Load(origin, to, arguments).attempt(verify="digest").rows == 6000
    assert to.rows("SELECT n FROM target ORDER BY n") == [(n,) for n in range(1, 6001)]


def test_an_error_of_the_destination_ends_the_query(origin: Db, to: Db) -> None:
    origin.execute(*SLEEPS)
    load = load_of(origin, to)
    load.arguments["sql"] = "SELECT n, sleeps(n) AS x FROM t"
    to.execute("DROP TABLE target", "CREATE TABLE target (n integer CHECK (n < 1200), x text)")
    began = time.monotonic()
    with pytest.raises(DestinationError, match="refused the batch"):
        load.attempt()
    assert time.monotonic() - began < 10
    assert to.one("SELECT count(*) FROM target") == BATCH
    assert_nothing_runs(origin)


def test_an_error_of_the_destination_does_not_wait_for_a_stalled_source(
    origin: Db, to: Db, proxy: Proxy
) -> None:
    load = load_of(origin, to, rows=60_000)

    def stall(rows: list[Any], **_: Any) -> list[Any]:
        proxy.stall()
        raise ZeroDivisionError("as the user's function fails")

    began = time.monotonic()
    with pytest.raises(ZeroDivisionError, match="as the user's function fails"):
        load.transfer(behind(origin, proxy).database("src"), None, rows_processor=stall).run()
    assert time.monotonic() - began < 15


def test_an_error_of_the_source_is_reported_as_its_own(origin: Db, to: Db) -> None:
    load = load_of(origin, to, x="1 / (3000 - n)")
    with pytest.raises(SourceError, match="Source 'src': division by zero"):
        load.attempt()
    committed = to.one("SELECT count(*) FROM target")
    assert to.one("SELECT rows_written FROM airflow_checkpoint") == committed
    assert committed % BATCH == 0
    assert_nothing_runs(origin)


def test_a_cut_connection_is_opened_again(
    origin: Db, to: Db, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.0)
    load = load_of(origin, to)
    proxy.cut_at_byte(4_000_000, from_client=False)
    result = load.transfer(behind(origin, proxy).database("src"), None).run()
    assert (result.rows, result.reconnects) == (ROWS, 1)
    assert_all_there(to)


def test_execution_timeout_ends_a_task_whose_source_is_stalled(
    origin: Db, to: Db, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "_AFTER_TIMEOUT_S", 1.0)
    monkeypatch.setenv("AIRFLOW_CONN_SRC", behind(origin, proxy).uri)
    monkeypatch.setenv("AIRFLOW_CONN_DST", to.uri)
    arguments = load_of(origin, to, rows=60_000).arguments

    def stall(rows: list[Any], **_: Any) -> list[Any]:
        if rows[0][0] > 2 * BATCH:
            proxy.stall()
        return rows

    limit = timedelta(seconds=3)
    task = operator(**arguments, source_table=None, rows_processor=stall, execution_timeout=limit)
    began = time.monotonic()
    with pytest.raises(AirflowTaskTimeout), timeout(limit.total_seconds()):
        execute(task)
    assert 2.9 < time.monotonic() - began < 15
    committed = to.one("SELECT count(*) FROM target")
    assert committed > 2 * BATCH
    assert to.rows("SELECT status, rows_written FROM airflow_checkpoint") == [("failed", committed)]


def test_a_session_that_is_ended_is_an_attempt_that_goes_on(origin: Db, to: Db) -> None:
    load = load_of(origin, to, rows=60_000)
    ended = []

    def end(rows: list[Any], **_: Any) -> list[Any]:
        if not ended:
            ended.append(True)
            kill(origin)
        return rows

    result = load.attempt(rows_processor=end)
    assert (result.rows, result.reconnects) == (60_000, 1)
    assert_all_there(to, 60_000)


class SlowOnce(Load):
    """A load that pauses once, after a batch."""

    _has_rested = False

    def _observe(self, event: Event) -> None:
        super()._observe(event)
        if isinstance(event, BatchCommitted) and not self._has_rested:
            self._has_rested = True
            time.sleep(1.5)


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_a_statement_timeout_counts_the_whole_load(origin: Db, make_db: MakeDb, kind: str) -> None:
    to = make_db(kind, "destination")
    load = load_of(origin, to, rows=60_000)
    # A timeout of the database is a default, and overridden; a timeout of the connection counts the whole load.
    origin.execute(f"ALTER DATABASE {origin.one('SELECT current_database()')} SET statement_timeout = '1s'")
    limited = Db("postgres", psycopg.conninfo.make_conninfo(origin.place, options="-c statement_timeout=1s"))
    with pytest.raises(ConnectionLostError, match="canceling statement due to statement timeout"):
        SlowOnce(limited, to, load.arguments).attempt(max_reconnects=0)
    committed = to.one("SELECT count(*) FROM target")
    assert 0 < committed < 60_000
    retry = SlowOnce(limited, to, load.arguments, try_number=1).attempt()
    assert retry.rows == 60_000 - committed
    assert retry.reconnects >= 1
    assert_all_there(to, 60_000)
    to.execute("DELETE FROM target")
    assert SlowOnce(origin, to, load.arguments, run=2).attempt().reconnects == 0
    assert_all_there(to, 60_000)
