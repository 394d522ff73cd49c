"""Databases that do not answer delay no request for others."""

from __future__ import annotations

import asyncio
import re
import socket
import sqlite3
import threading
import time
from pathlib import Path
from unittest.mock import Mock

import pytest
from fastapi import HTTPException

from airflow_checkpoint_provider.engine.model.errors import NoAnswerError
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.desk import Desk
from airflow_checkpoint_provider.plugin.reading import Reader
from tests.support.databases.db import Db

GOOD, BAD = Place("good"), Place("bad")


def test_the_slow_one_is_left_out_and_not_asked_twice() -> None:
    released, asked = threading.Event(), []

    def question(hook: CheckpointHook) -> str:
        asked.append(hook.checkpoint_conn_id)
        if hook.checkpoint_conn_id == "bad":
            released.wait(10)
        return hook.checkpoint_conn_id

    reader = Reader(timeout=0.3)
    began = time.monotonic()
    answers = reader.ask([BAD, GOOD], question)
    assert time.monotonic() - began < 2
    assert answers.by_place == {GOOD: "good"}
    assert [(trouble.place, trouble.detail) for trouble in answers.troubles] == [
        (BAD, "It did not answer within 0.3 seconds.")
    ]
    again = reader.ask([BAD, GOOD], question)
    assert re.fullmatch(r"It has not answered since [-\d]+ [:\d]+ UTC\.", again.troubles[0].detail)
    assert asked.count("bad") == 1
    released.set()
    deadline = time.monotonic() + 5
    while (later := reader.ask([BAD], question)).troubles and time.monotonic() < deadline:
        time.sleep(0.01)
    assert later.by_place == {BAD: "bad"}


def test_an_unknown_connection_says_so() -> None:
    answers = Reader().ask([BAD], lambda hook: hook.list())
    assert "there is no Airflow connection 'bad'" in answers.troubles[0].detail


def test_what_has_no_table_yet_has_nothing_to_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sqlite3.connect(tmp_path / "empty.db").close()
    monkeypatch.setenv("AIRFLOW_CONN_GOOD", Db("sqlite", str(tmp_path / "empty.db")).uri)
    answers = Reader().ask([GOOD], lambda hook: hook.list())
    assert (answers.by_place, answers.troubles) == ({}, [])


def test_an_error_of_our_own_is_one_line_too() -> None:
    def question(hook: CheckpointHook) -> None:
        raise ZeroDivisionError("by zero")

    assert Reader().ask([GOOD], question).troubles[0].detail == "by zero"


def test_what_a_driver_has_given_up_is_silence() -> None:
    def question(hook: CheckpointHook) -> None:
        raise NoAnswerError("Connection 'good' did not answer in time: it was cut")

    (trouble,) = Reader().ask([GOOD], question).troubles
    assert trouble.silent
    assert trouble.detail == "Connection 'good' did not answer in time: it was cut"


def test_places_that_hang_hold_up_no_other_however_many() -> None:
    released = threading.Event()
    silent = [Place(f"silent_{n}") for n in range(40)]

    def question(hook: CheckpointHook) -> str:
        if hook.checkpoint_conn_id != "good":
            released.wait(30)
        return hook.checkpoint_conn_id

    reader = Reader(timeout=0.5)
    for _ in range(5):
        began = time.monotonic()
        answers = reader.ask([*silent, GOOD], question)
        assert answers.by_place == {GOOD: "good"}
        assert {trouble.place for trouble in answers.troubles} == set(silent)
    assert time.monotonic() - began < 0.3
    released.set()


def test_what_hung_is_asked_again_after_growing_pauses_by_few_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released, asked, now = threading.Event(), [], [0.0]
    monkeypatch.setattr("airflow_checkpoint_provider.plugin.silence.time", Mock(monotonic=lambda: now[0]))

    def question(hook: CheckpointHook) -> str:
        asked.append(now[0])
        released.wait(30)
        return "here"

    reader = Reader(timeout=0.1, probe=0.05)
    for second in range(100):
        now[0] = float(second)
        assert reader.ask([BAD], question).troubles
    assert asked == [0.0, 5.0, 15.0]
    released.set()
    deadline = time.monotonic() + 10
    while (
        threading.active_count() > 1
        and time.monotonic() < deadline
        and not reader.ask([BAD], question).by_place
    ):
        now[0] += 400
        time.sleep(0.05)
    assert reader.ask([BAD], lambda hook: "there").by_place == {BAD: "there"}


def test_a_refused_connection_says_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("AIRFLOW_CONN_BAD", f"postgres://ada:pa55word@127.0.0.1:{port}/db")
    began = time.monotonic()
    (trouble,) = Reader(timeout=30).ask([BAD], lambda hook: hook.list()).troubles
    assert time.monotonic() - began < 10
    assert "cannot be opened" in trouble.detail
    assert not trouble.silent


def test_only_a_few_requests_are_at_work() -> None:
    released, at_work, most = threading.Event(), [0], [0]
    lock = threading.Lock()

    def task() -> str:
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        released.wait(10)
        with lock:
            at_work[0] -= 1
        return "done"

    async def one(desk: Desk) -> str:
        try:
            return await desk.work(task)
        except HTTPException as refused:
            assert refused.headers
            return f"{refused.status_code} after {refused.headers['Retry-After']}"

    async def all_of_them() -> list[str]:
        desk = Desk(at_work=2, waiting=3, patience=0.5)
        threading.Timer(1.5, released.set).start()
        first = await asyncio.gather(*(one(desk) for _ in range(20)))
        return [*first, await one(desk)]

    answers = asyncio.run(all_of_them())
    assert answers.count("done") == 3
    assert answers.count("503 after 2") == 18
    assert answers[-1] == "done"
    assert most == [2]
