"""The contents of an attempt's log: the load, the deleted rows, long steps, and the failure."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.checkpoint import Identity
from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    CheckpointError,
    ConnectionLostError,
    FencedError,
    SourceOrderError,
    StoppedError,
)
from airflow_checkpoint_provider.engine.model.events.failure import Failed
from airflow_checkpoint_provider.engine.model.events.steps import PreoperatorRun, RowsDeleted
from airflow_checkpoint_provider.engine.model.events.transfer import Event, Reconnecting
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.store.history import History
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.engine.transfer.progress_log import ProgressLog
from airflow_checkpoint_provider.engine.transfer.session import LostError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load


@pytest.fixture
def load(destination: Db, make_db: MakeDb) -> Load:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (n integer, a text)")
    source.insert("t", [(n, "x") for n in range(10)])
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY, a text)", "CREATE TABLE log (what text)")
    destination.insert("target", [(-1, "old"), (-2, "old")])
    return Load(source, destination, {"source_table": "t", "checkpoint_column": "n", "batch_size": 4})


def lines(load: Load, caplog: pytest.LogCaptureFixture, **final: Any) -> list[str]:
    """Return the log of all attempts so far, without times."""
    caplog.set_level(logging.INFO)
    caplog.clear()
    log = ProgressLog(logging.getLogger("load"), **final)
    for event in load.events:
        log(event)
    return caplog.messages


def test_source_destination_and_range(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    load.attempt(source_table=None, sql="SELECT n, a\n  FROM t")
    told = lines(load, caplog)
    assert told[0] == (
        "Loading SELECT n, a FROM t of 'src' into target of 'dst': write_mode append, batches of 4 rows, scope run"
    )
    assert "Range: n up to 9" in told


def test_a_run_behind_a_mark_has_its_own_range(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    load.attempt(scope="task")
    load.source.insert("t", [(n, "x") for n in range(10, 13)])
    load.next_run()
    load.events.clear()
    load.attempt(scope="task")
    told = lines(load, caplog)
    assert told[0].startswith("Loading table t of 'src' into target of 'dst'")
    assert told[0].endswith("scope task")
    assert "Range: behind n = 9 up to n = 12" in told


def test_what_replace_has_deleted(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    load.attempt(write_mode="replace")
    [deleted] = load.told(RowsDeleted)
    assert (deleted.rows, deleted.partition) == (2, False)
    told = lines(load, caplog)
    begun = told.index("Deleting the rows of target")
    assert told[begun + 1].startswith("Deleted 2 rows of target in 0.")


@pytest.mark.parametrize("as_list", [False, True])
def test_what_the_preoperator_has_done(load: Load, caplog: pytest.LogCaptureFixture, as_list: bool) -> None:
    script = [
        "DELETE FROM target WHERE n = -1",
        "/* the rest */ delete from target",
        "CREATE TABLE more (n int)",
    ]
    load.attempt(preoperator=script if as_list else ";\n".join(script))
    [ran] = load.told(PreoperatorRun)
    assert ran.statements == (("DELETE", 2), ("CREATE", None))
    told = lines(load, caplog)
    begun = told.index("Running the preoperator")
    assert told[begun + 1].startswith("The preoperator has run in 0.")
    assert told[begun + 1].endswith(" s: DELETE of 2 rows, CREATE")


def test_nothing_is_said_to_be_deleted_that_is_rolled_back(load: Load) -> None:
    with pytest.raises(CheckpointError):
        load.attempt(preoperator=["DELETE FROM target", "DELETE FROM nowhere"])
    assert load.told(PreoperatorRun) == []


def test_long_steps_are_named_when_they_begin(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    load.attempt(write_mode="replace_atomic", verify="count")
    told = lines(load, caplog)
    assert told.index("Verifying by count") + 1 == next(
        n for n, line in enumerate(told) if line.startswith("Verified by count")
    )
    assert told.index("Publishing 10 staged rows into target") + 1 == told.index(
        "Published 10 rows into target (2 rows before)"
    )


def test_a_failed_attempt_ends_with_what_is_committed_and_what_follows(
    load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    load.max_tries = 2
    assert load.attempt_batches(2)
    assert lines(load, caplog)[-1] == "Failed after 2 batches, 8 rows, n = 7; try 2 of 3 resumes there"
    load.events.clear()
    with pytest.raises(CheckpointError):
        load.attempt(destination_table="nowhere")
    assert lines(load, caplog)[-1].startswith(
        "Failed before its first batch; no retry cures this: once the cause"
    )
    load.events.clear()
    load.source.execute("INSERT INTO t VALUES (10, 'x')")
    assert load.attempt_batches(1)
    assert lines(load, caplog)[-1] == "Failed after 1 batch, 2 rows (10 of the load), n = 9; no retry is left"


def test_a_start_over_that_fails_has_no_position(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    empty = {"preoperator": "DELETE FROM target"}
    assert load.attempt_batches(2, **empty)
    load.clear()
    load.events.clear()
    load.destination.execute("DROP TABLE log")
    with pytest.raises(CheckpointError):
        load.attempt(preoperator=["DELETE FROM target", "DELETE FROM log"])
    assert lines(load, caplog)[-1] == "Failed before its first batch; try 3 of 5 starts from the beginning"


def failed(error: BaseException, **changes: Any) -> Failed:
    given = {"batches": 7, "rows": 140_000, "rows_total": 140_000, "place": "sale_id = 140000", "kept": True}
    return Failed(error, **{**given, "claimed": True, "try_number": 1, "tries": 2, **changes})


AFTER = "after 7 batches, 140,000 rows, sale_id = 140000"


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (failed(ConnectionLostError()), f"Failed {AFTER}; try 2 of 2 resumes there"),
        (failed(ConnectionLostError(), try_number=2), f"Failed {AFTER}; no retry is left"),
        (failed(ConnectionLostError(), kept=False), f"Failed {AFTER}; try 2 of 2 starts from the beginning"),
        (failed(SourceOrderError()), f"Failed {AFTER}; try 2 of 2 starts from the beginning"),
        (
            failed(ArgumentError()),
            f"Failed {AFTER}; no retry cures this: once the cause is gone, the next try resumes there",
        ),
        (failed(FencedError()), f"Ended {AFTER}"),
        (failed(StoppedError()), f"Stopped {AFTER}"),
        (
            failed(OSError(), batches=0, rows=0, claimed=False, place=""),
            "Failed before its first batch; try 2 of 2 begins as this one did",
        ),
        (
            failed(OSError(), batches=0, rows=0),
            "Failed before its first batch, sale_id = 140000; try 2 of 2 resumes there",
        ),
    ],
)
def test_what_follows_depends_on_the_error(
    event: Failed, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    ProgressLog(logging.getLogger("load"))(event)
    assert caplog.messages == [line]


def test_errors_after_which_airflow_does_not_retry(caplog: pytest.LogCaptureFixture) -> None:
    event: Event = failed(OSError())
    ProgressLog(logging.getLogger("load"), final=(OSError,))(event)
    assert caplog.messages == [f"Failed {AFTER}; no retry is left"]


def noted(load: Load) -> list[LoadFacts | None]:
    """Return the load facts that the history keeps of each attempt."""
    connection = load.destination.database("dst").open()
    try:
        entries = History(connection, Tables.named("airflow_checkpoint")).list(
            Identity("a_dag", "a_task", "run_1"), kinds=["opened"]
        )
    finally:
        connection.close()
    return [entry.facts for entry in entries]


def test_what_is_loaded_is_kept_in_the_history(load: Load) -> None:
    assert load.attempt_batches(1, write_mode="upsert")
    load.attempt(write_mode="upsert", batch_size=3)
    second, first = noted(load)
    assert first
    assert second
    assert (first.source_table, first.write_mode, first.batch_size) == ("t", "upsert", 4)
    assert (first.guarantee, bool(first.guarantee_reason)) == ("exactly-once", True)
    assert (bool(first.route), bool(first.route_reason)) == (True, True)
    assert second == replace(first, batch_size=3)


def test_an_attempt_that_has_nothing_to_do_adds_nothing(load: Load) -> None:
    load.attempt(write_mode="upsert")
    load.attempt(write_mode="upsert")
    assert len(noted(load)) == 1


def test_a_reconnect_adds_nothing(load: Load) -> None:
    lost = iter([True])

    def lose(rows: list[Any]) -> list[Any]:
        if next(lost, False):
            raise LostError("gone") from OSError("gone")
        return rows

    load.attempt(write_mode="upsert", rows_processor=lose)
    assert load.told(Reconnecting)
    assert len(noted(load)) == 1


def test_an_attempt_that_was_overtaken_adds_nothing(load: Load) -> None:
    transfer = load.transfer(write_mode="upsert")
    note = transfer._note

    def overtaken(*given: Any) -> None:
        load.attempt(write_mode="upsert", batch_size=3)
        note(*given)

    transfer._note = overtaken  # type: ignore[method-assign]
    with pytest.raises(FencedError):
        transfer.run()
    assert [facts.batch_size for facts in noted(load) if facts] == [3]
