"""A retry policy by the errors that a retry can cure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_checkpoint_provider.engine.model.errors import (
    CheckpointLockedError,
    ConnectionLostError,
    PermanentError,
)

if TYPE_CHECKING:
    from airflow.sdk import Context, RetryDecision, RetryPolicy
else:
    try:
        from airflow.sdk import RetryDecision, RetryPolicy
    except ImportError:  # Airflow 3.2
        RetryDecision, RetryPolicy = None, object


class CheckpointRetryPolicy(RetryPolicy):
    """
    Retry a load only where that can help; for ``retry_policy`` of a task, from Airflow 3.3 on.

    * A :class:`PermanentError`, such as a wrong argument or a changed source, fails the task at once.
    * After a lost connection, which was opened again ``max_reconnects`` times in vain, the task is retried soon.
    * Where another attempt holds the checkpoint, the task is retried after its ``lock_timeout``.
    * Any other error is left to ``retries`` and ``retry_delay``.

    No decision extends ``retries``. Airflow asks no policy about a task that was killed.

    :param reconnect_delay: how long to wait after a lost connection, instead of ``retry_delay``
    :raises RuntimeError: in Airflow 3.2, which has no retry policies
    """

    def __init__(self, reconnect_delay: timedelta = timedelta(seconds=10)) -> None:
        if RetryDecision is None:
            raise RuntimeError("CheckpointRetryPolicy needs Airflow 3.3 or later, which has retry policies.")
        self.reconnect_delay = reconnect_delay

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """
        Decide what follows a failure.

        :param exception: the error that the task has raised
        :param try_number: of the attempt, from 1 on; not used
        :param max_tries: of the task; not used
        :param context: the task's, which has its ``lock_timeout``
        """
        what = type(exception).__name__
        if isinstance(exception, PermanentError):
            return RetryDecision.fail(f"{what}: a retry does not cure it")
        if isinstance(exception, ConnectionLostError):
            return RetryDecision.retry(self.reconnect_delay, f"{what}: the next attempt goes on")
        if isinstance(exception, CheckpointLockedError):
            seconds = getattr((context or {}).get("task"), "lock_timeout", _LOCK_TIMEOUT)
            return RetryDecision.retry(timedelta(seconds=seconds), f"{what}: another attempt is to end first")
        return RetryDecision.default()


_LOCK_TIMEOUT = 60.0  # as the operator has it by default
