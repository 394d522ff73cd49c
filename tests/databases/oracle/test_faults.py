"""Oracle's own ways to fail: lost sessions, busy rows, overwritten undo, refused tables."""

from __future__ import annotations

import random
import threading
from contextlib import closing
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import (
    CannotConnectError,
    CheckpointLockedError,
    ConnectionLostError,
    DestinationError,
    MetadataTableError,
    SourceError,
)
from airflow_checkpoint_provider.engine.model.events.transfer import Reconnecting
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from tests.support.databases.db import Db
from tests.support.databases.oracle_places import stand_in
from tests.support.loads import Load, loaded
from tests.support.oracle_standin import Fault, Faults


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.0)


@pytest.fixture
def load(stood_in: tuple[Db, Db]) -> Load:
    source, destination = stood_in
    source.execute("CREATE TABLE t (n integer PRIMARY KEY)")
    source.insert("t", [(n,) for n in range(20)])
    destination.execute("CREATE TABLE target (n integer)")
    return Load(source, destination, {"sql": "SELECT * FROM t ORDER BY n", "batch_size": 4})


BY = pytest.mark.parametrize(
    "by", [{"checkpoint_column": "n"}, {"strategy": "python"}], ids=["key", "python"]
)
INSERT = 'INSERT INTO "?target'
OPENING = 6  # the most fetches before the first rows, of any strategy


@BY
@pytest.mark.parametrize(
    ("side", "at", "after", "code"),
    [
        ("source", "fetch", False, 3113),
        ("source", r"SELECT .* FROM t .*n", False, 3114),
        ("destination", INSERT, False, 3135),
        ("destination", INSERT, True, 3113),
        ("destination", "UPDATE airflow_checkpoint", False, 3114),
        ("destination", "commit", False, 3135),
        ("destination", "commit", True, 3113),
    ],
)
def test_a_lost_session_is_opened_again(
    load: Load, faults: dict[str, Faults], by: dict[str, Any], side: str, at: str, after: bool, code: int
) -> None:
    load.attempt_batches(2, **by)
    faults[side].plan(Fault(code, at, after=after, skip=OPENING if at == "fetch" else 1))
    result = load.attempt(**by)
    assert (result.rows_total, result.status, result.reconnects) == (20, "completed", 1)
    assert loaded(load) == list(range(20))
    assert f"ORA-0{code}" in load.told(Reconnecting)[0].error


@BY
def test_reads_on_after_the_undo_is_overwritten(
    load: Load, faults: dict[str, Faults], by: dict[str, Any]
) -> None:
    load.attempt_batches(1, **by)
    faults["source"].plan(Fault(1555, r"fetch", skip=OPENING))
    result = load.attempt(**by)
    assert (result.rows_total, result.reconnects) == (20, 1)
    assert loaded(load) == list(range(20))
    assert "ORA-01555: snapshot too old" in load.told(Reconnecting)[0].error


def test_without_progress_it_ends(load: Load, faults: dict[str, Faults]) -> None:
    faults["source"].plan(Fault(1555, r"SELECT \* FROM t ORDER BY n", times=99))
    with pytest.raises(
        ConnectionLostError, match=r"3 times without progress.*ORA-01555: snapshot too old.*next attempt"
    ):
        load.attempt(strategy="python", max_reconnects=2)


def test_a_server_that_is_down(load: Load) -> None:
    server = stand_in.server(load.source.place)
    server.up = False
    try:
        with pytest.raises(
            CannotConnectError, match="Connection 'src' cannot be opened: .*ORA-12541: TNS:no listener"
        ):
            load.attempt()
    finally:
        server.up = True


@pytest.mark.parametrize("code", [54, 30006])
def test_a_busy_row_names_who_holds_it(load: Load, faults: dict[str, Faults], code: int) -> None:
    load.attempt_batches(1)
    faults["destination"].plan(Fault(code, r"SELECT .*airflow_checkpoint.* FOR UPDATE WAIT 7"))
    with pytest.raises(
        CheckpointLockedError, match=r"held by another attempt \(try 1, test, try 1\).*within 7 seconds"
    ):
        load.attempt(lock_timeout=7)
    assert load.attempt().rows == 16


@pytest.mark.parametrize("code", [60, 1013, 8177, 2393, 2399, 56735])
@pytest.mark.parametrize(("side", "at"), [("source", "fetch"), ("destination", INSERT)])
def test_a_statement_that_is_cancelled_or_over_a_limit_runs_again(
    load: Load, faults: dict[str, Faults], code: int, side: str, at: str
) -> None:
    faults[side].plan(Fault(code, at, skip=OPENING if at == "fetch" else 1))
    result = load.attempt()
    assert (result.rows, result.reconnects) == (20, 1)
    assert f"ORA-{code:05}" in load.told(Reconnecting)[0].error
    assert loaded(load) == list(range(20))


