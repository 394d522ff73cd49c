"""Waiting for a checkpoint in the triggerer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_checkpoint_provider.engine.model.checkpoint import DEFAULT_TABLE
from airflow_checkpoint_provider.hooks.waiting import Waiting

# Threads of our own: a database that hangs delays only the triggers that wait for it.
_THREADS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="checkpoint-trigger")


class CheckpointTrigger(BaseTrigger):
    """
    Wait until a checkpoint has come far enough; see ``CheckpointSensor`` for the meaning.

    Its events are dictionaries with ``status`` (``"success"``, ``"failed"``, ``"stalled"`` or ``"error"``), and
    ``result`` or ``message``.

    :param checkpoint_conn_id: the connection of the metadata table
    :param checkpoint_table: the metadata table
    :param dag_id: the DAG of the load
    :param task_id: the task of the load
    :param run_id: the run of the load; ``None`` for the checkpoint that spans runs
    :param map_index: the map index of the load
    :param name: its ``checkpoint_name``, instead of the map index
    :param awaited: the wait condition: the arguments of ``engine.admin.wait_condition.WaitCondition``
    :param poll_interval: seconds between two reads
    :param poll_timeout: seconds after which a read that has not ended counts as a lost connection
    :param max_reconnects: reads that may fail in a row
    """

    def __init__(
        self,
        *,
        checkpoint_conn_id: str,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        name: str = "",
        checkpoint_table: str = DEFAULT_TABLE,
        awaited: dict[str, Any] | None = None,
        poll_interval: float = 60,
        poll_timeout: float = 60,
        max_reconnects: int = 5,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.checkpoint_conn_id = checkpoint_conn_id
        self.checkpoint_table = checkpoint_table
        self.dag_id = dag_id
        self.awaited_task_id = task_id
        self.run_id = run_id
        self.map_index = map_index
        self.name = name
        self.awaited = awaited or {}
        self.poll_interval = poll_interval
        self.poll_timeout = poll_timeout
        self.max_reconnects = max_reconnects

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the arguments with which another triggerer goes on waiting; there is no other state."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "checkpoint_conn_id": self.checkpoint_conn_id,
                "checkpoint_table": self.checkpoint_table,
                "dag_id": self.dag_id,
                "task_id": self.awaited_task_id,
                "run_id": self.run_id,
                "map_index": self.map_index,
                "name": self.name,
                "awaited": self.awaited,
                "poll_interval": self.poll_interval,
                "poll_timeout": self.poll_timeout,
                "max_reconnects": self.max_reconnects,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Read the checkpoint until there is an event, never blocking the loop that all triggers share."""
        waiting = Waiting(
            self.checkpoint_conn_id,
            self.checkpoint_table,
            (self.dag_id, self.awaited_task_id, self.run_id, self.map_index, self.name),
            self.awaited,
            self.max_reconnects,
            self.log,
        )
        # In a thread that may ask the supervisor for a connection through this loop, which a plain thread of asyncio
        # may not in every supported Airflow.
        look = sync_to_async(waiting.look, thread_sensitive=False, executor=_THREADS)
        pending: asyncio.Task[dict[str, Any] | None] | None = None
        while True:
            # A read that hangs is waited for again, so that there is never more than one.
            pending = pending or asyncio.create_task(look())
            done, _ = await asyncio.wait([pending], timeout=self.poll_timeout)
            if done:
                event = pending.result()
                pending = None
            else:
                event = waiting.hanging(self.poll_timeout)
            if event is not None:
                yield TriggerEvent(event)  # type: ignore[no-untyped-call]
                return
            await asyncio.sleep(self.poll_interval)
