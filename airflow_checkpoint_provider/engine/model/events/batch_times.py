"""How long batches take, and what the time goes into; added up in a form that is small enough for history entries."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from airflow_checkpoint_provider.engine.model.stored_text import json_of

T = TypeVar("T")

READING, PROCESSING, WRITING, COMMITTING = range(4)
"""What a batch waits for: the source, Python, the destination, and the commit with its checkpoint."""
PHASES = ("reading", "processing", "writing", "committing")

_STEP = math.log(1.1)  # durations in one bucket differ by a tenth at most
_LONGEST_KEY = 200
_MOST_BUCKETS = 400


@dataclass(frozen=True, slots=True)
class BatchTimes:
    """
    The batches of an attempt so far.

    :param spent: seconds of each of ``PHASES``
    :param buckets: number of batches by the logarithm of their duration
    :param slowest: seconds of the slowest batch
    :param after: the position before it, in words
    :param upto: the position after it
    """

    spent: tuple[float, ...] = (0.0,) * len(PHASES)
    buckets: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    after: str = ""
    upto: str = ""

    @property
    def batches(self) -> int:
        """Their number."""
        return self.buckets.total()

    @property
    def shares(self) -> dict[str, float]:
        """The share of each phase in the time of all; empty where nothing was measured."""
        whole = sum(self.spent)
        return {name: spent / whole for name, spent in zip(PHASES, self.spent, strict=True)} if whole else {}

    def quantile(self, share: float) -> float:
        """Return the duration in seconds that a share of the batches does not exceed, to within a tenth."""
        left = math.ceil(share * self.batches)
        for bucket in sorted(self.buckets):
            left -= self.buckets[bucket]
            if left <= 0:
                return min(math.exp(bucket * _STEP), self.slowest)
        return self.slowest

    def __add__(self, other: BatchTimes) -> BatchTimes:
        """Add those of another attempt."""
        slower = max(self, other, key=lambda times: times.slowest)
        return replace(
            slower,
            spent=tuple(one + more for one, more in zip(self.spent, other.spent, strict=True)),
            buckets=self.buckets + other.buckets,
        )

    def as_words(self) -> str:
        """Return them on one line."""
        shares = ", ".join(f"{name} {share:.0%}" for name, share in self.shares.items())
        where = f" ({self.after} to {self.upto})" if self.upto else ""
        return (
            f"{self.batches:,} batches: p50 {self.quantile(0.5):.2f} s, p95 {self.quantile(0.95):.2f} s, "
            f"slowest {self.slowest:.2f} s{where}; {shares}"
        )

    def as_text(self) -> str:
        """Return the form for a history entry."""
        kept: dict[str, Any] = {
            "spent": [round(seconds, 3) for seconds in self.spent],
            "batches": {str(bucket): number for bucket, number in sorted(self.buckets.items())},
            "slowest": round(self.slowest, 3),
        }
        if self.upto:
            kept |= {"after": self.after[:_LONGEST_KEY], "upto": self.upto[:_LONGEST_KEY]}
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def of_text(cls, text: str | None) -> BatchTimes | None:
        """Read the output of :meth:`as_text`; return ``None`` where there is none, or it is damaged."""
        try:
            stored: Any = json_of(text or "")
            spent = tuple(float(seconds) for seconds in stored["spent"])
            buckets = Counter({int(bucket): int(number) for bucket, number in stored["batches"].items()})
            times = cls(
                spent,
                buckets,
                float(stored["slowest"]),
                str(stored.get("after", "")),
                str(stored.get("upto", "")),
            )
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            return None
        numbers = (*spent, times.slowest, *buckets.values())
        fine = all(math.isfinite(number) and number >= 0 for number in numbers) and all(
            abs(bucket) < _MOST_BUCKETS for bucket in buckets
        )
        return times if fine and len(spent) == len(PHASES) else None


class Stopwatch:
    """
    Measures the batches of an attempt by the monotonic clock: a few calls for each block of rows.

    The time of a batch belongs to one phase at a time, the last one that was entered.
    """

    def __init__(self) -> None:
        self.times = BatchTimes()
        self._spent = [0.0] * len(PHASES)
        self._phase = PROCESSING
        self._since = time.perf_counter()
        self._noted = 0

    def enter(self, phase: int) -> int:
        """Begin a phase, and return the one that it ends."""
        now, before = time.perf_counter(), self._phase
        self._spent[before] += now - self._since
        self._since, self._phase = now, phase
        return before

    def reading(self, blocks: Iterable[T]) -> Iterator[T]:
        """Yield what a source returns, and count the time until it does as reading."""
        source = iter(blocks)
        while True:
            before = self.enter(READING)
            try:
                block = next(source)
            except StopIteration:
                return
            finally:
                self.enter(before)
            yield block

    def begin(self) -> None:
        """Begin a batch."""
        self._spent = [0.0] * len(PHASES)
        self._since, self._phase = time.perf_counter(), PROCESSING

    def committed(self, between: Callable[[], tuple[str, str]]) -> None:
        """
        End a batch.

        :param between: returns the positions before and after it, in words; called for the slowest batch only
        """
        self.enter(PROCESSING)
        seconds, times = sum(self._spent), self.times
        times.buckets[math.ceil(math.log(max(seconds, 1e-6)) / _STEP)] += 1
        spent = tuple(one + more for one, more in zip(times.spent, self._spent, strict=True))
        if seconds > times.slowest:
            after, upto = between()
            self.times = BatchTimes(spent, times.buckets, seconds, after, upto)
        else:
            self.times = replace(times, spent=spent)

    @property
    def unsaid(self) -> str | None:
        """The times as text, where a batch was committed since this was read last."""
        if self.times.batches == self._noted:
            return None
        self._noted = self.times.batches
        return self.times.as_text()
