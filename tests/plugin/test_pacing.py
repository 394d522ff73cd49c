"""While requests queue, the view takes a share of the processor alone."""

from __future__ import annotations

import asyncio
import threading
from unittest.mock import Mock

import pytest

from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin import desk as desk_module
from airflow_checkpoint_provider.plugin import reading
from airflow_checkpoint_provider.plugin.desk import Desk
from airflow_checkpoint_provider.plugin.pacing import Pace
from airflow_checkpoint_provider.plugin.reading import Reader


def test_work_takes_its_share_in_the_long_run() -> None:
    now = [0.0]
    pace = Pace(share=0.25, burst=0.5, clock=lambda: now[0])
    worked = 0.0
    for _ in range(1_000):
        now[0] += pace.rest()
        pace.spend(0.05)
        worked += 0.05
        now[0] += 0.05
    assert worked / now[0] == pytest.approx(0.25, abs=0.03)


def test_a_burst_needs_no_rest_and_debts_end() -> None:
    now = [0.0]
    pace = Pace(share=0.25, burst=0.5, clock=lambda: now[0])
    for _ in range(10):
        assert pace.rest() == 0
        pace.spend(0.05)
    pace.spend(0.05)
    assert pace.rest() == pytest.approx(0.2)
    pace.spend(1_000)
    assert pace.rest() == 1
    now[0] = 60.0
    assert pace.rest() == 0


def test_the_processor_time_of_a_thread_is_counted() -> None:
    pace = Mock(wraps=Pace())
    with Pace.measured(pace):
        sum(range(200_000))
    assert 0 < pace.spend.call_args.args[0] < 60


def test_a_request_rests_only_where_others_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    rested: list[float] = []
    monkeypatch.setattr(desk_module, "time", Mock(sleep=rested.append))
    pace = Pace()
    monkeypatch.setattr(pace, "rest", lambda: 0.25)
    desk = Desk(at_work=1, pace=pace)

    async def alone() -> None:
        for _ in range(5):
            await desk.work(lambda: None)

    async def together() -> None:
        await asyncio.gather(*(desk.work(lambda: None) for _ in range(5)))

    asyncio.run(alone())
    assert rested == []
    asyncio.run(together())
    assert rested
    assert set(rested) == {0.25}


def test_the_threads_of_the_databases_count(monkeypatch: pytest.MonkeyPatch) -> None:
    spent: list[str] = []
    pace = Pace()
    monkeypatch.setattr(pace, "spend", lambda seconds: spent.append(threading.current_thread().name))
    monkeypatch.setattr(reading, "PACE", pace)
    Reader().ask([Place("one")], lambda hook: None)
    assert spent == ["checkpoint-view-one"]
