"""Publishing staged rows: crashes, readers, concurrent loads, and all objects that depend on the table."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.checkpoint import Attempt, Identity
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, DestinationError, FencedError
from airflow_checkpoint_provider.engine.model.events.transfer import BatchCommitted
from airflow_checkpoint_provider.engine.store.checkpoint_store import SqlStore
from airflow_checkpoint_provider.engine.transfer.staging import publish
from airflow_checkpoint_provider.engine.transfer.staging.publication import Publication
from airflow_checkpoint_provider.engine.transfer.staging.publish_parts import PublishedTable
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.staging import NEW, OLD, in_target, staged_load, stages
from tests.support.troubles.crashing import Fuse, connect
from tests.support.troubles.pausing import Pause

DESTINATIONS = ("sqlite", "postgres", "mysql", "oracle")


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    return staged_load(make_db("sqlite", "source"), destination, batch_size=6)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_statement_leaves_the_old_rows_or_the_new(load: Load, after: bool) -> None:
    """Covers the statements after the last batch; nothing before them touches the destination table."""
    outcomes = []
    for statement in range(100):
        load.next_run()
        load.destination.execute("DELETE FROM target")
        load.destination.insert("target", OLD)
        if not crashes(load, Fuse(None, after), statement):
            break
        outcomes.append(in_target(load.destination))
        assert outcomes[-1] in (OLD, NEW)
        load.attempt(lock_timeout=2)
        assert in_target(load.destination) == NEW
    assert outcomes.count(OLD) > 5
    assert outcomes.count(NEW) > 1
    assert stages(load.destination) == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_while_another_task_publishes(load: Load, after: bool) -> None:
    outcomes = []
    for statement in range(100):
        load.next_run()
        load.destination.execute("DELETE FROM target")
        load.destination.insert("target", OLD)
        load.attempt(publish=False)
        fuse = Fuse(statement, after)
        with suppress(BaseException):
            publication(load, Database("dst", lambda fuse=fuse: connect(load.destination, fuse))).run()
        outcomes.append(in_target(load.destination))
        assert outcomes[-1] in (OLD, NEW)
        publication(load, load.destination.database("dst")).run()
        assert in_target(load.destination) == NEW
        if not fuse.burnt:
            break
    assert statement > 8
    assert outcomes.count(OLD) > 6
    assert outcomes.count(NEW) > 1
    assert stages(load.destination) == []


def publication(load: Load, database: Database) -> Publication:
    return Publication(
        database,
        [PublishedTable("target", Identity("a_dag", "a_task", f"run_{load.run}"), None)],
        "airflow_checkpoint",
        Attempt(f"run_{load.run}", None, 1, 3, 3, 0, "publisher"),
        load.events.append,
        lock_timeout=2,
    )


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_while_the_stage_is_made(load: Load, after: bool) -> None:
    load.attempt()
    for statement in range(100):
        load.next_run()
        load.destination.execute("DELETE FROM target")
        load.destination.insert("target", OLD)
        load.events.clear()
        assert crashes(load, Fuse(statement, after))
        if load.told(BatchCommitted):
            break
        assert in_target(load.destination) == OLD
        load.attempt(lock_timeout=2)
        assert in_target(load.destination) == NEW
    assert statement > 8


def crashes(load: Load, fuse: Fuse, behind_the_rows: int | None = None) -> bool:
    """
    Run an attempt whose connection to the destination dies at a statement; return whether it was reached.

    :param behind_the_rows: the statement after the last batch, where the fuse does not set it
    """
    transfer = load.transfer(destination=Database("dst", lambda: connect(load.destination, fuse)))
    told = transfer._report.observe

    def observe(event: Any) -> None:
        told(event)
        if behind_the_rows is not None and isinstance(event, BatchCommitted) and event.rows_total == len(NEW):
            fuse.left = behind_the_rows

    transfer._report.observe = observe
    try:
        transfer.run()
    except BaseException:  # cleaning up after a crash may raise any error
        if not fuse.burnt:
            raise
    return fuse.burnt


@pytest.fixture
def before_the_commit(monkeypatch: pytest.MonkeyPatch) -> Pause:
    """Pause the first attempt between the swap of the rows and its commit."""
    pause, finish = Pause(), SqlStore.finish

    def finish_later(*args: Any) -> None:
        finish(*args)
        pause()

    monkeypatch.setattr(SqlStore, "finish", finish_later)
    return pause


def test_readers_do_not_wait_and_see_the_old_rows_until_the_commit(
    load: Load, before_the_commit: Pause
) -> None:
    with before_the_commit.around(load.attempt) as future:
        with closing(load.destination.connect()) as reader:
            if load.destination.kind == "postgres":
                reader.execute("SET statement_timeout = '2s'")
            cursor = reader.cursor()
            cursor.execute("SELECT n, v FROM target ORDER BY n")
            assert [tuple(row) for row in cursor.fetchall()] == OLD
        assert not future.done()
    future.result()
    assert in_target(load.destination) == NEW


@pytest.mark.parametrize("destination", ["postgres", "sqlite"], indirect=True)
def test_who_polls_all_the_time_sees_only_the_old_rows_or_the_new(load: Load) -> None:
    load.source.execute("DELETE FROM t")
    load.source.insert("t", [(n, "new") for n in range(20_000)])
    load.destination.execute("DELETE FROM target")
    load.destination.insert("target", [(n, "old") for n in range(10_000)])
    seen, done = [], threading.Event()

    def poll() -> None:
        with closing(load.destination.connect()) as reader:
            while True:
                last = done.is_set()
                cursor = reader.cursor()
                cursor.execute("SELECT count(*), min(v), max(v) FROM target")
                seen.append(cursor.fetchone())
                reader.rollback()
                if last:
                    return

    with ThreadPoolExecutor(1) as pool:
        polling = pool.submit(poll)
        try:
            load.attempt(batch_size=5_000)
        finally:
            done.set()
        polling.result(60)
    assert set(seen) == {(10_000, "old", "old"), (20_000, "new", "new")}


@pytest.mark.parametrize("newer_gets", ["everything", "nothing but the claim"])
def test_an_attempt_that_wakes_up_to_publish_is_fenced(load: Load, newer_gets: str) -> None:
    pause = Pause()
    older = load.transfer()
    told = older._report.observe

    def observe(event: Any) -> None:
        told(event)
        if isinstance(event, BatchCommitted) and event.rows_total == len(NEW):
            pause()

    older._report.observe = observe
    with pause.around(older.run) as future:
        assert in_target(load.destination) == OLD
        if newer_gets == "everything":
            load.source.execute("UPDATE t SET v = 'newer'")
            load.clear()
            load.attempt()
        else:
            with pytest.raises(ZeroDivisionError):
                load.attempt(force_reload=True, rows_processor=lambda rows: 1 / 0)
        expected = in_target(load.destination)
    with pytest.raises(FencedError, match="Another attempt has taken over"):
        future.result()
    assert (
        in_target(load.destination)
        == expected
        == ([(n, "newer") for n, _ in NEW] if newer_gets == "everything" else OLD)
    )
    load.attempt()
    assert len(in_target(load.destination)) == 10


def test_an_attempt_that_wakes_up_to_tidy_up_leaves_the_stage_of_the_next(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = Pause()

    def discard_later(*args: Any) -> None:
        pause()
        discard(*args)

    discard = publish.discard
    monkeypatch.setattr(publish, "discard", discard_later)
    older = load.transfer()
    with pause.around(older.run) as future:
        load.clear()
        assert load.attempt_batches(1)
    assert future.result().rows == 10
    assert load.attempt().rows == 4
    assert in_target(load.destination) == NEW


@pytest.mark.parametrize("destination", ["postgres", "mysql", "oracle"], indirect=True)
def test_two_loads_that_publish_at_once_do_not_mix(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    pause = Pause()

    def insert_later(*args: Any) -> int:
        pause()
        return insert(*args)

    insert = publish._insert
    monkeypatch.setattr(publish, "_insert", insert_later)
    first = load.transfer()
    load.next_run()
    second = load.transfer(sql="SELECT n + 1000 AS n, v FROM t", source_table=None)
    with ThreadPoolExecutor(1) as pool:
        with pause.around(first.run) as future:
            later = pool.submit(second.run)
            with pytest.raises(TimeoutError):
                later.result(1)
        future.result(30)
        later.result(30)
    assert in_target(load.destination) == [(n + 1000, v) for n, v in NEW]


@pytest.mark.server
def test_what_hangs_on_a_table_of_postgres_stays(make_db: MakeDb) -> None:
    load = with_relations(make_db, "NOT DEFERRABLE")
    db = load.destination
    db.execute("DELETE FROM child")
    catalog = (
        "SELECT oid::text, relacl::text, relowner::text, reltriggers::text FROM"
        " (SELECT oid, relacl, relowner, relhastriggers AS reltriggers FROM pg_class WHERE relname = 'target') c",
        "SELECT indexdef FROM pg_indexes WHERE tablename = 'target' ORDER BY 1",
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid::regclass::text IN"
        " ('target', 'child') ORDER BY 1",
        "SELECT tgname, tgenabled::text FROM pg_trigger WHERE tgrelid = 'target'::regclass ORDER BY 1",
        "SELECT definition FROM pg_views WHERE viewname = 'seen'",
    )
    before = [db.rows(query) for query in catalog]
    assert all(before)
    load.attempt()
    assert [db.rows(query) for query in catalog] == before
    assert db.rows("SELECT * FROM seen ORDER BY 1") == [(n,) for n, _ in NEW]
    assert db.one("SELECT count(*) FROM log") == 2 + len(NEW)  # one line by the trigger for each inserted row


def with_relations(make_db: MakeDb, deferrable: str) -> Load:
    source, destination = make_db("sqlite", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE t (n integer, v varchar(20))")
    source.insert("t", NEW)
    destination.execute(
        "CREATE TABLE parent (v varchar(20) PRIMARY KEY)",
        "CREATE TABLE target (n integer PRIMARY KEY, v varchar(20) REFERENCES parent)",
        f"CREATE TABLE child (n integer REFERENCES target {deferrable})",
        "CREATE INDEX by_v ON target (v, n)",
        "CREATE VIEW seen AS SELECT n FROM target",
        "CREATE TABLE log (n integer)",
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO log VALUES (NEW.n); RETURN NEW; END $$",
        "CREATE TRIGGER told AFTER INSERT ON target FOR EACH ROW EXECUTE FUNCTION tell()",
        "GRANT SELECT ON target TO PUBLIC",
    )
    destination.insert("parent", [(v,) for _, v in [*NEW, (0, "old")]])
    destination.insert("target", [(5, "old"), (100, "old")])
    destination.insert("child", [(5,)])
    arguments = {"source_table": "t", "checkpoint_column": "n", "write_mode": "replace_atomic"}
    return Load(source, destination, arguments)


@pytest.mark.server
def test_rows_that_refer_to_the_table_find_their_key_among_the_new_rows(make_db: MakeDb) -> None:
    load = with_relations(make_db, "DEFERRABLE")
    load.attempt()
    assert in_target(load.destination) == NEW
    load.destination.execute("INSERT INTO child VALUES (7)")
    load.source.execute("DELETE FROM t WHERE n = 7")
    load.clear()
    message = (
        'target refused the rows that are staged for it, and its old rows are all still there: .*"child"'
    )
    with pytest.raises(DestinationError, match=message):
        load.attempt()
    assert in_target(load.destination) == NEW


@pytest.mark.parametrize("destination", ["postgres", "mysql"], indirect=True)
@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_rows_that_would_be_deleted_with_the_old_ones_are_not(load: Load, action: str) -> None:
    load.destination.execute(
        "CREATE TABLE child (n integer, m integer, CONSTRAINT c FOREIGN KEY (n) REFERENCES target (n)"
        f" ON DELETE {action})",
        "INSERT INTO child VALUES (100, 1)",
    )
    with pytest.raises(
        ArgumentError, match="write_mode: 'replace_atomic' deletes all rows .*change child, by a"
    ):
        load.attempt()
    assert load.destination.rows("SELECT * FROM child") == [(100, 1)]
    assert stages(load.destination) == []
    load.destination.execute("DROP TABLE child")
    assert load.attempt().rows == 10


@pytest.mark.server
def test_rows_that_refer_to_the_table_by_a_constraint_that_cannot_wait(make_db: MakeDb) -> None:
    load = with_relations(make_db, "NOT DEFERRABLE")
    with pytest.raises(DestinationError, match="its old rows are all still there: .*violates foreign key"):
        load.attempt()
    assert in_target(load.destination) == [(5, "old"), (100, "old")]
    load.destination.execute("DELETE FROM child")
    assert load.attempt().rows_total == 10
    assert in_target(load.destination) == NEW
