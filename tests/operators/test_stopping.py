"""Airflow stops an attempt with SIGTERM: the attempt ends at once, and records its failure."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from airflow_checkpoint_provider.engine.model.errors import StoppedError
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.operators import stopping
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from tests.support.airflow.operating import execute, operator
from tests.support.databases.db import Db

SendSigterm = Callable[[CheckpointedTransferOperator, Db], None]


@pytest.fixture
def send_sigterm(monkeypatch: pytest.MonkeyPatch) -> Iterator[SendSigterm]:
    """Send the signal once the load reads, and handle it as Airflow does, but keep this process alive."""
    monkeypatch.setattr(stopping, "end_by_signal", lambda: None)
    before = signal.getsignal(signal.SIGTERM)
    over = threading.Event()

    def send(task: CheckpointedTransferOperator, destination: Db) -> None:
        signal.signal(signal.SIGTERM, lambda *_: task.on_kill())

        def wait_and_send() -> None:
            while not over.wait(0.05):
                with suppress(sqlite3.Error, psycopg.Error):  # the table may not exist yet
                    if destination.one("SELECT count(*) FROM airflow_checkpoint"):
                        break
            if not over.wait(1):
                os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=wait_and_send, daemon=True).start()

    yield send
    over.set()
    signal.signal(signal.SIGTERM, before)


def slow(rows: list[Any], **_: Any) -> list[Any]:
    if rows[0][0] >= 600:
        time.sleep(30)
    return rows


def assert_stopped_at_once(task: CheckpointedTransferOperator) -> None:
    began = time.monotonic()
    with pytest.raises(StoppedError):
        execute(task)
    assert time.monotonic() - began < 20


def assert_kept(destination: Db, rows: int) -> None:
    stored = CheckpointHook("dst").get("a_dag", "copy", "run_1")
    assert stored
    assert (stored.status, stored.rows) == ("failed", rows)
    assert stored.last_error
    assert stored.last_error.startswith("Airflow stopped the task")
    assert destination.one("SELECT count(*) FROM target") == rows


@pytest.mark.parametrize(
    "pair", ["sqlite->sqlite", "sqlite->postgres", "postgres->sqlite", "postgres->postgres"], indirect=True
)  # these pairs are enough: the database does not matter here
def test_what_is_committed_stays_and_the_checkpoint_says_why(
    databases: tuple[Db, Db], send_sigterm: SendSigterm
) -> None:
    task = operator(rows_processor=slow)
    send_sigterm(task, databases[1])
    assert_stopped_at_once(task)
    assert_kept(databases[1], rows=600)


@pytest.mark.parametrize("pair", ["postgres->sqlite", "postgres->postgres"], indirect=True)
@pytest.mark.parametrize("processor", [None, lambda rows, **_: rows])
def test_a_query_is_interrupted(databases: tuple[Db, Db], send_sigterm: SendSigterm, processor: Any) -> None:
    sql = "SELECT id, CASE WHEN id = 700 THEN pg_sleep(60)::text ELSE region END AS region FROM orders"
    task = operator(sql=sql, source_table=None, checkpoint_column="id", rows_processor=processor)
    send_sigterm(task, databases[1])
    assert_stopped_at_once(task)
    assert_kept(databases[1], rows=0)


def test_a_task_that_does_not_transfer_is_not_disturbed() -> None:
    operator().on_kill()
