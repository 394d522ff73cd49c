"""The lag of a mark behind its source, from Airflow connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Stats

from airflow_checkpoint_provider.engine.model.checkpoint import Identity
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.hooks.arguments import identity_of
from airflow_checkpoint_provider.hooks.databases import open_database
from airflow_checkpoint_provider.hooks.reading import CheckpointReadingHook

if TYPE_CHECKING:
    from airflow_checkpoint_provider.engine.admin.lag import Lag


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
        parameters: Any = None,
        seconds: float = 10.0,
        source_hook_params: dict[str, Any] | None = None,
    ) -> Lag:
        """
        Return how far the position of a load by key is behind its source, and report it as gauges.

        The gauges are ``checkpoint.lag``, in seconds, and ``checkpoint.lag_rows``, each where it is known.

        :param run_id: without it, the mark of ``scope="task"``
        :param name: instead of the map index, the task's ``checkpoint_name``
        :param parameters: bind parameters of the query, which are not stored
        :param seconds: how long the source may take for each of two statements
        :param source_hook_params: as the task has them
        :return: with ``newest`` (the greatest key of the source), ``seconds`` (between the two, of keys that are times)
            and ``rows`` (behind the mark; ``None`` where they could not be counted in time)
        :raises ArgumentError: when there is no such checkpoint, its load has no key, or its query is not known
        :raises SourceError: when the source does not return its newest key in time
        """
        from airflow_checkpoint_provider.engine.admin.lag import lag_of
        from airflow_checkpoint_provider.engine.databases.limits import Limits

        identity = identity_of(dag_id, task_id, run_id, map_index, name)
        checkpoint = self._repository.get(identity)
        if checkpoint is None:
            raise ArgumentError(f"There is no checkpoint of {identity}.")
        limits = Limits(connect=seconds, statement=seconds)
        source = open_database(
            checkpoint.source_conn_id, "source_conn_id", source_hook_params, self.team, limits
        )
        found = lag_of(checkpoint, source, parameters)
        _gauge(identity, found.seconds, found.rows)
        return found


def _gauge(identity: Identity, seconds: float | None, rows: int | None) -> None:
    """Report how far a mark is behind its source, in seconds and in rows, each where it is known."""
    tags = {"dag_id": identity.dag_id, "task_id": identity.task_id, **identity.within_task}
    if seconds is not None:
        Stats.gauge("checkpoint.lag", seconds, tags=tags)
    if rows is not None:
        Stats.gauge("checkpoint.lag_rows", rows, tags=dict(tags))
