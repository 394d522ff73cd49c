"""The lost connections of an attempt: counted, and waited for."""

from __future__ import annotations

import random
import time

from airflow_checkpoint_provider.engine.model.errors import ConnectionLostError, RaisedBatchError, one_line
from airflow_checkpoint_provider.engine.model.events.transfer import Observer, Reconnecting
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.session import LostError


class Reconnects:
    """
    Decides after a loss whether the attempt connects again.

    :param observe: receives a transfer event before each wait
    """

    def __init__(self, spec: TransferSpec, observe: Observer) -> None:
        self._spec = spec
        self._observe = observe
        self.number = 0
        """Losses after which the attempt went on."""
        self.in_a_row = 0
        """Losses without a committed batch in between."""
        self.raised = False
        """A trigger's error was the last of them, which is about the rows if they meet it again."""
        self.given_up = False
        """The attempt was asked to end."""

    def progressed(self) -> None:
        """Begin to count anew: a batch is committed, and the load goes on behind it."""
        if self._spec.keeps_checkpoint:
            self.in_a_row, self.raised = 0, False

    def wait(self, error: Exception) -> None:
        """
        Wait before the next connection.

        A trigger's error is met a second time whatever the limit is, for it is known only then to be about the rows.

        :param error: a :class:`LostError`, or the refusal of a new connection
        :raises ConnectionLostError: when there were too many losses without progress
        """
        lost = error if isinstance(error, LostError) else LostError(one_line(error))
        cause = error.__cause__ if error is lost and error.__cause__ else error
        self.raised = self.raised if error is not lost else isinstance(cause, RaisedBatchError)
        self.in_a_row += 1
        most = max(self._spec.max_reconnects, self.raised)
        if not self._spec.keeps_checkpoint and not self.raised:
            raise ConnectionLostError(
                f"{lost.what}, and no checkpoint is kept to go on from: {lost}"
            ) from cause
        if self.in_a_row > most or self.given_up:
            times = "once" if self.in_a_row == 1 else f"{self.in_a_row} times"
            reason = str(lost).rstrip(".")
            raise ConnectionLostError(
                f"{lost.what} {times} without progress in between (max_reconnects={most}); the last time: "
                f"{reason}. The next attempt goes on from the last committed batch."
            ) from cause
        self.number += 1
        # Full jitter: many tasks that lost the same server do not come back all at once.
        wait = random.uniform(0, min(30.0, 2.0 ** min(self.in_a_row - 1, 5)))  # noqa: S311
        self._observe(Reconnecting(str(lost), self.in_a_row, most, wait))
        time.sleep(wait)
