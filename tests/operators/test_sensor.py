"""The sensor and its trigger on real tables, through an Airflow connection."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import (
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    CheckpointError,
    ConnectionLostError,
    LoadFailedError,
    LoadStalledError,
)
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.sensors.checkpoint import CheckpointSensor
from airflow_checkpoint_provider.triggers.checkpoint import CheckpointTrigger
from tests.support.airflow.operating import context
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.numbers import numbers

COMPLETE = {"status": "completed", "run_id": "run_1", "rows": 10, "checkpoint": {"n": 9}}


@pytest.fixture
def load(hook: CheckpointHook, destination: Db, make_db: MakeDb) -> Load:
    return numbers(make_db("sqlite", "source"), destination, declared="n integer", write_mode="replace")


def sensor(**changes: Any) -> CheckpointSensor:
    arguments: dict[str, Any] = {
        "task_id": "wait",
        "checkpoint_conn_id": "target",
        "external_task_id": "a_task",
        "poke_interval": 0.05,
        "timeout": 20,
        "deferrable": False,
    }
    return CheckpointSensor(**{**arguments, **changes})


def wait(task: CheckpointSensor) -> Any:
    return task.execute(context(task_id="wait"))  # type: ignore[arg-type]


def defer(task: CheckpointSensor) -> CheckpointTrigger:
    """Begin to wait, and build the trigger as a triggerer does: from its serialized form."""
    with pytest.raises(TaskDeferred) as deferred:
        wait(task)
    assert deferred.value.method_name == "execute_complete"
    assert deferred.value.timeout == timedelta(seconds=task.timeout)
    path, arguments = deferred.value.trigger.serialize()
    assert path == "airflow_checkpoint_provider.triggers.checkpoint.CheckpointTrigger"
    return CheckpointTrigger(**json.loads(json.dumps(arguments)))


async def first_event(trigger: CheckpointTrigger) -> Any:
    async for event in trigger.run():
        return event.payload
    raise AssertionError("the trigger ended without an event")


def outcome(task: CheckpointSensor, trigger: CheckpointTrigger | None) -> Any:
    """Wait in this process, or with a trigger, and return the result."""
    return complete(task, asyncio.run(first_event(trigger))) if trigger else wait(task)


def complete(task: CheckpointSensor, event: Any) -> Any:
    return task.execute_complete(context(), event)  # type: ignore[arg-type]


def later(*actions: Any) -> threading.Thread:
    def run() -> None:
        for action in actions:
            time.sleep(0.3)
            action()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_poke_waits_for_what_is_not_there_yet(load: Load) -> None:
    thread = later(lambda: load.attempt_batches(1), load.attempt)
    assert wait(sensor(on_failed="wait")) == COMPLETE
    thread.join()


def test_reschedule_gives_the_slot_back(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    where = context(task_id="wait")
    monkeypatch.setattr(type(where["ti"]), "get_first_reschedule_date", lambda ti, c: None, raising=False)
    for ready in (False, True):
        if ready:
            load.attempt()
            assert sensor(mode="reschedule").execute(where) == COMPLETE  # type: ignore[arg-type]
        else:
            with pytest.raises(AirflowRescheduleException):
                sensor(mode="reschedule").execute(where)  # type: ignore[arg-type]


def test_deferred_it_waits_in_the_triggerer(load: Load) -> None:
    task = sensor(deferrable=True, on_failed="wait")
    trigger = defer(task)
    thread = later(lambda: load.attempt_batches(1), load.attempt)
    event = asyncio.run(first_event(trigger))
    thread.join()
    assert complete(task, event) == COMPLETE
    assert wait(sensor(deferrable=True)) == COMPLETE  # a condition already met is not deferred


def test_a_trigger_that_is_taken_over_goes_on(load: Load) -> None:
    trigger = defer(sensor(deferrable=True, on_failed="wait"))

    async def cut_off() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(first_event(trigger), 0.5)

    asyncio.run(cut_off())
    _, arguments = trigger.serialize()
    load.attempt()
    assert asyncio.run(first_event(CheckpointTrigger(**arguments)))["status"] == "success"


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ({"min_rows": "4"}, [False, True, True]),
        ({"min_rows": 8}, [False, False, True]),
        ({"value": 3}, [False, True, True]),
        ({"value": ["4"]}, [False, False, True]),
        ({}, [False, False, False]),
    ],
)
def test_progress_is_waited_for(load: Load, goal: dict[str, Any], expected: list[bool]) -> None:
    seen: list[bool] = []

    def look(batch: list[Any]) -> list[Any]:
        seen.append(bool(sensor(**goal).poke(context())))  # type: ignore[arg-type]
        return batch

    # The sensor checks before each of the three batches of 4, 4 and 2 rows.
    load.attempt(rows_processor=look)
    assert seen == expected


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_failed_load_fails_the_sensor(load: Load, deferrable: bool) -> None:
    trigger = defer(sensor(deferrable=True)) if deferrable else None
    load.attempt_batches(1)
    with pytest.raises(LoadFailedError, match=r"failed in attempt 1 \(n = 3, 4 rows committed\): CrashError"):
        outcome(sensor(), trigger)


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_stalled_load_fails_the_sensor(load: Load, deferrable: bool) -> None:
    trigger = defer(sensor(deferrable=True, stalled_after=timedelta(minutes=5))) if deferrable else None
    load.attempt_batches(1)
    load.destination.execute(
        "UPDATE airflow_checkpoint SET status = 'running', updated_at = '2026-01-01 00:00:00.000000', committed_at = '2026-01-01 00:00:00.000000'"
    )
    with pytest.raises(
        LoadStalledError, match=r"stalled: running, and nothing committed for \d+ days \(stalled_after=300"
    ):
        outcome(sensor(stalled_after=300), trigger)


@pytest.mark.parametrize("softly", ["soft_fail", "never_fail"])
def test_soft_failures_skip(load: Load, softly: str) -> None:
    task = sensor(**{softly: True})
    load.attempt_batches(1)
    with pytest.raises(AirflowSkipException):
        wait(task)
    for status in ("failed", "stalled", "error"):
        with pytest.raises(AirflowSkipException, match="a reason"):
            complete(task, {"status": status, "message": "a reason"})


def test_it_times_out(load: Load) -> None:
    with pytest.raises(AirflowSensorTimeout):
        wait(sensor(timeout=0.1))


def test_which_checkpoint_is_meant(load: Load) -> None:
    load.attempt(scope="task", write_mode="append")
    assert wait(sensor(scope="task")) == COMPLETE
    assert wait(sensor(scope="task", external_dag_id="a_dag", external_run_id="run_1")) == COMPLETE
    for other in (
        {},
        {"scope": "task", "external_run_id": "run_2"},
        {"scope": "task", "external_map_index": 3},
        {"external_dag_id": "b_dag", "external_run_id": "run_1"},
    ):
        with pytest.raises(AirflowSensorTimeout):
            wait(sensor(timeout=0, **other))
    with pytest.raises(ArgumentError, match="external_run_id: b_dag is another DAG; name its run"):
        wait(sensor(external_dag_id="b_dag"))


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"scope": "all"}, "scope: 'all' is not 'run' or 'task'"),
        ({"on_failed": "ignore"}, "on_failed: 'ignore' is not 'fail' or 'wait'"),
        ({"min_rows": "many"}, "min_rows: 'many' is not a whole number"),
        ({"min_rows": "9" * 10_000}, "min_rows: '9{38,}.* is not a whole number"),
        ({"min_rows": 2**63}, "min_rows: 9223372036854775808 is not a whole number from 0 to"),
        ({"min_rows": -1}, "min_rows: -1 is not a whole number from 0 to"),
        ({"min_rows": True}, "min_rows: True is not a whole number"),
        ({"value": 10**5_000}, "value: a int of too many digits is more than a position can reach"),
        ({"value": "x" * 60_000}, "value: it has more than 50,000 characters"),
        ({"checkpoint_conn_id": "x" * 251}, "checkpoint_conn_id: .* is not text of at most 250 characters"),
        ({"checkpoint_conn_id": "nix"}, "checkpoint_conn_id: there is no Airflow connection 'nix'"),
    ],
)
def test_wrong_arguments(load: Load, argument: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        wait(sensor(**argument))


def test_a_database_that_comes_back_is_waited_for(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    load.attempt()
    monkeypatch.setenv("AIRFLOW_CONN_TARGET", "postgres://nobody@localhost:1/nothing")
    task = sensor(deferrable=True, max_reconnects=1000)
    trigger = defer(task)
    thread = later(lambda: monkeypatch.setenv("AIRFLOW_CONN_TARGET", load.destination.uri))
    assert complete(task, asyncio.run(first_event(trigger))) == COMPLETE
    thread.join()


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_database_that_stays_away_is_an_error(
    hook: CheckpointHook, monkeypatch: pytest.MonkeyPatch, deferrable: bool
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_TARGET", "postgres://nobody@localhost:1/nothing")
    message = (
        r"could not be read 3 times in a row \(max_reconnects=2\); the last time: Connection 'target' cannot"
    )
    if deferrable:
        with pytest.raises(CheckpointError, match=message):
            complete(sensor(), asyncio.run(first_event(defer(sensor(deferrable=True, max_reconnects=2)))))
    else:
        with pytest.raises(ConnectionLostError, match=message):
            wait(sensor(max_reconnects=2))


def test_a_database_that_hangs_does_not_block_the_loop(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    load.attempt_batches(1)
    hung, release = [], threading.Event()

    def hang(self: CheckpointHook, *key: Any) -> None:
        hung.append(key)
        release.wait(30)

    monkeypatch.setattr(CheckpointHook, "get", hang)
    trigger = CheckpointTrigger(
        checkpoint_conn_id="target",
        dag_id="a_dag",
        task_id="a_task",
        poll_interval=0.05,
        poll_timeout=0.2,
        max_reconnects=2,
    )

    async def run() -> tuple[Any, int]:
        beats = 0

        async def beat() -> None:
            nonlocal beats
            while True:
                await asyncio.sleep(0.01)
                beats += 1

        heart = asyncio.create_task(beat())
        event = await first_event(trigger)
        heart.cancel()
        release.set()
        return event, beats

    event, beats = asyncio.run(run())
    assert event["status"] == "error"
    assert (
        "3 times in a row (max_reconnects=2); the last time: the database has not answered for 0.2"
        in event["message"]
    )
    assert beats > 30
    assert len(hung) == 1  # at most one thread
