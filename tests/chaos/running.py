"""A running attempt, in a process that can be killed or frozen."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.chaos import attempt
from tests.chaos.cases import PATHS, Case

# Fork from a process that has imported Airflow and has never opened a connection.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([attempt.__name__])


class Running:
    """
    A process that executes the operator.

    :param line: the prefix of the connections: ``chaos`` or, through proxies, ``broken``
    """

    def __init__(
        self, case: Case, run_id: str, number: int, *, batch_size: int, line: str, log: Path
    ) -> None:
        self.number = number
        self._shared = _CONTEXT.Array("i", 2, lock=False)
        arguments = case.arguments(batch_size, line)
        self._process: Any = _CONTEXT.Process(
            target=attempt.run,
            args=(arguments, run_id, number, self._shared, PATHS[case.path], str(log)),
            daemon=True,
        )

    def __enter__(self) -> Running:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def state(self) -> int:
        return int(self._shared[0])

    @property
    def reconnects(self) -> int:
        return int(self._shared[1])

    @property
    def copies(self) -> bool:
        return self.is_alive and self.state == attempt.COPYING

    @property
    def is_alive(self) -> bool:
        return bool(self._process.is_alive())

    def wait_until_it_copies(self) -> None:
        while self.is_alive and self.state == attempt.STARTING:
            time.sleep(0.001)

    def wait(self, seconds: float) -> bool:
        """Wait for the end, and return whether it came."""
        self._process.join(seconds)
        return not self.is_alive

    def kill(self) -> bool:
        """Kill the process, and return whether it was still running."""
        self._process.kill()
        self._process.join()
        return bool(self._process.exitcode == -signal.SIGKILL)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # it may end at any moment
            if self.is_alive:
                os.kill(self._process.pid, number)
