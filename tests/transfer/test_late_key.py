"""The primary key of a table that the load has created in Postgres, built after its last row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.postgres.late_key import PostgresLateKeys
from airflow_checkpoint_provider.engine.model.errors import (
    CheckpointError,
    DestinationError,
    DestinationMismatchError,
    FencedError,
)
from airflow_checkpoint_provider.engine.model.events.steps import KeyBuilding, KeyBuilt, StepBegun
from airflow_checkpoint_provider.engine.model.events.transfer import BatchCommitted, Completed, Event, Started
from airflow_checkpoint_provider.engine.transfer.late_key import building, sign_of_life
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import CrashError, Load
from tests.support.partitions import load_all, plan
from tests.support.troubles.crashing import Crash, Fuse, connect
from tests.support.troubles.pausing import Pause
from tests.support.waiting import wait_for

pytestmark = pytest.mark.server

KEY = (
    "SELECT array_agg(a.attname::text ORDER BY place) FROM pg_index i"
    " CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (number, place)"
    " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number"
    " WHERE i.indisprimary AND i.indrelid = 'target'::regclass"
)
LEFT_OUT = (
    "SELECT count(*) FROM pg_constraint WHERE conrelid = 'target'::regclass AND conname LIKE 'airflow_check%'"
)
HISTORY = "SELECT kind, detail FROM airflow_checkpoint_event WHERE kind LIKE 'key%' ORDER BY id"


@pytest.fixture
def load(make_db: MakeDb) -> Load:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE sales (n integer NOT NULL PRIMARY KEY, name varchar(9))")
    source.insert("sales", [(n, f"name {n}") for n in range(10)])
    given = {"source_table": "sales", "create_table": "missing", "batch_size": 4}
    return Load(source, make_db("postgres", "destination"), given)


def key(db: Db) -> list[str] | None:
    """Return the columns of the table's key, and make sure that a table without one has the placeholder."""
    [(columns,)] = db.rows(KEY)
    assert (columns is None) == bool(db.one(LEFT_OUT))
    return list(columns) if columns else None


def numbers(db: Db) -> list[int]:
    return [n for (n,) in db.rows("SELECT n FROM target ORDER BY n")]


def at_end(load: Load) -> Load:
    """Run an attempt that ends behind the last batch."""
    assert load.attempt_batches(3)
    assert key(load.destination) is None
    return load


@pytest.mark.parametrize("write_mode", ["append", "replace"])
def test_the_key_is_built_after_the_last_row(load: Load, write_mode: str) -> None:
    assert load.attempt_batches(1, write_mode=write_mode)
    assert key(load.destination) is None
    load.attempt(write_mode=write_mode, verify="digest")
    assert key(load.destination) == ["n"]
    assert numbers(load.destination) == list(range(10))
    kinds = [type(event) for event in load.events]
    last_batch = len(kinds) - kinds[::-1].index(BatchCommitted)
    assert kinds.index(KeyBuilt) > kinds.index(KeyBuilding) > last_batch - 1
    assert load.destination.rows(HISTORY) == [
        ("key_building", "Building the primary key (n) of target"),
        ("key_built", load.told(KeyBuilt)[0].line),
    ]
    load.clear()
    load.attempt(write_mode="replace")
    assert len(load.told(KeyBuilt)) == 1


def test_a_key_keeps_its_order_and_its_names(load: Load) -> None:
    columns = ["y\"'\\ü", "n", "% x"]
    load.source.execute(
        'CREATE TABLE odd ("% x" integer NOT NULL, n integer NOT NULL, "y""\'\\ü" integer NOT NULL,'
        ' PRIMARY KEY ("y""\'\\ü", n, "% x"))',
        "INSERT INTO odd VALUES (1, 2, 3)",
    )
    load.attempt(source_table="odd")
    assert key(load.destination) == columns


@contextmanager
def fused(load: Load, fuse: Fuse) -> Iterator[Database]:
    def crashing() -> Any:
        return connect(load.destination, fuse)

    yield Database("dst", crashing)


