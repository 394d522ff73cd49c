"""Databases that do not answer hold up nobody."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.plugin.reading import Reader
from airflow_checkpoint_provider.plugin.transfers import Place
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
    assert [trouble.detail for trouble in again.troubles] == [
        "It has not answered yet since it was last asked."
    ]
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
