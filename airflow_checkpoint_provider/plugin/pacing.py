"""A share of the processor for the view while requests queue: Airflow's own routes are served by the same process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SHARE = 0.25
"""Of one processor core; more where requests are heavy, because the pause before the next is limited."""
BURST_S = 0.5
"""Seconds of processor time that work may take before it is paced."""
_LONGEST_S = 1.0  # of a pause, so that a page is answered


class Pace:
    """
    Spreads work over time by the processor time that it takes, in all of its threads.

    :param share: the share of one core that work takes in the long run, unless what ends at one time has taken more
        than that share of the longest pause
    :param burst: seconds of processor time that it may take before
    """

    def __init__(
        self, share: float = SHARE, burst: float = BURST_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._share = share
        self._burst = burst / share
        self._clock = clock
        self._lock = threading.Lock()
        self._paid_until = -float("inf")

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Count the processor time that this thread takes meanwhile."""
        began = time.thread_time()
        try:
            yield
        finally:
            self.spend(time.thread_time() - began)

    def spend(self, seconds: float) -> None:
        """Count processor time."""
        with self._lock:
            now = self._clock()
            paid = max(self._paid_until, now - self._burst) + seconds / self._share
            self._paid_until = min(paid, now + _LONGEST_S)

    def rest(self) -> float:
        """Return the seconds after which further work may begin."""
        with self._lock:
            return max(self._paid_until - self._clock(), 0.0)


PACE = Pace()
"""The pace of all requests to the view in this process."""
