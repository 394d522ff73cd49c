"""The lag of a mark behind its source, from Airflow connections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Stats

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.hooks.arguments import identity_of
from airflow_checkpoint_provider.hooks.databases import open_database
from airflow_checkpoint_provider.hooks.reading import CheckpointReadingHook

if TYPE_CHECKING:
    from airflow_checkpoint_provider.engine.admin.lag import Lag, TaskReads


class CheckpointLagHook(CheckpointReadingHook):
    """Read how far marks are behind their sources; see :class:`CheckpointReadingHook` for the parameters."""

    def lag(
        self,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        name: str = "",
        *,
        source_conn_id: str | None = None,
        sql: str | None = None,
        source_table: str | None = None,
        columns: Sequence[str] | None = None,
        where: str | None = None,
        parameters: Any = None,
        checkpoint_column: str | Sequence[str] | None = None,
        source_hook_params: dict[str, Any] | None = None,
        seconds: float = 10.0,
    ) -> Lag:
        """
        Return how far the position of a load by key is behind its source, and report it as gauges.

        The gauges are ``checkpoint.lag``, in seconds, and ``checkpoint.lag_rows``, each where it is known. The query is
        never taken from the metadata table: it is what the task reads, as Airflow has rendered it for the last attempt,
        or as it is given here. In a task it must be given, because tasks cannot read Airflow's tables.

        :param run_id: without it, the mark of ``scope="task"``
        :param name: instead of the map index, the task's ``checkpoint_name``
        :param source_conn_id: with ``sql`` or ``source_table``: the connection of the source, as the task has it
        :param sql: as the task has it, rendered
        :param source_table: as the task has it
        :param columns: as the task has them
        :param where: as the task has it, rendered
        :param parameters: bind parameters of the query, where Airflow does not have their values
        :param checkpoint_column: as the task has it
        :param source_hook_params: as the task has them; an empty mapping for none. Where they are missing here, a task
            that has some is refused
        :param seconds: how long the source may take for each of two statements
        :return: with ``newest`` (the greatest key of the source), ``seconds`` (between the two, of keys that are times)
            and ``rows`` (behind the mark; ``None`` where they could not be counted in time)
        :raises ArgumentError: when there is no such checkpoint, its load has no key, what its task reads is not known,
            or the checkpoint is of a load of something else
        :raises SourceError: when the source does not return its newest key in time
        """
        from airflow_checkpoint_provider.engine.admin.lag import TaskReads

        identity = identity_of(dag_id, task_id, run_id, map_index, name)
        checkpoint = self._repository.get(identity)
        if checkpoint is None:
            raise ArgumentError(f"There is no checkpoint of {identity}.")
        reads = None
        if sql is not None or source_table is not None:
            if source_conn_id is None:
                raise ArgumentError(
                    "source_conn_id: give the connection of the source, with sql or source_table."
                )
            reads = TaskReads(
                source_conn_id=source_conn_id,
                sql=sql,
                source_table=source_table,
                columns=columns,
                where=where,
                parameters=parameters,
                checkpoint_column=checkpoint_column,
            )
        return self.lag_of(checkpoint, reads, parameters, source_hook_params, seconds)

    def lag_of(
        self,
        checkpoint: Checkpoint,
        reads: TaskReads | None = None,
        parameters: Any = None,
        source_hook_params: dict[str, Any] | None = None,
        seconds: float = 10.0,
    ) -> Lag:
        """
        Return how far a checkpoint is behind its source, which alone is asked; see :meth:`lag`.

        :param checkpoint: the checkpoint, as :meth:`get` returns it
        :param reads: what its task reads; by default as Airflow has rendered it
        """
        from airflow_checkpoint_provider.engine.admin.lag import lag_of
        from airflow_checkpoint_provider.engine.databases.limits import Limits
        from airflow_checkpoint_provider.hooks.task_reads import reads_of, refuse_hook_params

        if reads is None:
            reads = reads_of(checkpoint)
            reads = reads if parameters is None else replace(reads, parameters=parameters)
            if source_hook_params is None:
                refuse_hook_params(checkpoint)
        limits = Limits(connect=seconds, statement=seconds)
        source = open_database(
            reads.source_conn_id, "source_conn_id", source_hook_params or None, self.team, limits
        )
        found = lag_of(checkpoint, source, reads)
        _gauge(checkpoint.identity, found.seconds, found.rows)
        return found


def _gauge(identity: Identity, seconds: float | None, rows: int | None) -> None:
    """Report how far a mark is behind its source, in seconds and in rows, each where it is known."""
    tags = {"dag_id": identity.dag_id, "task_id": identity.task_id, **identity.within_task}
    if seconds is not None:
        Stats.gauge("checkpoint.lag", seconds, tags=tags)
    if rows is not None:
        Stats.gauge("checkpoint.lag_rows", rows, tags=dict(tags))
