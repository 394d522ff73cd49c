"""Work that takes long in a database: bounded, and no reason to take the database for silent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import HTTPException

from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin import errands as module
from airflow_checkpoint_provider.plugin import replaying
from airflow_checkpoint_provider.plugin.errands import Errands, StillAtWorkError
from airflow_checkpoint_provider.plugin.reading import Reader
from tests.admin.test_replay import rejecting
from tests.support.airflow.clients.view_client import view
from tests.support.databases.fixtures import MakeDb

ONE, OTHER = Place("one"), Place("other")


class Held:
    """Work that ends when it is released."""

    def __init__(self, error: Exception | None = None) -> None:
        self.released, self.ended = threading.Event(), threading.Event()
        self._error = error

    def __call__(self, *_: Any, **__: Any) -> str:
        self.released.wait(60)
        self.ended.set()
        if self._error:
            raise self._error
        return "done"


@pytest.fixture
def held() -> Iterator[Callable[..., Held]]:
    made: list[Held] = []

    def make(error: Exception | None = None) -> Held:
        made.append(Held(error))
        return made[-1]

    yield make
    for one in made:
        one.released.set()


def test_the_result_or_the_error() -> None:
    errands = Errands()
    assert errands.do(ONE, lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        errands.do(ONE, lambda: 1 // 0)


def test_so_many_of_one_place_and_of_all(held: Callable[..., Held]) -> None:
    errands = Errands(patience=0.01, most=3, most_of_one=2)
    first = held()
    for place, work in ((ONE, first), (ONE, held())):
        with pytest.raises(StillAtWorkError):
            errands.do(place, work)
    with pytest.raises(HTTPException, match="503: Earlier requests are still at work in one") as refused:
        errands.do(ONE, held())
    assert refused.value.headers == {"Retry-After": "10"}
    with pytest.raises(StillAtWorkError):
        errands.do(OTHER, held())
    with pytest.raises(HTTPException):
        errands.do(Place("third"), held())
    first.released.set()
    done, deadline = None, threading.Event()
    for _ in range(600):
        try:
            done = errands.do(Place("third"), lambda: "done")
            break
        except (HTTPException, StillAtWorkError):
            deadline.wait(0.1)
    assert done == "done"


def test_an_error_after_the_answer_is_logged(
    held: Callable[..., Held], monkeypatch: pytest.MonkeyPatch
) -> None:
    told, logged = threading.Event(), []

    def error(text: str, *given: Any) -> None:
        logged.append(text % given)
        told.set()

    monkeypatch.setattr(module.log, "error", error)
    work = held(ValueError("too late"))
    with pytest.raises(StillAtWorkError):
        Errands(patience=0.01).do(ONE, work)
    work.released.set()
    assert told.wait(60)
    assert "A request to one has failed after its page was answered" in logged[0]
    assert "too late" in logged[0]


def test_a_slow_replay_makes_its_place_not_silent(
    make_db: MakeDb, held: Callable[..., Held], monkeypatch: pytest.MonkeyPatch
) -> None:
    load = rejecting(make_db)
    monkeypatch.setenv("AIRFLOW_CONN_DST", load.destination.uri)
    monkeypatch.setenv("AIRFLOW__CHECKPOINT__CONN_IDS", "dst")
    work, reader, errands = held(), Reader(), Errands(patience=0.01)
    monkeypatch.setattr(CheckpointHook, "replay_rejects", work)
    monkeypatch.setattr(replaying, "errands", lambda: errands)
    monkeypatch.setattr(replaying, "reader", lambda: reader)
    # As if it had begun long ago.
    monkeypatch.setattr("airflow_checkpoint_provider.plugin.reading._SLOW_S", -1.0)
    body = {
        "dag_id": "a_dag",
        "task_id": "a_task",
        "run_id": "run_1",
        "conn_id": "dst",
        "table": "airflow_checkpoint",
    }
    with view() as client:
        told = [
            client.post("/rejects/replay", json={**body, **one}).text
            for one in ({}, {"row": 1, "corrected": "{}"}, {})
        ]
    assert "It takes longer, and goes on." in told[0]
    assert "did not answer in time. Check the history whether it was done" in told[1]
    assert "Earlier requests are still at work" in told[2]
    assert not reader.ask([Place("dst")], lambda hook: hook.list()).troubles
