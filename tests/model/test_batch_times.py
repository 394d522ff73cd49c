"""Batch times: measured by phase, added up in little space, read back."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.events import batch_times
from airflow_checkpoint_provider.engine.model.events.batch_times import (
    COMMITTING,
    WRITING,
    BatchTimes,
    Stopwatch,
)


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(batch_times, "time", clock)
    return clock


def batch(clock: Clock, watch: Stopwatch, *seconds: float, upto: str = "n = 1") -> None:
    """Measure a batch that reads, processes, writes and commits for some seconds each."""

    def source() -> Any:
        clock.now += seconds[0]
        yield 1

    clock.now += 50  # between batches
    watch.begin()
    for _ in watch.reading(source()):
        clock.now += seconds[1]
    watch.enter(WRITING)
    clock.now += seconds[2]
    watch.enter(COMMITTING)
    clock.now += seconds[3]
    watch.committed(lambda: ("before", upto))


def test_the_time_of_each_phase_and_none_between_batches(clock: Clock) -> None:
    watch = Stopwatch()
    batch(clock, watch, 1, 2, 3, 4)
    batch(clock, watch, 10, 0, 20, 0, upto="n = 9")
    batch(clock, watch, 1, 0, 0, 0)
    times = watch.times
    assert times.spent == pytest.approx((12, 2, 23, 4))
    assert times.shares["writing"] == pytest.approx(23 / 41)
    assert (times.batches, times.slowest, times.upto) == (3, pytest.approx(30), "n = 9")
    assert times.quantile(0.5) == pytest.approx(10, rel=0.1)
    assert times.quantile(0.95) == pytest.approx(30)
    assert times.quantile(0.0) > 0


def test_durations_of_many_batches_take_little_space(clock: Clock) -> None:
    watch = Stopwatch()
    for n in range(1, 1001):
        batch(clock, watch, 0, 0, n / 100, 0)
    assert watch.times.quantile(0.5) == pytest.approx(5, rel=0.1)
    assert watch.times.quantile(0.95) == pytest.approx(9.5, rel=0.1)
    assert len(watch.times.as_text()) < 1_000


def test_they_are_read_as_they_were_written(clock: Clock) -> None:
    watch = Stopwatch()
    batch(clock, watch, 1, 2, 3, 4, upto="n = 'ä'")
    text = watch.unsaid
    assert BatchTimes.of_text(text) == watch.times
    assert watch.unsaid is None  # nothing since then
    batch(clock, watch, 1, 2, 3, 4)
    assert watch.unsaid


def test_attempts_are_added_up() -> None:
    one = BatchTimes((1.0, 0.0, 2.0, 0.0), batch_times.Counter({3: 2}), 2.0, "a", "b")
    other = BatchTimes((1.0, 1.0, 0.0, 0.0), batch_times.Counter({3: 1, 5: 1}), 5.0, "c", "d")
    both = one + other
    assert (both.spent, both.batches, both.buckets[3]) == ((2.0, 1.0, 2.0, 0.0), 4, 3)
    assert (both.slowest, both.after, both.upto) == (5.0, "c", "d")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "no json",
        "[]",
        "{}",
        '{"spent":[1,2,3],"batches":{},"slowest":1}',
        '{"spent":[1,2,3,-1],"batches":{},"slowest":1}',
        '{"spent":[1,2,3,1e400],"batches":{},"slowest":1}',
        '{"spent":[1,2,3,4],"batches":{"x":1},"slowest":1}',
        '{"spent":[1,2,3,4],"batches":{"9999":1},"slowest":1}',
        '{"spent":[1,2,3,4],"batches":{"1":-1},"slowest":1}',
        '{"spent":[1,2,3,4],"batches":[],"slowest":1}',
        '{"spent":"abcd","batches":{},"slowest":1}',
    ],
)
def test_what_is_damaged_or_of_an_earlier_version_is_nothing(text: str | None) -> None:
    assert BatchTimes.of_text(text) is None


def test_without_a_batch_there_are_no_shares() -> None:
    assert BatchTimes().shares == {}
    assert BatchTimes().quantile(0.5) == 0.0
