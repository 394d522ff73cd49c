"""The marker of a load in Airflow's task state store, by which a later attempt tells a clear from a retry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import airflow
from airflow.providers.common.compat.sdk import conf

from airflow_checkpoint_provider.engine.model.checkpoint import Identity
from airflow_checkpoint_provider.engine.model.errors import one_line
from airflow_checkpoint_provider.engine.model.task_state import TaskState

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from airflow.sdk.types import Logger

KEY = "airflow_checkpoint"
"""The key of the marker in the store."""

_EVERY_CLEAR_DISCARDS = (3, 5)
"""From this version of Airflow on; before, a clear of a whole run leaves the marker, and before 3.4 any clear does."""
_BACKEND = "airflow.state.metastore.MetastoreBackend"
"""The store that a clear discards from; it leaves others alone."""


class TaskStateMarker:
    """
    The marker of one load, in the store of its task instance; Airflow has such a store from 3.3 on.

    No error of the store ends a load: a marker that cannot be read is unknown, one that cannot be written is missing.

    :param context: of the task instance
    :param identity: of its checkpoint
    """

    def __init__(self, context: Context, identity: Identity, log: Logger) -> None:
        self._store: Any = cast("Mapping[str, Any]", context).get("task_state_store")
        self._load = str(identity)
        self._log = log

    def read(self) -> TaskState:
        """Return the state of the marker."""
        if self._store is None:
            return TaskState.UNKNOWN
        try:
            found = self._store.get(KEY)
        except Exception as error:
            return self._failed("read", error)
        if found is None:
            return TaskState.DISCARDED
        if not isinstance(found, dict) or found.get("load") != self._load:
            return TaskState.UNKNOWN
        return TaskState.KEPT if _is_kept_on_purpose() else TaskState.THERE

    def leave(self, fence: int) -> bool:
        """
        Write the marker, which no cleanup removes before its DAG run; return whether it is there.

        :param fence: the number of the claim
        """
        if self._store is None:
            return False
        from airflow.sdk.execution_time.context import NEVER_EXPIRE

        try:
            self._store.set(KEY, {"load": self._load, "fence": fence}, retention=NEVER_EXPIRE)
        except Exception as error:
            self._failed("written", error)
            return False
        return True

    def _failed(self, what: str, error: Exception) -> TaskState:
        self._log.warning(
            "The task state could not be %s (%s): a clear is told from a retry by max_tries alone",
            what,
            one_line(error),
        )
        return TaskState.UNKNOWN


def _is_kept_on_purpose() -> bool:
    """Return whether only a clear that was asked to keep the marker leaves it there."""
    version = tuple(int(part) for part in airflow.__version__.split(".")[:2])
    return (
        version >= _EVERY_CLEAR_DISCARDS and conf.get("state_store", "backend", fallback=_BACKEND) == _BACKEND
    )
