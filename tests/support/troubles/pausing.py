"""Pauses one thread at a chosen point while the test does something else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

PATIENCE = 60  # seconds; a longer wait fails the test


class Pause:
    """Pauses one caller until its release; later calls return at once."""

    def __init__(self, at: int = 1) -> None:
        """Pause the call of this number, counted from 1."""
        self.left = at
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.reached.set()
            assert self.go_on.wait(PATIENCE)

    @contextmanager
    def around(self, run: Callable[[], Any]) -> Iterator[Future[Any]]:
        """Run a function in a thread until it is paused, and release it at the end."""
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(run)
            assert self.reached.wait(PATIENCE), future.exception(0) if future.done() else "never reached"
            try:
                yield future
            finally:
                self.go_on.set()
