"""The table that a name refers to: the same in every attempt, and in every load of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import SourceChangedError, TableInUseError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded
from tests.support.troubles.pausing import Pause

pytestmark = pytest.mark.server


@pytest.fixture
def load(make_db: MakeDb) -> Load:
    """Return a load into ``target``, a table of two schemas."""
    source, destination = make_db("sqlite", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE t (n integer)")
    source.insert("t", [(n,) for n in range(20)])
    destination.execute(
        "CREATE TABLE target (n integer)", "CREATE SCHEMA dwh", "CREATE TABLE dwh.target (n integer)"
    )
    return Load(source, destination, {"source_table": "t", "checkpoint_column": "n", "batch_size": 4})


def by_path(db: Db, path: str) -> Database:
    place = psycopg.conninfo.make_conninfo(db.place, options=f"-c search_path={path}")
    return Db("postgres", place).database("dst")


CREATE = "CREATE TABLE IF NOT EXISTS target (n integer)"


@pytest.mark.parametrize("created", [False, True], ids=["is there", "by the preoperator"])
@pytest.mark.parametrize("scope", ["run", "task"])
def test_a_retry_does_not_go_on_in_another_schema(load: Load, created: bool, scope: str) -> None:
    load.arguments |= {"checkpoint_table": "public.airflow_checkpoint", "scope": scope}
    if created:
        load.destination.execute("DROP TABLE dwh.target")
        load.arguments["preoperator"] = CREATE.replace("target", "dwh.target")
        load.arguments["destination_table"] = "target"
    with pytest.raises(ConnectionError):
        load.transfer(destination=by_path(load.destination, "dwh,public"), rows_processor=Fails()).run()
    with pytest.raises(SourceChangedError, match=r"destination table was 'dwh.target', is 'public.target'"):
        load.attempt()
    assert loaded(load) == []
    transfer = load.transfer(destination=by_path(load.destination, "dwh,public"))
    assert transfer.run().rows_total == 20
    assert loaded(load, table="dwh.target") == list(range(20))


class Fails:
    """Fails after one batch."""

    calls = 0

    def __call__(self, rows: list[Any]) -> list[Any]:
        self.calls += 1
        if self.calls > 1:
            raise ConnectionError
        return rows


def test_a_connection_that_is_opened_again_does_not_go_on_in_another_schema(load: Load) -> None:
    paths = iter(["dwh,public"])

    def connect() -> Any:
        raw = load.destination.connect()
        raw.execute(f"SET search_path = {next(paths, 'public')}")
        raw.commit()
        raws.append(raw)
        return raw

    raws: list[Any] = []
    load.arguments["checkpoint_table"] = "public.airflow_checkpoint"

    def lose(rows: list[Any]) -> list[Any]:
        if loaded(load, table="dwh.target"):
            load.destination.execute(f"SELECT pg_terminate_backend({raws[0].info.backend_pid})")
        return rows

    with pytest.raises(SourceChangedError, match=r"destination table was 'dwh.target', is 'public.target'"):
        load.transfer(destination=Database("dst", connect), rows_processor=lose).run()
    assert loaded(load) == []


def test_a_table_that_is_gone_after_its_load_is_no_other_table(load: Load) -> None:
    load.arguments["preoperator"] = CREATE
    assert load.attempt().rows == 20
    load.destination.execute("DROP TABLE target")
    assert load.attempt().rows == 0


@pytest.mark.parametrize("path", ["dwh", "public"])
def test_two_loads_of_one_name_are_of_one_table_where_it_means_the_same(load: Load, path: str) -> None:
    load.arguments["checkpoint_table"] = "public.airflow_checkpoint"
    pause = Pause(3)
    older = load.transfer(
        destination=by_path(load.destination, "dwh,public"),
        rows_processor=lambda rows: (pause(), rows)[1],
    )
    other = replace(load, run=2, try_number=0, events=[])
    emptying = other.transfer(destination=by_path(load.destination, f"{path},public"), write_mode="replace")
    with pause.around(older.run) as future:
        if path == "dwh":
            with pytest.raises(TableInUseError, match="run_1"):
                emptying.run()
        else:
            assert emptying.run().rows == 20
    assert future.result().rows == 20
    assert loaded(load, table="dwh.target") == list(range(20))


def test_a_database_of_mysql_is_a_schema(make_db: MakeDb, mysql_source: str) -> None:
    source, destination = make_db("sqlite", "source"), make_db("mysql", "destination")
    other = Db("mysql", mysql_source)
    source.execute("CREATE TABLE t (n integer)")
    source.insert("t", [(n,) for n in range(20)])
    for db in (destination, other):
        db.execute("CREATE TABLE target (n integer)")
    at_home = destination.one("SELECT DATABASE()")
    load = Load(
        source,
        destination,
        {
            "source_table": "t",
            "checkpoint_column": "n",
            "batch_size": 4,
            "checkpoint_table": f"{at_home}.airflow_checkpoint",
        },
    )
    assert load.attempt_batches(1)
    with pytest.raises(SourceChangedError, match=f"destination table was '{at_home}.target', is "):
        load.transfer(destination=other.database("dst")).run()
    assert loaded(replace(load, destination=other)) == []
