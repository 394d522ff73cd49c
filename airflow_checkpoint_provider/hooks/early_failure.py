"""The error of a try that ends before it claims its checkpoint, left in Airflow: no other place is known to take it."""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_checkpoint_provider.engine.model.errors import with_class
from airflow_checkpoint_provider.engine.model.events.failure import Failed
from airflow_checkpoint_provider.engine.model.events.transfer import Event

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

KEY = "checkpoint_early_failure"
"""The key of the XCom."""
_LONGEST = 4_000


class EarlyFailure:
    """
    A context that leaves its error in an XCom of the task instance, unless the checkpoint has it.

    Airflow deletes the XCom before the next try.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._recorded = False

    def __call__(self, event: Event) -> None:
        """Observe whether the checkpoint was claimed, and so has the error."""
        if isinstance(event, Failed):
            self._recorded = event.claimed and event.kept

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, Exception) or isinstance(error, AirflowSkipException):
            return
        if self._recorded:
            return
        with suppress(Exception):  # the error of the load is the one to show
            text = with_class(error)
            text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
            self._context["ti"].xcom_push(key=KEY, value={"error": text})
