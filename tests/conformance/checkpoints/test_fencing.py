"""Two attempts of one task instance at once: the older one can add no rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from airflow_checkpoint_provider.engine.model.errors import CheckpointLockedError, FencedError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load, loaded
from tests.support.troubles.pausing import Pause
from tests.support.waiting import wait_for


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (n integer)")
    source.insert("t", [(n,) for n in range(20)])
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY)")
    return Load(source, destination, {"source_table": "t", "checkpoint_column": "n", "batch_size": 4})


@pytest.mark.parametrize("batch", [1, 3, 5])
@pytest.mark.parametrize("newer_gets", ["everything", "one batch", "nothing but the claim"])
def test_an_attempt_paused_after_reading_adds_nothing(load: Load, batch: int, newer_gets: str) -> None:
    pause = Pause(batch)
    older = load.transfer(rows_processor=lambda rows: (pause(), rows)[1])
    with pause.around(older.run) as future:
        before = loaded(load)
        assert len(before) == (batch - 1) * 4
        if newer_gets == "everything":
            load.attempt()
        elif newer_gets == "one batch":
            load.attempt_batches(1)
        else:
            with pytest.raises(RuntimeError, match="stopped"):
                load.attempt(rows_processor=stop)
        after = loaded(load)
    message = r"Another attempt has taken over .* \(try 2, test, try 2\): this attempt \(try 1, test, try 1\)"
    with pytest.raises(FencedError, match=message):
        future.result()
    assert loaded(load) == after
    load.attempt()
    assert loaded(load) == list(range(20))


def stop(rows: list) -> list:
    raise RuntimeError("stopped")


@pytest.mark.able(keeps_lock_timeout=True)
def test_a_newer_attempt_waits_for_a_running_transaction_and_names_its_owner(load: Load) -> None:
    load.attempt_batches(1)
    with closing(load.destination.connect()) as holder:
        load.destination.able.lock_checkpoints(load.destination, holder)
        message = r"a_task, run run_1 is held by another attempt \(try 1, test, try 1\).* within 0.3 seconds \(lock_"
        with pytest.raises(CheckpointLockedError, match=message):
            load.attempt(lock_timeout=0.3)
        holder.rollback()
    assert load.attempt().rows == 16


def test_a_lock_that_is_let_go_in_time_is_no_error(load: Load) -> None:
    load.attempt_batches(1)
    with closing(load.destination.connect()) as holder, ThreadPoolExecutor(1) as pool:
        load.destination.able.lock_checkpoints(load.destination, holder)
        future = pool.submit(load.attempt)
        with pytest.raises(TimeoutError):
            future.result(0.5)
        holder.rollback()
        assert future.result(30).rows == 16


@pytest.mark.able(keeps_lock_timeout=True)
@pytest.mark.parametrize("first", [True, False])
def test_ten_attempts_at_once(load: Load, first: bool) -> None:
    """The attempt that came last completes, and nine end with a clear error."""
    if not first:
        load.attempt_batches(1)
    arrived: set[int] = set()

    def attempt(number: int) -> str:
        def process(rows: list) -> list:
            arrived.add(number)
            wait_for(lambda: len(arrived) == 10, "all attempts to have claimed the checkpoint", timeout=60)
            return rows

        try:
            return load.transfer(lock_timeout=30, rows_processor=process).run().status
        except FencedError as error:  # perhaps before its first row
            return str(error)
        finally:
            arrived.add(number)  # after any other error, too: the others stop waiting, and it is shown

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(attempt, range(10)))
    fenced = [outcome for outcome in outcomes if outcome.startswith("Another attempt has taken over ")]
    assert (len(fenced), outcomes.count("completed")) == (9, 1)
    assert loaded(load) == list(range(20))


def test_an_older_attempt_does_not_fail_the_load_of_the_newer(load: Load) -> None:
    pause = Pause(1)
    older = load.transfer(rows_processor=lambda rows: (pause(), stop(rows))[1])
    with pause.around(older.run) as future:
        load.attempt()
    with pytest.raises(RuntimeError, match="stopped"):
        future.result()
    assert load.destination.rows("SELECT status, last_error FROM airflow_checkpoint") == [("completed", None)]


@pytest.mark.server
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_on_a_server_with_another_isolation_by_default(make_db: MakeDb, level: str) -> None:
    source, destination = make_db("sqlite", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE t (n integer)")
    source.insert("t", [(n,) for n in range(20)])
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY)")
    name = destination.one("SELECT current_database()")
    destination.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = '{level}'")
    load = Load(source, destination, {"source_table": "t", "checkpoint_column": "n", "batch_size": 4})
    test_ten_attempts_at_once(load, first=False)
