"""What becomes of an attempt that Airflow stops from outside."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from airflow_checkpoint_provider.engine.errors import StoppedError

if TYPE_CHECKING:
    from airflow.sdk.types import Logger

    from airflow_checkpoint_provider.engine.result import Result
    from airflow_checkpoint_provider.engine.transfer import Transfer


class Stopping:
    """
    Ends a transfer on SIGTERM: at once, with its last batch rolled back and the reason in the checkpoint.

    Airflow sends the signal when the task is cleared, marked as failed or succeeded, declared dead, or when its worker
    shuts down, and answers it by calling ``on_kill`` in the thread that executes the task.
    """

    def __init__(self) -> None:
        self._transferring = False

    def stop(self) -> None:
        """
        Interrupt the transfer, if one is running in this thread.

        :raises StoppedError: in the midst of it
        """
        if self._transferring:
            self._transferring = False
            raise StoppedError(
                "Airflow stopped the task: it was cleared, marked, taken for lost, or its worker shuts down"
            )

    def run(self, transfer: Transfer, log: Logger) -> Result:
        """Run a transfer that can be interrupted; interrupted, it takes the process with it."""
        self._transferring = True
        try:
            return transfer.run()
        except StoppedError as stopped:
            log.warning(
                "%s. The last batch is rolled back; the checkpoint stands where it was committed.", stopped
            )
            _die()
            raise
        finally:
            self._transferring = False


def _die() -> None:
    """
    End as the signal asked.

    An error would be reported as this attempt's end. After a clear there is no such attempt any more: the report is
    refused, and the supervisor's own failure that follows makes Airflow take the clear for a retry.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
