"""The network between the engine and the databases is cut, stalls, or disappears silently."""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowTaskTimeout
from airflow.sdk.execution_time.timeout import timeout

from airflow_checkpoint_provider.engine.databases import sockets
from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import CannotConnectError, ConnectionLostError
from airflow_checkpoint_provider.engine.model.events.transfer import Reconnecting
from airflow_checkpoint_provider.operators import stopping
from tests.support.airflow.operating import execute, operator
from tests.support.databases.db import Db
from tests.support.databases.mysql_drivers import DRIVERS, connect_mysql
from tests.support.loads import Load
from tests.support.network.networks import behind, reach
from tests.support.network.proxy import MysqlFramer, PostgresFramer, Proxy

ROWS, BATCH = 2_000, 250
Through = Callable[..., "Network"]


@dataclass(frozen=True)
class Network:
    """A load with a proxy in front of each database."""

    load: Load
    source: Proxy
    destination: Proxy
    databases: tuple[Database, Database]

    def attempt(self, **changes: Any) -> Any:
        return self.load.transfer(*self.databases, **changes).run()

    def side(self, name: str) -> Proxy:
        return self.source if name == "source" else self.destination

    def loaded(self) -> list[int]:
        return [n for (n,) in self.load.destination.rows("SELECT n FROM target ORDER BY n")]

    def again(self) -> None:
        """Go on to a new load, into an empty table."""
        self.load.destination.execute("DELETE FROM target")
        self.load.next_run()

    def complete(self, **changes: Any) -> Any:
        """Load in as many attempts as are needed, and check the rows."""
        try:
            result = self.attempt(**changes)
        except CannotConnectError:  # an attempt that cannot connect ends at once, and Airflow retries it
            result = self.attempt(**changes)
        assert (result.status, result.rows_total) == ("completed", ROWS)
        assert self.loaded() == list(range(ROWS))
        return result


@contextmanager
def network(source: Db, destination: Db) -> Iterator[Network]:
    source.execute("CREATE TABLE t (n integer PRIMARY KEY, v varchar(2000))")
    source.insert("t", [(n, f"{n} " * 40) for n in range(ROWS)])
    destination.execute("CREATE TABLE target (n integer, v varchar(2000))")
    load = Load(source, destination, {"source_table": "t", "batch_size": BATCH, "lock_timeout": 10})
    with ExitStack() as stack:
        proxies, databases = [], []
        for db, conn_id in ((source, "src"), (destination, "dst")):
            framer = MysqlFramer if db.kind == "mysql" else PostgresFramer
            proxies.append(stack.enter_context(Proxy(reach(db), framer)))
            databases.append(behind(db, proxies[-1]).database(conn_id))
        yield Network(load, *proxies, (databases[0], databases[1]))


@pytest.fixture
def postgres(
    postgres_source: str, postgres_destination: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Network]:
    with network(Db("postgres", postgres_source), Db("postgres", postgres_destination)) as made:
        for name, proxy, place in (
            ("SRC", made.source, postgres_source),
            ("DST", made.destination, postgres_destination),
        ):
            monkeypatch.setenv(f"AIRFLOW_CONN_{name}", behind(Db("postgres", place), proxy).uri)
        yield made


@pytest.fixture
def mysql(mysql_source: str, mysql_destination: str) -> Iterator[Network]:
    with network(Db("mysql", mysql_source), Db("mysql", f"{mysql_destination}&local_infile=1")) as made:
        yield made


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    uniform = random.uniform
    monkeypatch.setattr(random, "uniform", lambda low, high: min(uniform(low, high), 0.05))


@pytest.fixture
def quick_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the other end for gone after three seconds instead of two minutes."""
    monkeypatch.setattr(sockets, "KEEPALIVE", {"TCP_KEEPIDLE": 1, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 2})


def same(rows: list[Any], **_: Any) -> list[Any]:
    return rows


@pytest.fixture(params=["packed", "rows"])
def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Rows travel as COPY, or as Python values."""
    return {} if request.param == "packed" else {"rows_processor": same}


# Cut


def cut_at_random_bytes(net: Network, way: dict[str, Any], times: int) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    moments = random.Random(seed)
    net.complete(**way)  # which also creates the metadata tables
    net.again()
    before = [list(net.source.passed), list(net.destination.passed)]
    net.complete(**way)
    passed = [
        [now - then for now, then in zip(proxy.passed, was, strict=True)]
        for proxy, was in zip((net.source, net.destination), before, strict=True)
    ]
    for _ in range(times):
        side, from_client = moments.randrange(2), moments.random() < 0.5
        net.again()
        proxy = (net.source, net.destination)[side]
        cuts = proxy.cuts
        last = passed[side][from_client] * 9 // 10  # the last messages vary with the duration
        proxy.cut_at_byte(moments.randint(1, last), from_client=from_client)
        net.complete(**way)
        assert proxy.cuts == cuts + 1


