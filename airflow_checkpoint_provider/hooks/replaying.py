"""Writing rejected rows again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_checkpoint_provider.engine.model.checks import text, whole_number
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.hooks.arguments import identity_of, name_of
from airflow_checkpoint_provider.hooks.databases import open_database
from airflow_checkpoint_provider.hooks.reading import CheckpointReadingHook

if TYPE_CHECKING:
    from airflow_checkpoint_provider.engine.admin.replay.request import Replayed

_LARGEST_ID = 2**63 - 1


class CheckpointReplayingHook(CheckpointReadingHook):
    """Write rejected rows again; see :class:`CheckpointReadingHook` for the parameters."""

    def replay_rejects(
        self,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        name: str = "",
        *,
        error: str | None = None,
        corrected: Mapping[int, Mapping[str, Any]] | None = None,
        limit: int | None = None,
        overwrite: bool = False,
        seconds: float | None = None,
        who: str | None = None,
    ) -> Replayed:
        """
        Write the rejected rows of a load into its destination, each in one transaction with its removal.

        Rows are inserted, also those of an upsert. A row that the destination refuses stays, with the new reason.

        :param run_id: without it, those of the checkpoint that spans runs
        :param name: instead of the map index, the task's ``checkpoint_name``
        :param error: only rows whose error contains this text, or has this reason
        :param corrected: other values, by the row's ``id`` and by column, as the JSON of the view and the shell has
            them; then only these rows are written
        :param limit: at most so many rows; ``None`` for all. The next request goes on behind the last row that was
            refused again
        :param overwrite: a row of an upsert replaces the row with its key, which may be newer
        :param seconds: after the first transaction, begin none after so long
        :param who: for the history; by default the user of this process
        :return: with ``written``, ``refused`` (again), ``left``, ``reason`` (of the first refused one) and ``complete``
            (whether all were tried)
        :raises ArgumentError: when an attempt is at work, the next one begins anew, or the table was emptied since
        :raises DestinationError: when the destination fails for another reason than a row
        """
        # Here, so that parsing a DAG that only lists checkpoints does not pay for it.
        from airflow_checkpoint_provider.engine.admin.replay.request import Replay
        from airflow_checkpoint_provider.engine.admin.replay.rows import replay
        from airflow_checkpoint_provider.engine.databases.limits import Limits

        return replay(
            Replay(
                who=name_of(who),
                error=text("error", error, optional=True) or None,
                corrected=_rows(corrected),
                limit=whole_number("limit", limit, least=1, optional=True),
                overwrite=overwrite,
                seconds=float("inf") if seconds is None else seconds,
            ),
            open_database(self.checkpoint_conn_id, "checkpoint_conn_id", team=self.team, limits=Limits()),
            Tables.named(self.checkpoint_table),
            identity_of(dag_id, task_id, run_id, map_index, name),
        )


def _rows(corrected: Any) -> Mapping[int, Mapping[str, Any]] | None:
    if corrected is None:
        return None
    if not isinstance(corrected, Mapping) or not all(
        type(id_) is int and 0 < id_ <= _LARGEST_ID and isinstance(row, Mapping)
        for id_, row in corrected.items()
    ):
        raise ArgumentError("corrected: give the values of each row by the id of the row, and by column.")
    return corrected
