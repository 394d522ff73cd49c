"""The operator that publishes the staged rows of a mapped transfer's partitions."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator, conf

from airflow_checkpoint_provider.engine.model.checkpoint import DEFAULT_TABLE, Identity
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.stored_text import shown
from airflow_checkpoint_provider.operators.identity import describe_attempt

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

_MOST_PARTS = 100_000


class CheckpointPublishOperator(BaseOperator):
    """
    Replace the rows of a table by the staged rows of all partitions of a mapped transfer, in one transaction.

    The partitions are loaded by ``CheckpointedTransferOperator`` with ``write_mode="replace_atomic"`` and
    ``publish=False``, in the same DAG run. Until all of them are complete this task fails, and the table keeps its
    rows. A retry after the rows were published does nothing.

    :param transfer_task_id: the task whose partitions are published, with its task groups. (templated)
    :param destination_conn_id: the connection that the partitions write to. (templated)
    :param destination_hook_params: parameters of the destination's hook
    :param destination_table: the table that the partitions load, spelt as in their task. (templated)
    :param checkpoint_table: the metadata table of the partitions. (templated)
    :param parts: the number of partitions, or the list that the task was expanded over; by default the number of its
        task instances in the run. (templated)
    :param lock_timeout: seconds to wait for a partition that holds its checkpoint
    """

    template_fields: Sequence[str] = (
        "transfer_task_id",
        "destination_conn_id",
        "destination_table",
        "checkpoint_table",
        "parts",
    )
    ui_color = "#cfe8d5"

    def __init__(
        self,
        *,
        transfer_task_id: str,
        destination_conn_id: str,
        destination_hook_params: dict[str, Any] | None = None,
        destination_table: str,
        checkpoint_table: str = DEFAULT_TABLE,
        parts: Any = None,
        lock_timeout: float = 60,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.transfer_task_id = transfer_task_id
        self.destination_conn_id = destination_conn_id
        self.destination_hook_params = destination_hook_params
        self.destination_table = destination_table
        self.checkpoint_table = checkpoint_table
        self.parts = parts
        self.lock_timeout = lock_timeout

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Publish, once all partitions are complete.

        :return: ``status`` (``published``, or ``nothing`` to do), ``parts``, ``rows``, ``rows_before``
        :raises CheckpointError: when it cannot; the message has the reason and the remedy
        """
        # Here, so that parsing a DAG does not pay for imports that only a running task needs.
        from airflow_checkpoint_provider.engine.transfer.progress_log import ProgressLog
        from airflow_checkpoint_provider.engine.transfer.staging.publish_parts import Publication
        from airflow_checkpoint_provider.hooks.databases import open_database

        ti = context["ti"]
        publication = Publication(
            open_database(self.destination_conn_id, "destination_conn_id", self.destination_hook_params),
            self.destination_table,
            self.checkpoint_table,
            Identity(ti.dag_id, self.transfer_task_id, ti.run_id),
            self._count_parts(ti),
            describe_attempt(context, self.retries),
            ProgressLog(self.log),
            self.lock_timeout,
            conf.getboolean("checkpoint", "auto_create", fallback=True),
        )
        result = publication.run()
        if result.status == "nothing":
            self.log.info("All %d partitions were already published: nothing to do", result.parts)
        return result.as_dict()

    def _count_parts(self, ti: Any) -> int | None:
        parts = self.parts
        if parts is None:
            ask = getattr(ti, "get_ti_count", None)
            count = ask(ti.dag_id, task_ids=[self.transfer_task_id], run_ids=[ti.run_id]) if ask else None
            return count or None
        if isinstance(parts, str) and parts.strip().isdecimal() and len(parts) < 20:
            parts = int(parts)
        if isinstance(parts, Sized) and not isinstance(parts, str):
            parts = len(parts)
        if not isinstance(parts, int) or isinstance(parts, bool) or not 1 <= parts <= _MOST_PARTS:
            raise ArgumentError(
                f"parts: {shown(self.parts)} is neither a number from 1 to {_MOST_PARTS:,} nor a list of parts."
            )
        return parts