@pytest.mark.server
def test_cut_at_random_bytes(postgres: Network, way: dict[str, Any]) -> None:
    cut_at_random_bytes(postgres, way, times=20)


@pytest.mark.server
def test_cut_at_random_bytes_of_mysql(mysql: Network) -> None:
    cut_at_random_bytes(mysql, {}, times=10)


def cut_at_every_commit(net: Network, way: dict[str, Any], *, applied: bool) -> None:
    net.complete(**way)  # which also creates the metadata tables
    net.again()
    before = net.destination.commits
    net.complete(**way)
    commits = net.destination.commits - before
    assert commits > ROWS / BATCH
    for number in range(1, commits + 1):
        net.again()
        net.destination.cut_at_commit(number, applied=applied)
        told = len(net.load.told(Reconnecting))
        net.complete(**way)
        assert len(net.load.told(Reconnecting)) <= told + 1
    assert net.destination.cuts == commits


@pytest.mark.server
@pytest.mark.parametrize("applied", [True, False], ids=["applied", "lost"])
def test_cut_between_commit_and_its_answer(postgres: Network, way: dict[str, Any], applied: bool) -> None:
    cut_at_every_commit(postgres, way, applied=applied)


@pytest.mark.server
@pytest.mark.parametrize("applied", [True, False], ids=["applied", "lost"])
def test_cut_between_commit_and_its_answer_of_mysql(mysql: Network, applied: bool) -> None:
    cut_at_every_commit(mysql, {}, applied=applied)


@pytest.mark.server
@pytest.mark.parametrize(("side", "conn_id"), [("source", "src"), ("destination", "dst")])
def test_an_attempt_that_gives_up_says_what_was_lost(postgres: Network, side: str, conn_id: str) -> None:
    def cut(rows: list[Any]) -> list[Any]:
        if side == "destination":
            postgres.destination.cut()
        return rows

    if side == "source":
        postgres.source.each_carries = 50_000  # less than a batch
    message = (
        r"lost 3 times without progress in between \(max_reconnects=2\); the last time: "
        rf"{side}.* '{conn_id}': .*\. The next attempt goes on from the last committed batch"
    )
    with pytest.raises(ConnectionLostError, match=f"(?i){message}"):
        postgres.attempt(rows_processor=cut, max_reconnects=2, batch_size=1_000)
    postgres.source.each_carries = None
    assert postgres.complete().rows == ROWS


# Stalled


