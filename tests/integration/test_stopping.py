"""Airflow stops an attempt with SIGTERM: it ends at once, in good order."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.errors import StoppedError
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.operators import stopping
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from tests.databases import Db
from tests.operating import execute, operator


@pytest.fixture
def send_sigterm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[CheckpointedTransferOperator], None]]:
    """Sends the signal in a second and has it answered as Airflow does, but leaves this process alive."""
    monkeypatch.setattr(stopping, "_die", lambda: None)
    before = signal.getsignal(signal.SIGTERM)
    timer = threading.Timer(1, os.kill, (os.getpid(), signal.SIGTERM))

    def send(task: CheckpointedTransferOperator) -> None:
        signal.signal(signal.SIGTERM, lambda *_: task.on_kill())
        timer.start()

    yield send
    timer.cancel()
    signal.signal(signal.SIGTERM, before)


def slow(rows: list[Any], **_: Any) -> list[Any]:
    if rows[0][0] >= 600:
        time.sleep(30)
    return rows


def assert_stopped_at_once(task: CheckpointedTransferOperator) -> None:
    began = time.monotonic()
    with pytest.raises(StoppedError):
        execute(task)
    assert time.monotonic() - began < 5


def assert_kept(destination: Db, rows: int) -> None:
    stored = CheckpointHook("dst").get("a_dag", "copy", "run_1")
    assert stored
    assert (stored.status, stored.rows) == ("failed", rows)
    assert stored.last_error
    assert stored.last_error.startswith("Airflow stopped the task")
    assert destination.one("SELECT count(*) FROM target") == rows


def test_what_is_committed_stays_and_the_checkpoint_says_why(
    databases: tuple[Db, Db], send_sigterm: Callable[[CheckpointedTransferOperator], None]
) -> None:
    task = operator(rows_processor=slow)
    send_sigterm(task)
    assert_stopped_at_once(task)
    assert_kept(databases[1], rows=600)


@pytest.mark.parametrize("pair", ["postgres->sqlite", "postgres->postgres"], indirect=True)
@pytest.mark.parametrize("processor", [None, lambda rows, **_: rows])
def test_a_query_is_interrupted(
    databases: tuple[Db, Db], send_sigterm: Callable[[CheckpointedTransferOperator], None], processor: Any
) -> None:
    sql = "SELECT id, CASE WHEN id = 700 THEN pg_sleep(60)::text ELSE region END AS region FROM orders"
    task = operator(sql=sql, source_table=None, checkpoint_column="id", rows_processor=processor)
    send_sigterm(task)
    assert_stopped_at_once(task)
    assert_kept(databases[1], rows=0)


def test_a_task_that_does_not_transfer_is_not_disturbed() -> None:
    operator().on_kill()