def crash_after(load: Load, is_point: Callable[[Event], bool], at: int, *, after: bool) -> bool:
    """Run an attempt that dies at a statement after an event; return whether it has died."""
    fuse = Fuse()
    watch = load._observe

    def observe(event: Event) -> None:
        watch(event)
        if is_point(event) and fuse.left is None:
            fuse.left, fuse.after = at, after

    with fused(load, fuse) as destination:
        transfer = load.transfer(destination=destination)
        transfer._report.observe = observe
        try:
            transfer.run()
        except Crash:
            return True
    return False


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "is_point",
    [
        lambda event: isinstance(event, StepBegun) and event.line.startswith("Creating"),
        lambda event: isinstance(event, KeyBuilding),
    ],
    ids=["creation", "building"],
)
def test_whatever_statement_dies_the_next_attempt_ends_with_the_key(
    load: Load, is_point: Callable[[Event], bool], after: bool
) -> None:
    for at in range(12):
        load.destination.execute("DROP TABLE IF EXISTS target")
        load.next_run()
        if not crash_after(load, is_point, at, after=after):
            assert at >= 9
            break
        load.attempt()
        assert key(load.destination) == ["n"]
        assert numbers(load.destination) == list(range(10))
        assert load.attempt().rows == 0


def test_the_next_run_builds_the_key_that_the_first_one_has_left_out(load: Load) -> None:
    at_end(load)
    load.destination.execute("TRUNCATE target")
    load.next_run()
    load.attempt(create_table=None)
    assert key(load.destination) == ["n"]


def test_a_table_that_was_there_gets_no_key(load: Load) -> None:
    load.destination.execute("CREATE TABLE target (n bigint, name text)")
    load.attempt()
    assert load.destination.rows(KEY) == [(None,)]
    assert load.told(KeyBuilding) == []


def test_rows_that_are_there_twice_are_named(load: Load) -> None:
    at_end(load)
    load.destination.execute("INSERT INTO target VALUES (3, 'again')")
    for _ in range(2):
        with pytest.raises(DestinationMismatchError, match=r"primary key \(n\).*are committed.*there twice"):
            load.attempt()
    assert len(numbers(load.destination)) == 11
    load.destination.execute("DELETE FROM target WHERE name = 'again'")
    load.attempt()
    assert key(load.destination) == ["n"]