@contextmanager
def stalled_after(
    net: Network, side: str, batches: int, then: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Stall one side once so many batches are committed, and then call a function."""
    over = threading.Event()

    def wait_and_stall() -> None:
        while not over.wait(0.01):
            with psycopg.connect(net.load.destination.place) as connection:
                if not connection.execute("SELECT to_regclass('airflow_checkpoint')").fetchone()[0]:  # type: ignore[index]
                    continue
                stored = connection.execute("SELECT batches FROM airflow_checkpoint").fetchone()
            if stored and stored[0] >= batches:
                net.side(side).stall()
                then()
                return

    thread = threading.Thread(target=wait_and_stall)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def slowly(rows: list[Any], **_: Any) -> list[Any]:
    time.sleep(0.02)
    return rows


@pytest.mark.server
@pytest.mark.parametrize("side", ["source", "destination"])
@pytest.mark.parametrize("processor", [None, slowly], ids=["packed", "rows"])
def test_execution_timeout_ends_a_stalled_task(
    postgres: Network, monkeypatch: pytest.MonkeyPatch, side: str, processor: Any
) -> None:
    monkeypatch.setattr(stopping, "_AFTER_TIMEOUT_S", 1.0)
    sql = "SELECT n, repeat('x', 1900) AS v FROM generate_series(1, 400000) n"
    limit = timedelta(minutes=5)
    task = operator(
        sql=sql,
        source_table=None,
        checkpoint_column="n",
        rows_processor=processor,
        batch_size=1_000,
        execution_timeout=limit,
    )
    stalled: list[float] = []

    def soon_over() -> None:
        stalled.append(time.monotonic())
        signal.setitimer(signal.ITIMER_REAL, 2)

    ended = pytest.raises(AirflowTaskTimeout)
    with stalled_after(postgres, side, 3, soon_over), ended, timeout(limit.total_seconds()):
        execute(task)
    assert 1.9 < time.monotonic() - stalled[0] < 60
    postgres.side(side).flow()
    status, rows, error = postgres.load.destination.rows(
        "SELECT status, rows_written, last_error FROM airflow_checkpoint"
    )[0]
    assert rows == postgres.load.destination.one("SELECT count(*) FROM target")
    if side == "source":
        assert (status, error.partition(",")[0]) == ("failed", "AirflowTaskTimeout: Timeout")


@pytest.mark.server
@pytest.mark.parametrize("driver", ["psycopg", *DRIVERS])
def test_a_statement_that_runs_is_cut(request: pytest.FixtureRequest, driver: str) -> None:
    if driver == "psycopg":
        raw: Any = psycopg.connect(request.getfixturevalue("postgres_source"))
    else:
        raw = connect_mysql(request.getfixturevalue("mysql_source"), driver)
    ended: list[BaseException] = []

    def wait() -> None:
        with closing(raw.cursor()) as cursor:
            try:
                cursor.execute("SELECT pg_sleep(100)" if driver == "psycopg" else "SELECT SLEEP(100)")
                cursor.fetchall()
            except Exception as error:
                ended.append(error)

    cut = sockets.cutter(raw)
    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.5)
    cut()
    waiting.join(60)
    assert len(ended) == 1


@pytest.mark.server
@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_server_that_is_slow_is_not_taken_for_gone(
    postgres: Network, quick_probes: None, way: dict[str, Any], side: str
) -> None:
    def pause() -> None:
        time.sleep(5)
        postgres.side(side).flow()

    # A batch exceeds the buffers on the way: its last bytes stay unsent.
    sql = "SELECT n, repeat('x', 1900) AS v FROM generate_series(1, 30000) n"
    with stalled_after(postgres, side, batches=1):
        threading.Timer(0.5, pause).start()
        result = postgres.attempt(
            sql=sql,
            source_table=None,
            checkpoint_column="n",
            batch_size=10_000,
            **(way and {"rows_processor": slowly}),
        )
    assert (result.rows, result.reconnects) == (30_000, 0)


# Gone


@pytest.mark.server
@pytest.mark.parametrize("side", ["source", "destination"])
def test_an_end_that_is_gone_without_a_word_is_noticed(
    postgres: Network, quick_probes: None, side: str
) -> None:
    if side == "source":
        sql = "SELECT n, CASE WHEN n = 1000 AND pg_sleep(1.5)::text = '' THEN '' ELSE v END AS v FROM t"
    else:
        sql = "SELECT n, v FROM t"
        postgres.load.destination.execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1.5); RETURN NEW; END $$",
            "CREATE TRIGGER slow BEFORE INSERT ON target FOR EACH ROW WHEN (NEW.n = 1000) EXECUTE FUNCTION slow()",
        )
    threading.Timer(1, postgres.side(side).vanish).start()
    began = time.monotonic()
    result = postgres.complete(sql=sql, source_table=None, checkpoint_column="n")
    assert result.reconnects == 1
    assert time.monotonic() - began < 20


def options_of(raw: Any) -> tuple[int, ...]:
    with socket.socket(fileno=os.dup(raw.fileno())) as line:
        on = line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        values = [line.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in sockets.KEEPALIVE]
        return (on, *values)


@pytest.mark.server
def test_connections_are_probed_as_the_user_says_or_else_after_a_minute(postgres: Network) -> None:
    database = postgres.databases[0]
    with database.open() as connection:
        assert options_of(connection.connection.driver_connection) == (1, 60, 10, 6)

    def connect() -> Any:
        return psycopg.connect(behind(postgres.load.source, postgres.source).place, keepalives_idle=77)

    with Database("src", connect).open() as connection:
        assert options_of(connection.connection.driver_connection)[:2] == (1, 77)


@pytest.mark.server
@pytest.mark.parametrize(
    ("options", "sources"),
    [("", ["session"] * 3), ("-c tcp_keepalives_idle=77", ["session", "client", "session"])],
)
def test_servers_probe_their_clients_too(postgres_destination: str, options: str, sources: list[str]) -> None:
    """Without probes, a lost machine holds its checkpoint's lock for two hours; Unix sockets have no such settings."""
    db = Db("postgres", postgres_destination)
    with Proxy(reach(db), PostgresFramer) as proxy:
        there = behind(db, proxy).place
        database = Database("dst", lambda: psycopg.connect(there, options=options))
        assert probed(database) == sources


def test_a_socket_of_a_file_ends_with_its_other_end(postgres_destination: str) -> None:
    assert probed(Database("dst", lambda: psycopg.connect(postgres_destination))) == ["default"] * 3


def probed(database: Database) -> list[str]:
    """Return the sources of the server's keepalive settings."""
    with database.open() as connection:
        query = "SELECT source FROM pg_settings WHERE starts_with(name, 'tcp_keep') ORDER BY name"
        return list(connection.exec_driver_sql(query).scalars())
