"""The operator that publishes the staged rows of a mapped transfer's partitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_checkpoint_provider.engine.model.checkpoint import DEFAULT_TABLE, Identity
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.stored_text import shown
from airflow_checkpoint_provider.operators.arguments import is_literal
from airflow_checkpoint_provider.operators.identity import describe_attempt

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

_MOST_PARTS = 100_000
_OF_TABLE = {"transfer_task_id", "destination_table", "parts"}


class CheckpointPublishOperator(BaseOperator):
    """
    Replace the rows of a table, or of several, by the staged rows of their transfers, in one transaction.

    The tables, or the partitions of a table, are loaded by ``CheckpointedTransferOperator`` with
    ``write_mode="replace_atomic"`` and ``publish=False``, in the same DAG run. Until all of them are complete this task
    fails, and the tables keep their rows. A retry after the rows were published does nothing. Of several tables, those
    that a foreign key refers to are emptied last and filled first; keys that can be checked later are.

    :param transfer_task_id: the task whose partitions are published, with its task groups. (templated)
    :param destination_conn_id: the connection that the partitions write to. (templated)
    :param destination_hook_params: parameters of the destination's hook
    :param destination_table: the table that the partitions load, spelt as in their task. (templated)
    :param checkpoint_table: the metadata table of the partitions. (templated)
    :param tables: instead of ``transfer_task_id`` and ``destination_table``, a list of tables to publish together:
        mappings with these two, and ``parts`` where they are needed. (templated)
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
        "tables",
    )
    ui_color = "#cfe8d5"

    def __init__(
        self,
        *,
        transfer_task_id: str | None = None,
        destination_conn_id: str,
        destination_hook_params: dict[str, Any] | None = None,
        destination_table: str | None = None,
        checkpoint_table: str = DEFAULT_TABLE,
        parts: Any = None,
        tables: Sequence[Mapping[str, Any]] | None = None,
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
        self.tables = tables
        self.lock_timeout = lock_timeout
        if is_literal(tables):
            self._wanted()

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Publish, once all partitions are complete.

        :return: ``status`` (``published``, or ``nothing`` to do), ``parts``, ``rows``, ``rows_before``
        :raises CheckpointError: when it cannot; the message has the reason and the remedy
        """
        # Here, so that parsing a DAG does not pay for imports that only a running task needs.
        from airflow_checkpoint_provider.engine.transfer.progress_log import ProgressLog
        from airflow_checkpoint_provider.engine.transfer.staging.publication import Publication
        from airflow_checkpoint_provider.engine.transfer.staging.publish_parts import PublishedTable
        from airflow_checkpoint_provider.hooks.databases import open_database
        from airflow_checkpoint_provider.hooks.settings import auto_create

        ti = context["ti"]
        tables = [
            PublishedTable(
                one["destination_table"],
                Identity(ti.dag_id, one["transfer_task_id"], ti.run_id),
                _count_parts(ti, one["transfer_task_id"], one.get("parts")),
            )
            for one in self._wanted()
        ]
        publication = Publication(
            open_database(self.destination_conn_id, "destination_conn_id", self.destination_hook_params),
            tables,
            self.checkpoint_table,
            describe_attempt(context, self.retries),
            ProgressLog(self.log),
            self.lock_timeout,
            auto_create(),
        )
        result = publication.run()
        if result.status == "nothing":
            self.log.info("All %d partitions were already published: nothing to do", result.parts)
        return result.as_dict()

    def _wanted(self) -> Sequence[Mapping[str, Any]]:
        """
        Return the tables to publish, each as a mapping.

        :raises ArgumentError: when they are not given, or given twice
        """
        if self.tables is None:
            if not self.transfer_task_id or not self.destination_table:
                raise ArgumentError(
                    "transfer_task_id: give it and destination_table, or several tables as a list in tables."
                )
            return [
                {name: getattr(self, name) for name in ("transfer_task_id", "destination_table", "parts")}
            ]
        if self.transfer_task_id or self.destination_table or self.parts is not None:
            raise ArgumentError(
                "tables: each has its own transfer_task_id, destination_table and parts; leave others out."
            )
        if not isinstance(self.tables, (list, tuple)) or not self.tables:
            raise ArgumentError(f"tables: {shown(self.tables)} is not a list of tables.")
        for one in self.tables:
            names = set(one) if isinstance(one, Mapping) else set()
            if not {"transfer_task_id", "destination_table"} <= names <= _OF_TABLE:
                raise ArgumentError(
                    f"tables: {shown(one)} is not a mapping with transfer_task_id, destination_table and, where it is "
                    "needed, parts."
                )
        return self.tables


def _count_parts(ti: Any, task_id: str, given: Any) -> int | None:
    parts = given
    if parts is None:
        ask = getattr(ti, "get_ti_count", None)
        count = ask(ti.dag_id, task_ids=[task_id], run_ids=[ti.run_id]) if ask else None
        return count or None
    if isinstance(parts, str) and parts.strip().isdecimal() and len(parts) < 20:
        parts = int(parts)
    if isinstance(parts, Sized) and not isinstance(parts, str):
        parts = len(parts)
    if not isinstance(parts, int) or isinstance(parts, bool) or not 1 <= parts <= _MOST_PARTS:
        raise ArgumentError(
            f"parts: {shown(given)} is neither a number from 1 to {_MOST_PARTS:,} nor a list of parts."
        )
    return parts
