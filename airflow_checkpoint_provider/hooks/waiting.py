"""Reading an awaited checkpoint again and again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.admin.wait_condition import WaitCondition
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.errors import (
    AwaitedLoadError,
    CannotConnectError,
    CheckpointError,
    ConnectionLostError,
    LoadStalledError,
    MetadataTableError,
    one_line,
)
from airflow_checkpoint_provider.engine.model.position import position_as_dict
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook


class Waiting:
    """
    Reads a checkpoint, and counts the failures in a row.

    :param key: the arguments of ``CheckpointHook.get``
    :param awaited: the arguments of ``WaitCondition``
    :param max_reconnects: reads that may fail in a row
    """

    def __init__(
        self,
        checkpoint_conn_id: str,
        checkpoint_table: str,
        key: tuple[str, str, str | None, int, str],
        awaited: dict[str, Any],
        max_reconnects: int,
        log: Any,
    ) -> None:
        self._conn_id = checkpoint_conn_id
        self._table = checkpoint_table
        self._key = key
        value = awaited.get("value")
        self._condition = WaitCondition(**{**awaited, "value": tuple(value) if value is not None else None})
        self._max_reconnects = max_reconnects
        self._log = log
        self._failures = 0
        self._seen: int | None = None

    def look(self) -> dict[str, Any] | None:
        """Read the checkpoint; return an event, or ``None`` while the wait goes on."""
        try:
            result = self.poke()
        except AwaitedLoadError as error:
            stalled = isinstance(error, LoadStalledError)
            return {"status": (Status.STALLED if stalled else Status.FAILED).value, "message": str(error)}
        except CheckpointError as error:
            return {"status": "error", "message": str(error)}
        return None if result is None else {"status": "success", "result": result}

    def hanging(self, seconds: float) -> dict[str, Any] | None:
        """Count a read that does not end; return an event when there are too many."""
        try:
            self._failed(f"the database has not answered for {seconds:g} seconds")
        except CheckpointError as error:
            return {"status": "error", "message": str(error)}
        return None

    def poke(self) -> dict[str, Any] | None:
        """
        Read the checkpoint once; return its values when the wait is over.

        :raises AwaitedLoadError: when the condition will not be met by itself
        :raises ConnectionLostError: when too many reads in a row have failed
        """
        try:
            # A hook of its own for each read: tokens and addresses may change in a wait of days.
            checkpoint = CheckpointHook(self._conn_id, self._table).get(*self._key)
        except MetadataTableError:
            checkpoint = None  # no load has written there yet
        except (CannotConnectError, sa.exc.DBAPIError) as error:
            self._failed(one_line(error))
            return None
        self._failures = 0
        if self._condition.is_met(checkpoint, datetime.now(UTC)) and checkpoint:
            return {
                "status": checkpoint.status.value,
                "run_id": checkpoint.run_id,
                "rows": checkpoint.rows,
                "checkpoint": position_as_dict(checkpoint.key_columns, checkpoint.position),
            }
        self._say(checkpoint)
        return None

    def _say(self, checkpoint: Checkpoint | None) -> None:
        rows = checkpoint.rows if checkpoint else -1
        if rows == self._seen:
            return
        self._seen = rows
        if checkpoint:
            self._log.info("Waiting: %s is %s, %s rows committed", *_state(checkpoint))
        else:
            self._log.info("Waiting: there is no checkpoint of %s.%s yet", *self._key[:2])

    def _failed(self, reason: str) -> None:
        self._failures += 1
        if self._failures > self._max_reconnects:
            raise ConnectionLostError(
                f"The checkpoint could not be read {self._failures} times in a row (max_reconnects="
                f"{self._max_reconnects}); the last time: {reason}"
            )
        self._log.warning(
            "The checkpoint cannot be read (%s): trying again, %d of at most %d",
            reason,
            self._failures,
            self._max_reconnects,
        )


def _state(checkpoint: Checkpoint) -> tuple[str, str, str]:
    return str(checkpoint.identity), checkpoint.status.value, f"{checkpoint.rows:,}"