@contextmanager
def overtaken(load: Load, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Pause an attempt before it builds the key; it ends as overtaken by the attempts of the yielded load."""
    at_end(load)
    pause = Pause()

    @contextmanager
    def paused(*args: Any) -> Iterator[None]:
        pause()
        yield

    monkeypatch.setattr(building, "sign_of_life", paused)
    with pause.around(load.attempt) as attempt:
        yield Load(load.source, load.destination, load.arguments, try_number=load.try_number)
        pause.go_on.set()
        with pytest.raises(FencedError):
            attempt.result()


def test_an_attempt_that_is_overtaken_builds_nothing(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    with overtaken(load, monkeypatch) as successor:

        def crash(event: Event) -> None:
            if isinstance(event, Started):
                raise CrashError

        transfer = successor.transfer()
        transfer._report.observe = crash
        with pytest.raises(CrashError):
            transfer.run()
    assert key(load.destination) is None
    successor.attempt()
    assert key(load.destination) == ["n"]


def test_two_attempts_build_it_once(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    with overtaken(load, monkeypatch) as successor:
        successor.attempt()
    assert key(load.destination) == ["n"]
    assert [kind for kind, _ in load.destination.rows(HISTORY)].count("key_built") == 1


def test_a_lock_on_the_table_is_named(load: Load) -> None:
    at_end(load)
    with closing(load.destination.connect()) as reader:
        reader.execute("LOCK TABLE target IN ACCESS SHARE MODE")
        with pytest.raises(DestinationError, match="Another session holds a lock on the table") as told:
            load.attempt(lock_timeout=0.05)
    assert not isinstance(told.value, DestinationMismatchError)
    load.attempt()
    assert key(load.destination) == ["n"]


def test_a_long_step_gives_signs_of_life(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    at_end(load)
    monkeypatch.setattr(sign_of_life, "EVERY_S", 0.01)
    committed = "SELECT committed_at FROM airflow_checkpoint"
    pause = Pause()
    begun = load._observe

    def observe(event: Event) -> None:
        begun(event)
        if isinstance(event, KeyBuilding) and event.seconds:
            pause()

    transfer = load.transfer()
    transfer._report.observe = observe
    with closing(load.destination.connect()) as reader:
        reader.execute("LOCK TABLE target IN ACCESS SHARE MODE")
        with pause.around(transfer.run) as attempt:
            before = load.destination.one(committed)
            pause.go_on.set()
            wait_for(lambda: load.destination.one(committed) > before, "a sign of life")
            reader.rollback()
            attempt.result()
    kinds = [kind for kind, _ in load.destination.rows(HISTORY)]
    assert kinds.count("key_building") > 1
    assert kinds[-1] == "key_built"
    assert key(load.destination) == ["n"]


def test_progress_is_that_of_the_server(load: Load) -> None:
    db = load.destination
    db.execute(
        "CREATE TABLE target AS SELECT generate_series(1, 9) AS n",
        "CREATE FUNCTION waits(integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN $1; END'",
    )
    with closing(db.connect()) as holder, closing(db.connect()) as builder:
        holder.execute("SELECT pg_advisory_xact_lock(7)")
        cursor = builder.cursor()

        def build() -> None:
            cursor.execute("CREATE INDEX ON target (waits(n))")

        with closing(sa_connection(db)) as watching:

            def told() -> str:
                with watching.begin():
                    return PostgresLateKeys().progress(watching, '"target"')

            assert told() == ""
            with _in_thread(build):
                assert wait_for(told, "the progress of an index").startswith("scanning table, ")
                holder.rollback()


def sa_connection(db: Db) -> sa.Connection:
    return sa.create_engine("postgresql+psycopg://", creator=db.connect).connect()


@contextmanager
def _in_thread(run: Callable[[], None]) -> Iterator[None]:
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(run)
        yield
        future.result()


CANNOT_WAIT: list[dict[str, Any]] = [
    {"write_mode": "upsert"},
    {"write_mode": "replace_atomic"},
    {"on_bad_row": "reject"},
    {"rows_processor": list},
    {"preoperator": "SELECT 1"},
    {"strategy": "none", "write_mode": "replace"},
]


@pytest.mark.parametrize("arguments", CANNOT_WAIT, ids=str)
def test_a_load_that_needs_the_key_has_it_first(load: Load, arguments: dict[str, Any]) -> None:
    assert load.attempt_batches(1, **arguments)
    assert key(load.destination) == ["n"]
    assert load.told(KeyBuilding) == []


@pytest.mark.parametrize("arguments", CANNOT_WAIT, ids=str)
def test_a_load_that_needs_the_key_builds_it_first(load: Load, arguments: dict[str, Any]) -> None:
    at_end(load)
    load.destination.execute("TRUNCATE target")
    load.next_run()
    [statement] = [one for one in load.plan(**arguments).statements if "ADD PRIMARY KEY" in one.sql]
    assert statement.purpose == "build the primary key"
    load.attempt(**arguments)
    assert key(load.destination) == ["n"]
    built = load.events.index(load.told(KeyBuilt)[0])
    assert built < load.events.index(load.told(BatchCommitted)[3])
    assert numbers(load.destination) == list(range(10))


def test_tasks_that_share_a_table_have_the_key_first(load: Load) -> None:
    load.map_index = 0
    assert load.attempt_batches(1)
    assert key(load.destination) == ["n"]


def test_partitions_have_the_key_first(load: Load) -> None:
    parts = plan(load.source, 2, source_table="sales").parts
    load_all(load.source, load.destination, parts[:1], source_table="sales", create_table="missing")
    assert key(load.destination) == ["n"]


def test_a_published_database_has_the_key_first(load: Load) -> None:
    load.destination.execute("CREATE PUBLICATION everything")
    try:
        assert load.attempt_batches(1, write_mode="replace")
        assert key(load.destination) == ["n"]
    finally:
        load.destination.execute("DROP PUBLICATION everything")


def test_a_plan_has_the_key_behind_the_rows(load: Load) -> None:
    statements = load.plan().statements
    [created] = [one for one in statements if one.purpose == "create the table"]
    assert "PRIMARY KEY" not in created.sql
    assert "PRIMARY KEY" in created.by_hand
    assert statements[-1].purpose == "build the primary key"
    at_end(load)
    last = load.plan().statements[-1]
    assert last.sql == statements[-1].sql
    load.destination.execute(last.sql)
    assert key(load.destination) == ["n"]
    load.attempt()
    assert load.told(KeyBuilding) == []


def test_a_constraint_of_that_name_is_left_alone(load: Load) -> None:
    load.destination.execute(
        "CREATE TABLE target (n bigint CONSTRAINT airflow_checkpoint_key CHECK (n >= 0), name text)"
    )
    load.attempt()
    assert load.destination.rows(KEY) == [(None,)]
    with pytest.raises(psycopg.errors.CheckViolation):
        load.destination.execute("INSERT INTO target VALUES (-1, '')")


@pytest.mark.parametrize("write_mode", ["append", "replace"])
def test_a_key_that_was_added_by_hand_is_left_alone(load: Load, write_mode: str) -> None:
    at_end(load)
    load.destination.execute("ALTER TABLE target ADD PRIMARY KEY (n)")
    load.attempt(write_mode=write_mode)
    assert load.destination.rows(KEY) == [(["n"],)]
    assert load.told(KeyBuilding) == []
    assert numbers(load.destination) == list(range(10))


def connected(load: Load, *statements: str) -> Database:
    """Return the destination, with some settings of each session."""

    def connect() -> Any:
        connection = load.destination.connect()
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        return connection

    return Database("dst", connect)


def test_no_time_limit_of_the_connection_ends_the_build(load: Load) -> None:
    db = at_end(load).destination
    db.execute(
        "CREATE TABLE seen (value text)",
        "CREATE FUNCTION see() RETURNS event_trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO seen SELECT setting FROM pg_settings"
        " WHERE name IN (''statement_timeout'', ''transaction_timeout''); END'",
        "CREATE EVENT TRIGGER sees ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION see()",
    )
    options = "-c statement_timeout=3600000"

    def connect() -> Any:
        return psycopg.connect(db.place, options=f"{conninfo_to_dict(db.place).get('options', '')} {options}")

    try:
        load.transfer(destination=Database("dst", connect)).run()
    finally:
        db.execute("DROP EVENT TRIGGER sees")
    assert set(db.rows("SELECT value FROM seen")) == {("0",)}
    assert key(db) == ["n"]


@pytest.fixture
def plain(load: Load) -> Iterator[str]:
    """Return a role that may insert and read, and owns nothing."""
    db, role = load.destination, "late_key_plain"
    db.execute(
        f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    )
    yield role
    db.execute(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_user_that_may_not_build_the_key_is_refused_before_the_first_row(load: Load, plain: str) -> None:
    db = at_end(load).destination
    db.execute(
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {plain}", f"GRANT ALL ON SCHEMA public TO {plain}"
    )
    db.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {plain}")
    load.next_run()
    statement = 'ALTER TABLE "?target"? DROP CONSTRAINT airflow_checkpoint_key, ADD PRIMARY KEY'
    [problem] = load.plan(destination=connected(load, f"SET ROLE {plain}")).problems
    for _ in range(2):
        with pytest.raises(
            DestinationMismatchError, match=f"only its owner .* can add it.*{statement}"
        ) as told:
            load.transfer(destination=connected(load, f"SET ROLE {plain}")).run()
    assert problem.text == str(told.value)
    assert numbers(db) == list(range(10))
    db.execute(str(told.value).rpartition(": ")[2])
    load.clear()
    load.transfer(destination=connected(load, f"SET ROLE {plain}"), write_mode="replace").run()
    assert key(db) == ["n"]


def test_a_statement_for_a_dba_has_the_key(load: Load, plain: str) -> None:
    db = load.destination
    load.attempt(destination_table="other")  # creates the metadata tables
    db.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {plain}")
    db.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {plain}")
    load.next_run()
    with pytest.raises(DestinationError, match="permission denied.*run this statement") as told:
        load.transfer(destination=connected(load, f"SET ROLE {plain}")).run()
    db.execute(str(told.value).rpartition("this statement: ")[2])
    assert key(db) == ["n"]


def test_an_upsert_that_adds_a_column_has_the_key_first(load: Load) -> None:
    at_end(load)
    load.source.execute("ALTER TABLE sales ADD COLUMN amount integer")
    load.next_run()
    changes = {"write_mode": "upsert", "on_new_column": "add"}
    assert not load.plan(**changes).problems
    load.attempt(**changes)
    assert key(load.destination) == ["n"]
    assert numbers(load.destination) == list(range(10))


def test_a_table_is_checked_before_its_key_is_built(load: Load) -> None:
    at_end(load)
    load.destination.execute("ALTER TABLE target RENAME name TO other")
    load.next_run()
    changes = {"write_mode": "replace", "on_bad_row": "reject"}
    assert load.plan(**changes).problems
    with pytest.raises(CheckpointError, match="name"):
        load.attempt(**changes)
    assert key(load.destination) is None
    assert load.told(KeyBuilding) == []


@pytest.mark.parametrize("write_mode", ["append", "replace", "replace_atomic"])
def test_a_database_that_is_published_later_has_the_key_first(load: Load, write_mode: str) -> None:
    at_end(load)
    load.destination.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    load.next_run()
    try:
        if write_mode == "append":
            load.try_number, load.run = 1, 1
        assert not load.plan(write_mode=write_mode).problems
        load.attempt(write_mode=write_mode)
    finally:
        load.destination.execute("DROP PUBLICATION everything")
    assert key(load.destination) == ["n"]
    assert numbers(load.destination) == list(range(10))


@pytest.mark.parametrize(
    "arguments",
    [
        {"write_mode": "replace", "on_bad_row": "reject"},
        {"write_mode": "replace", "strategy": "none"},
        {"preoperator": "TRUNCATE target"},
        {"write_mode": "replace_atomic", "preoperator": "DELETE FROM target"},
    ],
    ids=str,
)
def test_rows_that_are_about_to_go_are_not_in_the_way_of_the_key(
    load: Load, arguments: dict[str, Any]
) -> None:
    at_end(load)
    load.destination.execute("INSERT INTO target VALUES (3, 'again')")
    load.next_run()
    load.attempt(**arguments)
    assert key(load.destination) == ["n"]
    assert numbers(load.destination) == list(range(10))
    assert load.destination.one("SELECT count(*) FROM target WHERE name = 'again'") == 0
    assert len(load.told(KeyBuilding)) == len(load.told(KeyBuilt)) == 1


def test_a_key_before_the_rows_that_is_refused(load: Load) -> None:
    at_end(load)
    load.destination.execute("INSERT INTO target VALUES (3, 'again')")
    load.next_run()
    for _ in range(2):
        with pytest.raises(DestinationMismatchError, match="before its first row; none is written.*twice"):
            load.attempt(on_bad_row="reject")
    assert len(numbers(load.destination)) == 11
    assert load.told(Completed) == []


def test_a_value_that_is_no_part_of_a_key_is_named_as_such(load: Load) -> None:
    at_end(load)
    load.destination.execute(
        "ALTER TABLE target ALTER n DROP NOT NULL", "INSERT INTO target VALUES (NULL, '')"
    )
    with pytest.raises(DestinationMismatchError, match=r"null values.*are committed.*do not fit") as told:
        load.attempt()
    assert "twice" not in str(told.value)


def test_a_server_notices_the_end_of_its_client(load: Load) -> None:
    load.attempt(
        preoperator="CREATE TABLE seen AS SELECT current_setting('client_connection_check_interval')"
    )
    assert load.destination.rows("SELECT * FROM seen") == [("10s",)]


def created_meanwhile(load: Load, *statements: str) -> None:
    """Run an attempt that finds its table when it creates it."""
    watch = load._observe

    def observe(event: Event) -> None:
        watch(event)
        if isinstance(event, StepBegun) and event.line.startswith("Creating"):
            load.destination.execute(*statements)

    transfer = load.transfer()
    transfer._report.observe = observe
    transfer.run()


def test_a_key_that_another_session_has_created_is_not_announced(load: Load) -> None:
    created_meanwhile(load, "CREATE TABLE target (n bigint PRIMARY KEY, name text)")
    assert load.told(KeyBuilding) == []
    assert not [step for step in load.told(StepBegun) if "built after the last row" in step.line]


def test_the_last_row_of_a_table_without_its_key_is_missed(load: Load) -> None:
    assert load.attempt_batches(2)
    load.destination.execute("DELETE FROM target WHERE n = 7")
    result = load.attempt()
    assert [text for text in result.warnings if "has no row with n = 7" in text]
    assert key(load.destination) == ["n"]
