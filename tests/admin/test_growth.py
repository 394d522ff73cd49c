"""With twenty times as many checkpoints, no call reads more of them, as measured by the databases, not by time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from airflow_checkpoint_provider.engine.admin import purge
from airflow_checkpoint_provider.engine.admin.repository import CheckpointRepository
from airflow_checkpoint_provider.engine.admin.search import Found, Search
from airflow_checkpoint_provider.engine.model.checkpoint import DEFAULT_TABLE
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.bounded_queries import COUNTED_TO, NEWEST_AMONG, REQUESTS_AMONG
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.tasks import finding
from benchmarks.cases.growth import Calls
from benchmarks.harness.filling import MARIADB, POSTGRES, SQLITE
from tests.admin.test_search import row
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.statements import statements

pytestmark = pytest.mark.slow

FEW, MANY = 5_000, 100_000  # a page of each DAG, and twenty
NAMES = list(Calls(lambda: None, 1).all())


def fill(db: Db, rows: int) -> None:
    CheckpointRepository(db.database("x"), DEFAULT_TABLE).create()
    if db.kind == "sqlite":
        with closing(sqlite3.connect(db.place)) as connection:
            connection.executescript("".join(f"{text.format(rows=rows)};\n" for text in SQLITE))
        return
    if db.kind == "mysql":
        db.execute(*(text.format(rows=rows) for text in MARIADB))
        return
    with psycopg.connect(db.place, autocommit=True) as connection:
        for text in POSTGRES:
            connection.execute(text.format(rows=rows).encode())


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[int]]:
    """The hundreds of SQLite steps that each call takes, among few and among many checkpoints."""
    found: dict[str, list[int]] = {name: [] for name in NAMES}
    for rows in (FEW, MANY):
        path = str(tmp_path_factory.mktemp("growth") / "metadata.db")
        fill(Db("sqlite", path), rows)
        taken = [0]

        def step(taken: list[int] = taken) -> None:
            taken[0] += 1

        def connect(path: str = path, step: Any = step) -> Any:
            connection = sqlite3.connect(path)
            connection.execute("PRAGMA synchronous = OFF")
            connection.set_progress_handler(step, 100)
            return connection

        for name, call in Calls(connect, rows).all().items():
            taken[0] = 0
            call()
            found[name].append(taken[0])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_sqlite_takes_hardly_more_steps(steps: dict[str, list[int]], name: str) -> None:
    few, many = steps[name]
    # Of a DAG or a state as many may be counted, searched and sorted as of all.
    few = max(few, steps[name.removesuffix(" and dag_id").removesuffix(" and state")][0])
    assert many <= 3 * few + 20, f"{few} became {many}"


def sent_by(db: Db, rows: int) -> Iterator[tuple[str, str, Any]]:
    """Fill a database, and yield the queries of each call with its name."""
    fill(db, rows)
    for name, call in Calls(db.connect, rows).all().items():
        with statements("SELECT", "WITH") as sent:
            call()
        for statement, parameters in sent:
            yield name, statement, parameters


@pytest.mark.server
def test_postgres_reads_few_rows(make_db: MakeDb) -> None:
    db = make_db("postgres", "destination")
    for name, statement, parameters in sent_by(db, 20_000):
        with psycopg.connect(db.place) as connection:
            explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
            (plans,) = connection.execute(explain.encode(), parameters).fetchone() or ([],)
        # In another order the newest are chosen, read, and compared with others of their runs.
        most = 5 * NEWEST_AMONG if name.startswith("view, by") else NEWEST_AMONG + 500
        assert rows_read(plans[0]["Plan"]) <= most, f"{name}: {statement}"


@pytest.mark.server
def test_mysql_reads_few_rows(make_db: MakeDb) -> None:
    db = make_db("mysql", "destination")
    for name, statement, parameters in sent_by(db, MANY):
        with closing(db.connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(statement, parameters)
            cursor.fetchall()
            cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
            # Those of tables in memory count as well, through which the newest are sorted and compared.
            read = sum(int(number) for _, number in cursor.fetchall())
        assert read <= 15 * NEWEST_AMONG, f"{name}: {read:,} by {statement}"


def rows_read(plan: dict[str, Any]) -> float:
    if parts := plan.get("Plans"):
        return sum(map(rows_read, parts))
    dropped = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    return float((plan["Actual Rows"] + dropped) * plan["Actual Loops"])


@pytest.fixture
def crowded(hook: CheckpointHook, destination: Db) -> CheckpointHook:
    """
    More checkpoints than are counted: 2,300 completed, and three failed ones, the oldest.

    From the 1,900th on they are two days old.
    """
    hook.create_tables()
    failed = range(2300, 2303)
    destination.insert(
        DEFAULT_TABLE,
        [
            row(n, n + (172_800 if n >= 1900 else 0), status="failed" if n in failed else "completed")
            for n in range(2303)
        ],
    )
    return hook


def test_counts_end_at_a_thousand_and_say_so(crowded: CheckpointHook) -> None:
    found = crowded.find(Search())
    assert (found.total, found.counts["completed"], found.counts["failed"]) == (1003, COUNTED_TO, 3)
    assert found.at_least == {"completed"}
    failed = crowded.find(Search(state="failed"))
    assert (failed.total, len(failed.rows)) == (3, 3)
    assert not crowded.find(Search(dag_id="dag_1")).at_least
    assert len(crowded.find(Search(), offset=2290).rows) == 13


def test_text_is_looked_for_among_the_newest_and_says_so(crowded: CheckpointHook) -> None:
    found = crowded.find(Search(text="run_"), limit=5)
    assert (found.total, found.among_newest, found.at_least) == (NEWEST_AMONG, NEWEST_AMONG, frozenset())
    assert crowded.find(Search(text="run_1999")).total == 1
    assert crowded.find(Search(text="run_2000")).total == 0
    among_its_own = crowded.find(Search(text="run_2000", dag_id="dag_0"))
    assert (among_its_own.total, among_its_own.among_newest) == (1, None)


@pytest.mark.parametrize("by_load", [True, False])
def test_the_newest_are_sorted_in_other_orders_and_say_so(crowded: CheckpointHook, by_load: bool) -> None:
    def runs(found: Found) -> list[int]:
        return [int(one.checkpoint.identity.run_id.removeprefix("run_")) for one in found.rows]

    found = crowded.find(Search(by_load=by_load), limit=3, order_by="-rows_written")
    assert (runs(found), found.among_newest) == ([1999, 1998, 1997], NEWEST_AMONG)
    assert found.counts["failed"] == 3
    last = crowded.find(Search(by_load=by_load), limit=3, offset=1_999, order_by="-rows_written")
    assert (runs(last), last.more) == ([0], False)
    failed = crowded.find(Search(state=Status.FAILED, by_load=by_load), order_by="-rows_written")
    assert (runs(failed), failed.among_newest) == ([2302, 2301, 2300], None)


def test_pages_go_on_after_what_was_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "interrupted", lambda checkpoints: lambda one: None)
    db = Db("sqlite", str(tmp_path / "x.db"))
    monkeypatch.setenv("AIRFLOW_CONN_X", db.uri)
    CheckpointHook("x").create_tables()
    db.insert(DEFAULT_TABLE, [row(n, status="failed" if n < 60 else "completed") for n in range(1500)])

    def more(offset: int, **search: Any) -> bool:
        return finding.find([Place("x")], Search(**search), "-committed_at", 50, offset).more

    assert [more(0), more(1400), more(1450), more(1500)] == [True, True, True, False]
    assert [more(0, state="completed"), more(0, state="failed")] == [True, False]
    assert not more(0, text="run_1")


def test_the_newest_requests_are_looked_at(crowded: CheckpointHook, destination: Db) -> None:
    asked = ("reload_requested", "2026-01-01 00:00:00", "ada", None, None, None, None)
    destination.insert(
        f"{DEFAULT_TABLE}_event",
        [
            (9 + n, f"dag_{n % 100}", "load", f"run_{n}", -1, "-", "-", *asked)
            for n in range(REQUESTS_AMONG + 2)
        ],
    )
    found = crowded.find(Search(state="requested"), limit=1000)
    assert {int(listed.checkpoint.identity.run_id[4:]) for listed in found.rows} == set(range(2, 502))


def test_tables_without_the_indexes_do_as_well(crowded: CheckpointHook, destination: Db) -> None:
    on = f" ON {DEFAULT_TABLE}" if destination.kind == "mysql" else ""
    for index in Tables.named(DEFAULT_TABLE).checkpoint.indexes:
        destination.execute(f"DROP INDEX {index.name}{on}")
    assert crowded.find(Search(state="failed")).total == 3
    assert crowded.find(Search(text="run_1999")).total == 1
    assert crowded.purge(timedelta(days=1), "failed") == 3


def test_a_purge_takes_some_at_a_time(
    crowded: CheckpointHook, destination: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "AT_ONCE", 100)
    crowded.request_reload("dag_0", "load", "run_2000")
    # During the purge, an attempt claims one of the checkpoints found.
    transactions = []
    real = purge.Purge._some

    def some(self: Any, status: str) -> Any:
        found = real(self, status)
        transactions.append(len(found))
        if len(transactions) == 1:
            taken = found[0]["its_run_id"]
            destination.execute(f"UPDATE {DEFAULT_TABLE} SET status = 'running' WHERE run_id = '{taken}'")
        return found

    monkeypatch.setattr(purge.Purge, "_some", some)
    crowded.purge(timedelta(days=1), "completed")
    assert transactions == [100, 100, 100, 100, 0]
    counted = f"SELECT status, count(*) FROM {DEFAULT_TABLE} GROUP BY status ORDER BY status"
    assert destination.rows(counted) == [("completed", 1900), ("failed", 3), ("running", 1)]
    assert not crowded.history("dag_0", "load", "run_2000")
