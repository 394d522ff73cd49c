"""Ending an attempt that Airflow stops from outside."""

from __future__ import annotations

import os
import signal
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_checkpoint_provider.engine.model.errors import StoppedError

if TYPE_CHECKING:
    from airflow.sdk.types import Logger

    from airflow_checkpoint_provider.engine.transfer.result import Result
    from airflow_checkpoint_provider.engine.transfer.transfer import Transfer


# Cleaning up takes milliseconds, unless a database does not answer.
_AFTER_SIGTERM_S = 2.0  # Airflow kills the task after five
_AFTER_TIMEOUT_S = 10.0
_HOPELESS_S = 10.0  # after these


class Stopping:
    """
    Ends a transfer on SIGTERM: at once, with its last batch rolled back and the reason in the checkpoint.

    Airflow sends the signal when the task is cleared, marked as failed or succeeded, declared dead, or when its worker
    shuts down, and answers it by calling ``on_kill`` in the thread that executes the task.
    """

    def __init__(self) -> None:
        self._transfer: Transfer | None = None
        self._timers: list[threading.Timer] = []

    def stop(self) -> None:
        """
        Interrupt the transfer, if one is running in this thread.

        :raises StoppedError: to end the transfer
        """
        if self._transfer:
            self._limit(self._transfer, _AFTER_SIGTERM_S)
            self._transfer = None
            raise StoppedError(
                "Airflow stopped the task: it was cleared, marked, taken for lost, or its worker shuts down"
            )

    def run(self, transfer: Transfer, log: Logger, execution_timeout: timedelta | None = None) -> Result:
        """
        Run a transfer that can be interrupted; after SIGTERM, the process ends as well.

        :param execution_timeout: the time after which Airflow raises its timeout, and the transfer should end soon
        """
        self._transfer = transfer
        # Airflow can raise its timeout in the main thread only.
        if execution_timeout and threading.current_thread() is threading.main_thread():
            self._limit(transfer, execution_timeout.total_seconds() + _AFTER_TIMEOUT_S)
        try:
            return transfer.run()
        except StoppedError as stopped:
            log.warning(
                "%s. The last batch is rolled back; the checkpoint stands where it was committed.", stopped
            )
            end_by_signal()
            raise
        finally:
            self._transfer = None
            for timer in self._timers:
                timer.cancel()
            self._timers.clear()

    def _limit(self, transfer: Transfer, seconds: float) -> None:
        """Make sure that a transfer that was asked to end does so, even where a database does not answer any more."""
        for after, act in ((seconds, transfer.abandon), (seconds + _HOPELESS_S, _vanish)):
            timer = threading.Timer(after, act)
            timer.daemon = True
            timer.start()
            self._timers.append(timer)


def _vanish() -> None:
    """Kill a process that hangs inside a driver, where no exception reaches it; uncommitted rows are rolled back."""
    os.kill(os.getpid(), signal.SIGKILL)


def end_by_signal() -> None:
    """
    End the process by SIGTERM.

    An error would be reported as this attempt's end. After a clear there is no such attempt any more: the report is
    refused, and the supervisor's own failure that follows makes Airflow take the clear for a retry.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
