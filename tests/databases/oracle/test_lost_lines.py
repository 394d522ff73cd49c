"""Errors of a lost session or of a query that can be run again, in every form; and ending a wait."""

from __future__ import annotations

import random
import threading
import time
from contextlib import closing
from typing import Any

import oracledb
import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.oracle.dialect import OracleDialect
from airflow_checkpoint_provider.engine.model.errors import CannotConnectError, CheckpointError, SourceError
from tests.support.databases.db import Db
from tests.support.loads import Load, loaded
from tests.support.oracle_standin import Fault, Faults
from tests.support.oracle_standin.errors import dpy

OPENING = 6  # fetches before the first rows
INSERT = 'INSERT INTO "?target'
ADVANCE = "UPDATE airflow_checkpoint"
READ = r"SELECT \* FROM \( SELECT \* FROM t ORDER BY n \) src WHERE .* ORDER BY"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.0)


@pytest.fixture
def load(stood_in: tuple[Db, Db]) -> Load:
    source, destination = stood_in
    source.execute("CREATE TABLE t (n integer PRIMARY KEY)")
    source.insert("t", [(n,) for n in range(20)])
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY)")
    arguments = {"sql": "SELECT * FROM t ORDER BY n", "checkpoint_column": "n", "batch_size": 4}
    return Load(source, destination, arguments)


def timed_out() -> Exception:
    return TimeoutError(110, "Connection timed out")


@pytest.mark.parametrize(
    ("side", "at", "fault"),
    [
        ("source", READ, {"code": 1555, "wrapped_in": 12801}),
        ("source", READ, {"code": 1555, "wrapped_in": 604}),
        ("source", READ, {"code": 12535, "wrapped_in": 2063}),
        ("source", READ, {"code": 8103}),
        ("source", READ, {"code": 0, "raises": timed_out()}),
        ("source", "fetch", {"code": 0, "raises": timed_out(), "skip": OPENING}),
        ("source", READ, {"code": 0, "raises": dpy(4024, timeout=5)}),
        ("destination", INSERT, {"code": 0, "raises": timed_out()}),
        ("destination", ADVANCE, {"code": 0, "raises": timed_out()}),
        ("destination", "commit", {"code": 0, "raises": timed_out(), "after": True}),
        ("destination", INSERT, {"code": 0, "raises": dpy(1001)}),
    ],
)
def test_the_load_goes_on(
    load: Load, faults: dict[str, Faults], side: str, at: str, fault: dict[str, Any]
) -> None:
    load.attempt_batches(2)
    faults[side].plan(Fault(at=at, **fault))
    assert load.attempt().reconnects == 1
    assert loaded(load) == list(range(20))


def test_an_error_within_another_that_no_new_session_cures(load: Load, faults: dict[str, Faults]) -> None:
    faults["source"].plan(Fault(1722, READ, wrapped_in=12801))
    with pytest.raises(SourceError, match="ORA-12801.*ORA-01722"):
        load.attempt()


def test_an_error_of_the_network_in_the_users_own_code_is_his(load: Load) -> None:
    def ask_a_service(rows: Any) -> Any:
        raise ConnectionError("no answer")

    with pytest.raises(ConnectionError, match="no answer"):
        load.attempt(rows_processor=ask_a_service)


def test_a_text_that_is_not_valid(load: Load, faults: dict[str, Faults]) -> None:
    invalid = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    faults["source"].plan(Fault(0, READ, raises=invalid))
    with pytest.raises(SourceError, match=r"not valid in the database's character set.*UTL_RAW\.CAST_TO_RAW"):
        load.attempt()


def test_an_attempt_that_is_given_up_ends_its_wait(load: Load, faults: dict[str, Faults]) -> None:
    load.attempt_batches(1)
    with closing(load.destination.connect()) as other:
        other.cursor().execute("INSERT INTO target VALUES (11)")
        transfer = load.transfer()
        threading.Timer(1, transfer.abandon).start()
        began = time.monotonic()
        with pytest.raises(CheckpointError, match="ORA-01013"):
            transfer.run()
        assert time.monotonic() - began < 10
    assert load.attempt().rows_total == 20


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("127.0.0.1:1/x", 1),
        ("(DESCRIPTION=(EXPIRE_TIME=7)(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT=1)))", 7),
    ],
)
def test_a_connection_on_which_nothing_comes_is_probed(text: str, minutes: int) -> None:
    OracleDialect().before_connecting()
    OracleDialect().before_connecting()
    seen: list[int] = []

    def look(parameters: oracledb.ConnectParams) -> None:
        seen.append(parameters.expire_time)

    oracledb.register_params_hook(look)
    try:
        with pytest.raises(oracledb.Error):
            oracledb.connect(user="scott", password="tiger", dsn=text)
    finally:
        oracledb.unregister_params_hook(look)
    assert seen == [minutes]


def test_two_modes_in_one_process() -> None:
    def connect() -> Any:
        raise dpy(2019)

    with pytest.raises(CannotConnectError, match="thick_mode in the extras of both"):
        Database("src", connect).open()