def test_tables_that_another_attempt_creates_meanwhile(load: Load, faults: dict[str, Faults]) -> None:
    # The first metadata table exists, the second does not yet.
    with load.destination.database("dst").open() as connection:
        Tables.named("airflow_checkpoint").checkpoint.create(connection)
    faults["destination"].plan(Fault(955, "CREATE TABLE airflow_checkpoint_event", times=99))
    later = threading.Timer(0.2, create_event, [load])
    later.start()
    assert load.attempt().rows == 20
    later.join()


def create_event(load: Load) -> None:
    script = Tables.named("airflow_checkpoint").ddl("oracle")
    with closing(load.destination.connect()) as connection:
        connection.faults = Faults()
        for statement in script.split(";"):
            if "airflow_checkpoint_event" in statement:
                connection.cursor().execute(statement.strip())


def test_two_attempts_create_the_tables(load: Load) -> None:
    start = threading.Barrier(2)
    load.destination.rows("SELECT n FROM target")
    failed: list[Exception] = []

    def create() -> None:
        try:
            with load.destination.database("dst").open() as connection:
                start.wait()
                Tables.named("airflow_checkpoint").create(connection)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=create) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_without_the_right_to_create_tables(load: Load, faults: dict[str, Faults]) -> None:
    faults["destination"].plan(Fault(1031, "CREATE TABLE", times=99))
    with pytest.raises(
        MetadataTableError,
        match=r"airflow_checkpoint could not be created: ORA-01031: insufficient privileges\. Grant.*tables and sequences",
    ):
        load.attempt()
    assert loaded(load) == []


def test_an_error_of_the_query_is_the_sources(load: Load) -> None:
    with pytest.raises(SourceError, match=r"^Source 'src': ORA-00942: table or view NOWHERE does not exist$"):
        load.attempt(sql="SELECT * FROM nowhere")


def test_a_script_of_several_statements(load: Load) -> None:
    load.destination.execute("CREATE TABLE log (a varchar2(9))")
    script = """
        DELETE FROM target; -- all of it; really
        INSERT INTO log VALUES ('a;b');
        BEGIN
          DELETE FROM target;
          INSERT INTO log VALUES ('c');
        END;
        /
        INSERT INTO log VALUES ('d')
    """
    load.destination.insert("target", [(99,)])
    assert load.attempt(preoperator=script).rows == 20
    assert loaded(load) == list(range(20))
    assert load.destination.rows("SELECT a FROM log ORDER BY a") == [("a;b",), ("c",), ("d",)]


@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace"])
def test_ddl_that_commits_in_the_middle_of_starting_over(
    load: Load, faults: dict[str, Faults], write_mode: str
) -> None:
    script = "DROP TABLE target; CREATE TABLE target (n integer PRIMARY KEY)"
    arguments = {"preoperator": script, "write_mode": write_mode, "checkpoint_column": "n"}
    load.attempt(**arguments)
    load.clear()
    faults["destination"].plan(Fault(3113, "CREATE TABLE target"))
    # The DDL committed the intent, too: the next attempt fails at DROP, and starts over once the table exists.
    with pytest.raises(DestinationError, match="ORA-00942"):
        load.attempt(**arguments)
    load.destination.execute("CREATE TABLE target (n integer PRIMARY KEY)")
    assert load.attempt(**arguments).rows == 20
    assert loaded(load) == list(range(20))


def test_sorting_goes_the_way_of_comparing(load: Load, faults: dict[str, Faults]) -> None:
    session = stand_in.server(load.source.place).connect()
    session.postgres.execute(
        """UPDATE "NLS_SESSION_PARAMETERS" SET "VALUE" = 'GERMAN' WHERE "PARAMETER" = 'NLS_SORT'"""
    )
    load.attempt(checkpoint_column="n")
    assert "ALTER SESSION SET NLS_SORT = BINARY" in faults["source"].seen


def test_a_synonym_is_as_good_as_its_table(load: Load) -> None:
    for db, name, table in ((load.source, "PEOPLE", "T"), (load.destination, "THERE", "TARGET")):
        session = stand_in.server(db.place).connect()
        session.postgres.execute(f'CREATE VIEW "{name}" AS SELECT * FROM "{table}"')
        session.postgres.execute(
            """INSERT INTO "ALL_SYNONYMS" VALUES ('SCOTT', %s, 'SCOTT', %s, NULL)""", [name, table]
        )
        session.close()
    arguments = {"sql": None, "source_table": "people", "destination_table": "there"}
    result = load.attempt(**arguments)
    assert (result.strategy, result.rows) == ("key", 20)
    assert loaded(load) == list(range(20))


def test_a_driver_of_ones_own_on_top_of_it(load: Load) -> None:
    class Wrapped(type(load.source.connect())):  # type: ignore[misc]
        """A subclass of the driver's connection, as a hook may return."""

    source = Database("src", lambda: stand_in.server(load.source.place).connect(make=Wrapped))
    assert load.transfer(source=source).run().rows == 20
