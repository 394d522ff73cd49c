"""Connections lost in the middle of a load, and opened again inside the attempt."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.postgres.destination import PostgresDestination
from airflow_checkpoint_provider.engine.model.errors import CheckpointError, ConnectionLostError
from airflow_checkpoint_provider.engine.model.events.transfer import Reconnecting, Started
from airflow_checkpoint_provider.engine.model.task_state import TaskState
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded
from tests.support.network.networks import kill

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.0)


@pytest.fixture
def load(make_db: MakeDb) -> Load:
    source, destination = make_db("postgres", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE t (n integer PRIMARY KEY)")
    source.insert("t", [(n,) for n in range(20)])
    destination.execute("CREATE TABLE target (n integer)")
    return Load(source, destination, {"sql": "SELECT * FROM t ORDER BY n", "batch_size": 4})


class Now:
    """A rows_processor that calls a function at some of its batches."""

    def __init__(self, happens: Callable[[], Any], at: set[int]) -> None:
        self.happens, self.at, self.batch = happens, at, 0

    def __call__(self, rows: list) -> list:
        self.batch += 1
        if self.batch in self.at:
            self.happens()
        return rows


@pytest.mark.parametrize("by", [{"checkpoint_column": "n"}, {"strategy": "python"}], ids=["key", "python"])
@pytest.mark.parametrize("lost", ["source", "destination", "both"])
def test_a_lost_connection_is_opened_again(load: Load, lost: str, by: dict[str, Any]) -> None:
    def lose() -> None:
        for side in ("source", "destination"):
            if lost in (side, "both"):
                kill(getattr(load, side))

    load.source.insert("t", [(n,) for n in range(20, 200)])  # more than are read ahead
    result = load.attempt(rows_processor=Now(lose, {2, 4}), **by)
    assert (result.rows, result.rows_total, result.status) == (200, 200, "completed")
    assert 1 <= result.reconnects <= 2
    assert result.reconnects == len(load.told(Reconnecting))
    assert loaded(load) == list(range(200))


@pytest.mark.parametrize("left", [True, False])
def test_a_marker_is_left_once_and_what_it_told_holds_for_one_claim(load: Load, left: bool) -> None:
    markers: list[int] = []

    def leave(fence: int) -> bool:
        markers.append(fence)
        return left or fence == 1

    load.leave = leave
    load.arguments["preoperator"] = "DELETE FROM target"
    load.attempt_batches(3)
    # A clear has removed the marker; a clear during the load must not find it again.
    load.state = TaskState.DISCARDED
    assert load.attempt(rows_processor=Now(lambda: kill(load.destination), {2, 4})).reconnects == 2
    assert [told.action for told in load.told(Started)] == ["start", "start", "resume", "resume"]
    assert markers == [1, 2]
    load.state = TaskState.UNKNOWN
    assert load.attempt().rows == 0


def test_the_count_starts_again_after_progress(load: Load) -> None:
    lose = Now(lambda: kill(load.destination), {2, 4, 6, 8, 10})
    assert load.attempt(rows_processor=lose, max_reconnects=1).reconnects >= 3
    assert loaded(load) == list(range(20))


def test_without_progress_it_ends(load: Load) -> None:
    lose = Now(lambda: kill(load.destination), set(range(100)))
    with pytest.raises(
        ConnectionLostError, match=r"lost 3 times without progress .*max_reconnects=2.*next attempt goes on"
    ):
        load.attempt(rows_processor=lose, max_reconnects=2)
    assert load.attempt().rows == 20


def test_the_waits_grow_at_random_up_to_a_limit(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    longest: list[float] = []

    def uniform(low: float, high: float) -> float:
        assert low == 0
        longest.append(high)
        return 0.0

    monkeypatch.setattr(random, "uniform", uniform)
    lose = Now(lambda: kill(load.destination), set(range(100)))
    with pytest.raises(ConnectionLostError):
        load.attempt(rows_processor=lose, max_reconnects=7)
    assert longest == [1, 2, 4, 8, 16, 30, 30]


def test_none_allowed(load: Load) -> None:
    lose = Now(lambda: kill(load.source), {2})
    with pytest.raises(
        ConnectionLostError, match=r"A connection was lost once .*max_reconnects=0.*terminat|closed"
    ):
        load.attempt(
            rows_processor=lose, max_reconnects=0, sql="SELECT n FROM t, generate_series(1, 2000) ORDER BY n"
        )


def test_without_a_checkpoint_nothing_is_promised(load: Load) -> None:
    lose = Now(lambda: kill(load.destination), {2})
    with pytest.raises(ConnectionLostError) as error:
        load.attempt(rows_processor=lose, strategy="none")
    assert "committed batch" not in str(error.value)
    assert loaded(load) == []


class AtCommit(psycopg.Connection[Any]):
    """Loses the connection at a commit, before it is sent or after it took effect."""

    commits = 0
    lost_at: set[int] = set()
    after = False

    def commit(self) -> None:
        if self.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            return super().commit()
        AtCommit.commits += 1
        lost = AtCommit.commits in AtCommit.lost_at
        if lost and not AtCommit.after:
            self.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        super().commit()
        if lost:
            self.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return None


@pytest.mark.parametrize("after", [False, True])
def test_at_every_commit(load: Load, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    database = Database("dst", lambda: AtCommit.connect(load.destination.place))
    monkeypatch.setattr(AtCommit, "after", after)
    monkeypatch.setattr(AtCommit, "commits", 0)
    load.transfer(destination=database).run()
    commits = AtCommit.commits
    assert commits > 6
    for at in range(1, commits + 1):
        load.destination.execute("TRUNCATE target")
        load.next_run()
        monkeypatch.setattr(AtCommit, "commits", 0)
        monkeypatch.setattr(AtCommit, "lost_at", {at})
        result = load.transfer(destination=database).run()
        assert (result.rows_total, result.status) == (20, "completed")
        assert loaded(load) == list(range(20)), at
        stored = "SELECT rows_written, batches, status FROM airflow_checkpoint WHERE run_id = 'run_{}'"
        assert load.destination.rows(stored.format(load.run)) == [(20, 5, "completed")]


def test_another_attempt_may_come_in_between(load: Load) -> None:
    def lose_and_overtake() -> None:
        kill(load.destination)
        load.attempt()

    with pytest.raises(CheckpointError, match="Another attempt"):
        load.attempt(rows_processor=Now(lose_and_overtake, {2}))
    assert loaded(load) == list(range(20))


FAILS_ONCE = """
CREATE SEQUENCE calls;
CREATE FUNCTION fails_once(n integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN
  IF nextval('calls') = 10 THEN RAISE 'this statement is cancelled' USING ERRCODE = '{}'; END IF;
  RETURN n;
END $$
"""


@pytest.mark.parametrize("state", ["40001", "40P01", "57014"])
@pytest.mark.parametrize("processor", [None, list], ids=["packed", "rows"])
def test_a_statement_that_a_standby_or_a_person_cancels_runs_again(
    load: Load, state: str, processor: Any
) -> None:
    load.source.execute(FAILS_ONCE.format(state))
    load.arguments["rows_processor"] = processor
    result = load.attempt(sql="SELECT fails_once(n) AS n FROM t", checkpoint_column="n")
    assert (result.rows, result.reconnects) == (20, 1)
    assert loaded(load) == list(range(20))


@pytest.mark.parametrize("state", ["40001", "40P01", "57014"])
@pytest.mark.parametrize("write_mode", ["append", "replace", "replace_atomic"])
def test_a_statement_of_the_destination_that_is_cancelled_runs_again(
    load: Load, state: str, write_mode: str
) -> None:
    load.destination.execute(
        FAILS_ONCE.format(state),
        "CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM fails_once(NEW.n); RETURN NEW; END $$",
        "CREATE TRIGGER fires BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION fire()",
    )
    result = load.attempt(checkpoint_column="n", write_mode=write_mode)
    assert (result.rows_total, result.reconnects) == (20, 1)
    assert loaded(load) == list(range(20))


@pytest.mark.parametrize("stops", [False, True])
def test_a_connection_that_takes_no_more_rows(
    load: Load, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, stops: bool
) -> None:
    write, writes = PostgresDestination._write, 0

    def lose(destination: PostgresDestination, rows: Any, route: Any) -> int | None:
        nonlocal writes
        written, writes = write(destination, rows, route), writes + 1
        if writes == 2:
            with socket.socket(fileno=os.dup(destination.raw.fileno())) as line:
                line.shutdown(socket.SHUT_WR)
            if stops:
                raise KeyError("ours")
        return written

    monkeypatch.setattr(PostgresDestination, "_write", lose)
    assert load.attempt().reconnects == 1
    assert loaded(load) == list(range(20))
    if not stops:
        assert "the connection was lost while rows were sent" in load.told(Reconnecting)[0].error
    assert "unpack" not in caplog.text


@pytest.mark.parametrize("setting", ["idle_session_timeout", "idle_in_transaction_session_timeout"])
@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_session_may_be_idle_while_the_other_side_works(load: Load, side: str, setting: str) -> None:
    db = getattr(load, side)
    db.execute(f"ALTER DATABASE {db.one('SELECT current_database()')} SET {setting} = '200ms'")
    result = load.attempt(rows_processor=Now(lambda: time.sleep(0.6), {1, 3}), max_reconnects=0)
    assert (result.rows, result.reconnects) == (20, 0)
    assert loaded(load) == list(range(20))
