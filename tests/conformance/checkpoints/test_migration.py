"""Metadata tables of the first format: migrated by the first process to open them, and after an interruption."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Identity
from airflow_checkpoint_provider.engine.model.errors import CheckpointError, MetadataTableError
from airflow_checkpoint_provider.engine.store.schema import migration
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support import earlier_format
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

DESTINATIONS = ("sqlite", "postgres", "mysql", "oracle")
KEY = ("dag_id", "task_id", "run_id", "map_index", "name_digest")


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (n integer)")
    source.insert("t", [(n,) for n in range(10)])
    destination.execute("CREATE TABLE target (n integer)")
    destination.insert("target", [(n,) for n in range(4)])
    load = Load(source, destination, {"sql": "SELECT * FROM t", "checkpoint_column": "n", "batch_size": 4})
    load.try_number = 1
    return load


def check(hook: CheckpointHook) -> None:
    """Compare the rows that the hook finds with those of :mod:`tests.support.earlier_format`."""
    found = {one.identity: one for one in hook.list(limit=None)}
    assert len(found) == len(earlier_format.STATES)
    for status, run, index, position, _, rows, restarting, error in earlier_format.STATES:
        one = found[Identity("a_dag", "a_task", run, index)]
        assert (one.status, one.rows, one.restarting, one.last_error) == (
            status,
            rows,
            bool(restarting),
            error,
        )
        assert one.position.key == (None if position is None else (position,))
        moment = datetime(2026, 1, 2, earlier_format.HOURS[status], tzinfo=UTC)
        assert one.committed_at == one.updated_at == one.created_at == moment
        (entry,) = hook.history("a_dag", "a_task", run, index)
        assert (entry.kind, entry.recorded_at) == ("started", moment)
    assert len(hook.list(state="stalled")) == 2
    (reject,) = hook.rejects("a_dag", "a_task", "run_2")
    assert (reject.row, reject.error) == ({"n": 1}, "it is odd")


def loaded(load: Load) -> list[int]:
    return [n for (n,) in load.destination.rows("SELECT n FROM target ORDER BY n")]


def check_tables(db: Db) -> None:
    """Compare the tables with those that the package creates: columns, keys, indexes."""
    connection = db.database("dst").open()
    with closing(connection):
        for table in vars(Tables.named("airflow_checkpoint")).values():
            assert not migration.is_outdated(connection, table)
            assert not migration.is_of_general_path(connection, table)
            inspector = sa.inspect(connection)
            key, _ = dialect_of(connection).primary_key(inspector, table)
            assert tuple(key) == tuple(column.name for column in table.primary_key.columns)
            if db.kind != "oracle":
                there = {index["name"] for index in inspector.get_indexes(table.name)}
                assert there == {index.name for index in table.indexes}


def test_by_the_next_attempt(load: Load, hook: CheckpointHook) -> None:
    earlier_format.make(load.destination)
    assert load.attempt().rows == 6
    assert loaded(load) == list(range(10))
    check_tables(load.destination)
    completed = hook.get("a_dag", "a_task", "run_1")
    assert completed
    assert (completed.rows, completed.fence, completed.catalog.table) == (
        10,
        2,
        load.destination.spelt("target"),
    )
    assert [entry.kind for entry in hook.history("a_dag", "a_task", "run_1")] == [
        "completed",
        "opened",
        "resumed",
        "started",
    ]


def test_by_the_hook(destination: Db, hook: CheckpointHook) -> None:
    earlier_format.make(destination)
    check(hook)
    check(hook)
    check_tables(destination)
    hook.request_reload("a_dag", "a_task", "run_2")
    assert hook.delete("a_dag", "a_task", "run_3")
    assert hook.purge(timedelta(days=1), ("completed", "failed", "running", "seeded")) == 5


def test_not_where_auto_create_is_off(
    load: Load, hook: CheckpointHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier_format.make(load.destination)
    monkeypatch.setenv("AIRFLOW__CHECKPOINT__AUTO_CREATE", "False")
    said = "has an earlier format than 2, and .*auto_create is off.*ddl --migrate"
    for use in (lambda: load.attempt(auto_create=False), hook.list):
        with pytest.raises(MetadataTableError, match=said):
            use()
    script = hook.ddl(
        {"postgres": "postgresql"}.get(load.destination.kind, load.destination.kind), migrate=True
    )
    for _ in range(2 if load.destination.kind in ("sqlite", "postgres") else 1):
        with closing(load.destination.connect()) as connection:
            if load.destination.kind == "sqlite":
                connection.isolation_level = None
            if load.destination.kind == "postgres":
                connection.autocommit = True
            for statement in script.split(";\n"):
                # A shell goes on after an error, too, such as a column that exists already.
                with suppress(Exception):
                    if statement.strip():
                        connection.cursor().execute(statement.strip())
            connection.commit()
        check(hook)
        check_tables(load.destination)
    load.try_number = 1
    assert load.attempt(auto_create=False).rows == 6


class KilledError(BaseException):
    """Ends a migration between two statements."""


def test_killed_at_every_statement(load: Load, hook: CheckpointHook, make_db: MakeDb) -> None:
    """Each attempt ends one statement later than the one before, and the next one goes on."""
    earlier_format.make(load.destination)
    database = load.destination.database("dst")
    for number in range(1, 200):
        connection = database.open(for_writing=True)
        seen = [0]

        def count(
            *_: Any, seen: list[int] = seen, number: int = number, connection: Any = connection
        ) -> None:
            seen[0] += 1
            if seen[0] == number:
                connection.connection.driver_connection.close()  # as the server sees a process die
                raise KilledError

        sa.event.listen(connection, "before_cursor_execute", count)
        try:
            Tables.named("airflow_checkpoint").create(connection)
        except (KilledError, sa.exc.SQLAlchemyError):
            continue
        finally:
            with suppress(Exception):
                connection.close()
        break
    assert number > 10
    check(hook)
    check_tables(load.destination)
    assert load.attempt().rows == 6
    assert loaded(load) == list(range(10))


def test_two_at_once(destination: Db, hook: CheckpointHook) -> None:
    earlier_format.make(destination)
    failures: list[BaseException] = []
    gate = threading.Barrier(3)

    def go() -> None:
        try:
            with closing(destination.database("dst").open(for_writing=True)) as connection:
                gate.wait()
                Tables.named("airflow_checkpoint").create(connection)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    check(hook)
    check_tables(destination)


@pytest.mark.parametrize("destination", ["sqlite", "postgres", "mysql"], indirect=True)
def test_many_rows(destination: Db, hook: CheckpointHook) -> None:
    """A hundred thousand checkpoints take seconds: the database migrates them, not Python."""
    earlier_format.make(destination)
    with closing(destination.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE numbers (n integer)")
        cursor.execute(
            "INSERT INTO numbers WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 500)"
            " SELECT n FROM c"
            if destination.kind != "mysql"
            else "INSERT INTO numbers SELECT seq FROM seq_1_to_500"
        )
        cursor.execute("SELECT * FROM airflow_checkpoint WHERE 1 = 0")
        columns = [column[0] for column in cursor.description if column[0] != "map_index"]
        cursor.fetchall()  # one driver of MySQL requires it before the next statement
        cursor.execute(
            f"INSERT INTO airflow_checkpoint ({', '.join(columns)}, map_index) SELECT {', '.join(columns)},"
            " 1000 + a.n * 500 + b.n FROM airflow_checkpoint, numbers a, numbers b"
            " WHERE run_id = 'run_3' AND a.n <= 200"
        )
        connection.commit()
    begun = time.monotonic()
    assert hook.get("a_dag", "a_task", "run_1")
    assert time.monotonic() - begun < 60
    assert destination.one("SELECT count(*) FROM airflow_checkpoint WHERE format_version = 2") == 100_006
    assert destination.one("SELECT count(*) FROM airflow_checkpoint WHERE committed_at <> updated_at") == 0


def test_beside_an_earlier_package(load: Load, hook: CheckpointHook) -> None:
    """Rows that a worker writes in the first format stay correct, and it refuses to read the new format."""
    earlier_format.make(load.destination)
    check(hook)
    # The INSERT of an earlier package names only the columns of its format.
    first = next(
        text for text in earlier_format.rows(load.destination.kind) if "INTO airflow_checkpoint (" in text
    )
    load.destination.execute(first.replace("run_1", "run_7"))
    fresh = hook.get("a_dag", "a_task", "run_7")
    assert fresh
    assert (fresh.identity.name, fresh.rows) == ("", 4)
    assert fresh.committed_at == fresh.updated_at
    load.run = 7
    assert load.attempt().rows == 6
    versions = "SELECT DISTINCT format_version FROM airflow_checkpoint"
    assert load.destination.rows(versions) == [(2,)]  # an earlier package refuses this version


def test_a_load_that_is_under_way(load: Load, hook: CheckpointHook) -> None:
    """An attempt of an earlier package has read its row, and updates it by the columns of its format."""
    earlier_format.make(load.destination)
    check(hook)
    load.destination.execute(
        'UPDATE airflow_checkpoint SET position = \'[["int","7"]]\', rows_read = 8, rows_written = 8, batches = 2'
        " WHERE dag_id = 'a_dag' AND task_id = 'a_task' AND run_id = 'run_1' AND map_index = -1 AND fence = 1"
    )
    load.destination.insert("target", [(n,) for n in range(4, 8)])
    assert load.attempt().rows == 2
    assert loaded(load) == list(range(10))


@pytest.mark.parametrize("destination", ["postgres", "mysql"], indirect=True)
def test_in_use_for_too_long(load: Load, hook: CheckpointHook) -> None:
    earlier_format.make(load.destination)
    with closing(load.destination.connect()) as busy:
        busy.cursor().execute("UPDATE airflow_checkpoint SET fence = fence")
        said = "could not be changed: .*wait until no load uses it"
        with pytest.raises(CheckpointError, match=said):
            load.attempt(lock_timeout=1)
        busy.rollback()
    check(hook)


# Oracle has none of the types that the general path gives its columns.
@pytest.mark.parametrize("destination", ["sqlite", "postgres", "mysql"], indirect=True)
@pytest.mark.parametrize("format_", [1, 2])
def test_made_by_a_driver_that_is_not_known(
    load: Load, hook: CheckpointHook, format_: int, general: Callable[[Db], None]
) -> None:
    """The same tables, opened later through a driver that the package knows."""
    if format_ == 1:
        earlier_format.make(load.destination, "generic")
    else:
        general(load.destination)
    assert load.attempt().rows == 6
    assert loaded(load) == list(range(10))
    check_tables(load.destination)
    if load.destination.kind == "mysql":  # its default collation takes "a" for "A"
        collations = "SELECT DISTINCT collation_name FROM information_schema.columns WHERE table_name LIKE 'airflow_ch%'"
        assert load.destination.rows(f"{collations} AND collation_name IS NOT NULL") == [("utf8mb4_bin",)]
    kinds = [entry.kind for entry in hook.history("a_dag", "a_task", "run_1")]
    assert kinds == ["completed", "opened", "resumed", "started"]
    assert len(hook.list(state="stalled")) == 1
    found = hook.get("a_dag", "a_task", ALL_RUNS)
    assert found
    assert found.committed_at == datetime(2026, 1, 2, 4, tzinfo=UTC)


@pytest.fixture
def general() -> Callable[[Db], None]:
    """Make the tables of the present format as the general path does."""

    def make(db: Db) -> None:
        from airflow_checkpoint_provider.engine.databases.dialect import Dialect
        from airflow_checkpoint_provider.engine.databases.generic.sqlalchemy_dialect import AnsiDialect

        ansi = AnsiDialect()
        with closing(db.connect()) as connection:
            cursor = connection.cursor()
            for table in vars(Tables.named("airflow_checkpoint")).values():
                for statement in Dialect().creation(table):
                    cursor.execute(str(statement.compile(dialect=ansi)))
            for statement in earlier_format.rows("generic"):
                cursor.execute(statement)
            connection.commit()

    return make
