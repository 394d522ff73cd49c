"""The sessions of a server and their waits, while one holds a row that another one wants."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.questions.server_sessions import ServerSession, holding_up
from airflow_checkpoint_provider.engine.model.errors import CheckpointError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.waiting import wait_for

UPDATE = "UPDATE held SET n = n + 1"


def sessions_of(db: Db) -> list[ServerSession] | None:
    connection = db.database("target").open()
    try:
        found = dialect_of(connection).server_sessions(connection)
        return None if found is None else holding_up(found)
    finally:
        connection.close()


@pytest.mark.server
@pytest.mark.parametrize("kind", ["postgres", "mysql", "oracle"])
def test_who_holds_a_row_and_who_waits_for_it(kind: str, make_db: MakeDb) -> None:
    db = make_db(kind, "destination")
    db.execute("CREATE TABLE held (n integer)")
    db.insert("held", [(1,)])

    def wait(connection: Any) -> None:
        connection.cursor().execute(UPDATE)
        connection.rollback()

    with closing(db.by_hand()) as holder, closing(db.by_hand()) as waiter:
        holder.cursor().execute(UPDATE)
        waiting = threading.Thread(target=wait, args=(waiter,))
        waiting.start()

        def seen() -> list[ServerSession]:
            found = sessions_of(db) or []
            return found if found and found[0].waits_for else []

        try:
            first, second, *_ = wait_for(seen, "a session that waits")
        finally:
            holder.rollback()
            waiting.join()
    assert first.waits_for == (second.id,)
    assert (UPDATE.upper() in first.statement.upper().replace('"', ""), first.own) == (True, True)
    assert first.seconds is not None
    assert 0 <= first.seconds < 60
    assert second.waits_for == ()


def test_a_user_who_may_not_see_the_sessions_of_oracle(stood_in: tuple[Db, Db]) -> None:
    db = stood_in[1]
    connection = db.database("target").open()
    try:
        with closing(db.connect()) as raw:  # the stand-in's own connection
            raw.postgres.execute('DROP VIEW "SYS"."V$SESSION"')
        with pytest.raises(CheckpointError, match=r"GRANT SELECT ON v_\$session and on v_\$sqlarea"):
            dialect_of(connection).server_sessions(connection)
    finally:
        connection.close()


def test_a_database_that_is_not_asked(make_db: MakeDb) -> None:
    assert sessions_of(make_db("sqlite", "destination")) is None


def test_those_that_wait_come_first_and_sessions_of_others_are_left_out() -> None:
    def session(number: int, own: bool, *waits_for: str, seconds: float = 1) -> ServerSession:
        return ServerSession(str(number), "ada", own, "active", seconds, "SELECT 1", waits_for)

    found = [
        session(1, False),
        session(2, True),
        session(3, True, seconds=9),
        session(4, False),
        session(5, False, "4"),
    ]
    assert [one.id for one in holding_up(found)] == ["5", "4", "3", "2"]
