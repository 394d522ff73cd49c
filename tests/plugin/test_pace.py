"""Progress, speed and remaining time, and their display."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from airflow_checkpoint_provider.engine.model.key import Unreadable
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.plugin.display.pace import Pace, pace
from airflow_checkpoint_provider.plugin.display.words import ago, duration, number, percent, position, short
from tests.support.plugin_events import after, checkpoint, told


def test_half_done_at_fifty_rows_a_second() -> None:
    (started,) = told(("started", 0, 9999, 1))  # earlier rows do not count for this load
    assert pace(checkpoint(), started, after(10)) == Pace(share=0.5, rate=50.0, left=10.0)


def test_the_speed_is_the_latest() -> None:
    (sample,) = told(("progress", 8, 100, 1))
    assert pace(checkpoint(), sample, after(11)).rate == 200


def test_a_standstill_becomes_slower() -> None:
    (started,) = told(("started", 0, 0, 1))
    rates = [pace(checkpoint(), started, after(seconds)).rate for seconds in (15, 30, 60, 600)]
    assert rates[0] == 50
    assert rates == sorted(rates, reverse=True)
    assert rates[3] == pytest.approx(500 / 590)


def test_what_cannot_be_known_is_not_said() -> None:
    (started,) = told(("started", 0, 0, 1))
    text = checkpoint(lower=("a",), upper=("z",), position=Position(("k",), 500))
    assert pace(text, started, after(10)) == Pace(rate=50.0)
    assert pace(checkpoint(), None, after(10)) == Pace(share=0.5)
    assert pace(checkpoint(status="failed"), started, after(10)) == Pace(share=0.5)


def test_completed_is_all_of_it() -> None:
    assert pace(checkpoint(status="completed", upper=None), None, after(10)).share == 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.44, "0.4 s"), (9.96, "10 s"), (59.6, "1 min"), (60, "1 min"), (61, "1 min 1 s"),
     (3600, "1 h"), (3660, "1 h 1 min"), (90_000, "1 d 1 h"), (-5, "0 s")],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "now"),
        (-3, "now"),
        (12, "12 s ago"),
        (119, "2 min ago"),
        (7200, "2 h ago"),
        (86400 * 3, "3 d ago"),
    ],
)
def test_times_ago(seconds: float, text: str) -> None:
    assert ago(after(0), after(seconds)) == text


def test_numbers() -> None:
    assert (number(1234567), number(None), short(0), short(999), short(1500), short(2e6)) == (
        "1,234,567", "", "0", "999", "1.5K", "2M",
    )  # fmt: skip
    assert (percent(0.9999), percent(1), percent(0.416), percent(None)) == ("99.9%", "100%", "41.6%", "")


def test_positions() -> None:
    assert position(checkpoint(position=Position((Decimal("1.50"),), 5))) == "id = 1.50"
    assert position(checkpoint(position=Position(None, 1200), key_columns=())) == "row 1,200"
    assert position(checkpoint(position=Position(None, 0), batches=0)) == "at the beginning"
    assert position(checkpoint(position=Position((Unreadable("{broken"),), 5))) == "unreadable: {broken"
