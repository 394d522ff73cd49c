"""Limits on databases that do not answer a reader of checkpoints."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from airflow_checkpoint_provider.engine.databases import limits
from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.limits import Limits
from airflow_checkpoint_provider.engine.model.errors import CannotConnectError, NoAnswerError
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.databases import get_db_hook, open_database
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.databases.mysql_drivers import DRIVERS, connect_mysql
from tests.support.databases.oracle_places import stand_in
from tests.support.network.networks import behind, reach
from tests.support.network.proxy import MysqlFramer, PostgresFramer, Proxy
from tests.support.oracle_standin import Fault, Faults
from tests.support.oracle_standin.errors import dpy

A_MOMENT = Limits(connect=1, statement=0.3)
LOCKS = {
    "postgres": "LOCK TABLE airflow_checkpoint IN ACCESS EXCLUSIVE MODE",
    "mysql": "LOCK TABLES airflow_checkpoint WRITE",
}
ITS_LIMIT = {
    "postgres": "SELECT setting FROM pg_settings WHERE name = 'statement_timeout'",
    "mysql": "SELECT @@max_statement_time * 1000",
}


@pytest.fixture
def silent() -> Iterator[int]:
    """Return the port of a server that accepts connections, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


# MySQL's own driver has a limit for connecting by itself.
@pytest.mark.parametrize("scheme", ["postgres", *(["mysql"] if "MySQLdb" in DRIVERS else [])])
def test_connecting_is_given_up(silent: int, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SILENT", f"{scheme}://ada:pa55word@127.0.0.1:{silent}/db")
    began = time.monotonic()
    with pytest.raises(CannotConnectError, match="^Connection 'silent' cannot be opened: "):
        open_database("silent", "checkpoint_conn_id", limits=A_MOMENT).open()
    assert time.monotonic() - began < 60  # without it: two minutes in one driver, no limit in the other


def test_a_limit_of_the_connection_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OWN", "postgres://ada@there/db?connect_timeout=77&sslmode=require")
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", "postgres://ada@there/db?sslmode=require")
    given = {}
    for conn_id in ("own", "other"):
        database = open_database(conn_id, "checkpoint_conn_id", limits=A_MOMENT)
        with monkeypatch.context() as patch:
            patch.setattr("psycopg.Connection.connect", lambda **arguments: given.update(arguments) or 1 / 0)
            with pytest.raises(CannotConnectError):
                database.open()
        assert (given.pop("connect_timeout"), given["sslmode"]) == (
            "77" if conn_id == "own" else 1,
            "require",
        )


def test_who_moves_rows_has_as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", "postgres://ada@there/db")
    hook = get_db_hook("other", "destination_conn_id")
    open_database("other", "destination_conn_id")
    assert hook.connection.extra_dejson == {}


@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_a_metadata_table_that_somebody_has_locked(
    make_db: MakeDb, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    db = make_db(kind, "destination")
    monkeypatch.setenv("AIRFLOW_CONN_DST", db.uri)
    monkeypatch.setattr(limits, "Limits", partial(Limits, statement=0.3))
    hook = CheckpointHook("dst")
    hook.create_tables()
    with closing(db.by_hand()) as other:
        other.cursor().execute(LOCKS[kind])
        with pytest.raises(NoAnswerError, match="^Connection 'dst' did not answer in time: "):
            hook.list()
    assert hook.list() == []


@pytest.fixture
def stalling(db: Db) -> Iterator[Proxy]:
    with Proxy(reach(db), MysqlFramer if db.kind == "mysql" else PostgresFramer) as proxy:
        yield proxy


@pytest.fixture(params=["postgres", *DRIVERS])
def db(request: pytest.FixtureRequest, make_db: MakeDb) -> Db:
    if request.param == "postgres":
        return make_db("postgres", "destination")
    return Db("mysql", make_db("mysql", "destination").place, request.param)


@pytest.mark.server
def test_a_server_that_falls_silent(db: Db, stalling: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_GRACE_S", 0.3)
    database = Database("dst", behind(db, stalling).connect, limits=A_MOMENT)

    def ask() -> None:
        with database.open() as connection:
            stalling.flowing.clear()
            connection.exec_driver_sql("SELECT 1").all()

    with pytest.raises((NoAnswerError, DBAPIError)) as given_up:
        ask()
    # mysql.connector pings the server outside of the statement.
    asks = (db.kind, db.driver) == ("mysql", "mysql.connector")
    assert isinstance(given_up.value, NoAnswerError) != asks


@pytest.mark.server
def test_a_server_that_is_silent_from_the_beginning(
    db: Db, stalling: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_GRACE_S", 0.3)

    def connect() -> Any:
        raw = behind(db, stalling).connect()
        stalling.flowing.clear()
        return raw

    with pytest.raises(CannotConnectError):
        Database("dst", connect, limits=A_MOMENT).open()


@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_what_holds_for_a_session(make_db: MakeDb, kind: str) -> None:
    db = make_db(kind, "destination")

    def own() -> Any:
        if kind == "postgres":
            return psycopg.connect(db.place, options="-c statement_timeout=77s")
        connection = connect_mysql(db.place, db.driver)
        connection.cursor().execute("SET max_statement_time = 77")
        return connection

    def asked(connect: Any, **how: Any) -> int:
        with Database("dst", connect, limits=Limits()).open(**how) as connection:
            return int(connection.exec_driver_sql(ITS_LIMIT[kind]).scalar_one())

    assert asked(db.connect) == 60_000
    assert asked(db.connect, for_writing=True) == 0
    assert asked(own) == 77_000


def test_calls_of_oracle(stood_in: tuple[Db, Db], faults: dict[str, Faults]) -> None:
    database = Database("src", stood_in[0].connect, limits=Limits())
    with database.open() as connection:
        assert connection.connection.driver_connection.call_timeout == 60_000
        faults["source"].plan(Fault(0, "SELECT 7", raises=dpy(4024)))
        with pytest.raises(NoAnswerError, match="DPY-4024"):
            connection.exec_driver_sql("SELECT 7 FROM dual")

    def own() -> Any:
        raw = stand_in.server(stood_in[0].place).connect()
        raw.call_timeout = 77
        return raw

    with Database("src", own, limits=Limits()).open() as connection:
        assert connection.connection.driver_connection.call_timeout == 77
    with database.open(for_writing=True) as connection:
        assert connection.connection.driver_connection.call_timeout == 0
