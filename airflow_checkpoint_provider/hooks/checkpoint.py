"""Reading and managing checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.checks import text
from airflow_checkpoint_provider.engine.model.decision import Request
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.history_kind import Kind
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.hooks.arguments import identity_of, name_of, user
from airflow_checkpoint_provider.hooks.lag import CheckpointLagHook
from airflow_checkpoint_provider.hooks.replaying import CheckpointReplayingHook
from airflow_checkpoint_provider.hooks.seeding import other_scope, seed_checkpoint


class CheckpointHook(CheckpointReplayingHook, CheckpointLagHook):
    """
    Read and manage the checkpoints in a database.

    :param checkpoint_conn_id: the connection of the metadata table: a transfer's destination, or its
        ``checkpoint_conn_id``
    :param checkpoint_table: the metadata table
    :param team: outside of tasks, the team whose connection it is, where Airflow has teams; a task gets that of its
        own team
    """

    def request_reload(
        self,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        name: str = "",
        *,
        who: str | None = None,
        reason: str | None = None,
    ) -> None:
        """
        Ask the next attempt to start from the beginning; a running attempt is not disturbed.

        :param name: instead of the map index, the task's ``checkpoint_name``
        :param who: for the history; by default the user of this process
        :param reason: for the history
        """
        self._record(
            Kind.RELOAD_REQUESTED, identity_of(dag_id, task_id, run_id, map_index, name), who, reason
        )

    def request_resume(
        self,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        name: str = "",
        *,
        who: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Ask the next attempt to resume, also when the task is cleared; see :meth:`request_reload`."""
        self._record(
            Kind.RESUME_REQUESTED, identity_of(dag_id, task_id, run_id, map_index, name), who, reason
        )

    def cancel_request(
        self,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        name: str = "",
        *,
        who: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Withdraw a request that no attempt has followed yet; see :meth:`request_reload`."""
        self._record(
            Kind.REQUEST_CANCELLED, identity_of(dag_id, task_id, run_id, map_index, name), who, reason
        )

    def request_each(
        self,
        request: str,
        identities: Sequence[Identity],
        *,
        who: str | None = None,
        reason: str | None = None,
    ) -> None:
        """
        Ask the next attempts of several checkpoints for the same, in one transaction; see :meth:`request_reload`.

        :param request: ``reload`` or ``resume``
        :param identities: the checkpoints, by the ``identity`` of those that :meth:`list` returns
        :raises ArgumentError: for any other request
        """
        kinds = {Request.RELOAD.value: Kind.RELOAD_REQUESTED, Request.RESUME.value: Kind.RESUME_REQUESTED}
        if request not in kinds:
            raise ArgumentError(f"request: {request!r} is not one of {', '.join(kinds)}.")
        self._record_all(kinds[request], identities, who, reason)

    def seed(
        self,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        name: str = "",
        *,
        position: Any = None,
        rows: int | None = None,
        source_conn_id: str,
        sql: str | None = None,
        source_table: str | None = None,
        columns: Sequence[str] | None = None,
        where: str | None = None,
        parameters: Mapping[str, Any] | Sequence[Any] | None = None,
        source_hook_params: dict[str, Any] | None = None,
        destination_table: str,
        destination_conn_id: str | None = None,
        destination_hook_params: dict[str, Any] | None = None,
        destination_columns: Sequence[str] | Mapping[str, str] | None = None,
        strategy: str = "auto",
        checkpoint_column: str | Sequence[str] | None = None,
        resume_proof: str = "last_row",
        rows_processor: bool = False,
        replace: bool = False,
        force: bool = False,
        who: str | None = None,
        reason: str | None = None,
    ) -> Checkpoint:
        """
        Set the position of a load that another tool has begun, so that the next attempt goes on behind it.

        The position is checked against the source. The next attempt goes on there, also when the task is cleared,
        provided that it has the source, the destination and the key that are given here, and that the task has
        ``scope="run"`` where a run is given, ``scope="task"`` where none is. A warning is logged if the task's last
        attempt had another scope.

        :param run_id: the DAG run; by default the checkpoint that spans runs (``scope="task"``)
        :param name: instead of the map index, the task's ``checkpoint_name``
        :param position: the last value of ``checkpoint_column`` in the destination, or a list with one for each column;
            numbers and times may be written as text
        :param rows: the number of rows in the destination. Without a key (``strategy="python"``) it is the position,
            and the digest of that row is read from the source
        :param source_conn_id: as the task has it
        :param sql: as the task has it, rendered
        :param source_table: as the task has it
        :param columns: as the task has them
        :param where: as the task has it, rendered
        :param parameters: as the task has them
        :param source_hook_params: as the task has them
        :param destination_table: as the task has it
        :param destination_conn_id: as the task has it; by default ``checkpoint_conn_id``
        :param destination_hook_params: as the task has them
        :param destination_columns: as the task has them
        :param strategy: as the task has it
        :param checkpoint_column: as the task has it
        :param resume_proof: as the task has it
        :param rows_processor: whether the task has one; without a key, the digest depends on it
        :param replace: replace an existing checkpoint; a running attempt then ends
        :param force: accept a position beyond the greatest key of the source
        :param who: for the history; by default the user of this process
        :param reason: for the history
        :return: the new checkpoint, whose status is ``seeded``
        :raises ArgumentError: when the position is not one of this source, or there is a checkpoint already
        :raises SourceError: when the source cannot be read, or has no such column
        :raises DestinationError: when the destination has no such table or column
        """
        identity = identity_of(dag_id, task_id, run_id, map_index, name)
        doubt = other_scope(self, identity)
        seeded = seed_checkpoint(
            identity,
            checkpoint_conn_id=self.checkpoint_conn_id,
            team=self.team,
            destination_conn_id=destination_conn_id,
            source_conn_id=source_conn_id,
            hook_params=(source_hook_params, destination_hook_params),
            seed={
                "position": position,
                "rows": rows,
                "replace": replace,
                "force": force,
                "who": who or user(),
                "reason": reason,
            },
            arguments={
                "sql": sql,
                "source_table": source_table,
                "columns": columns,
                "where": where,
                "parameters": parameters,
                "destination_table": destination_table,
                "destination_columns": destination_columns,
                "strategy": strategy,
                "checkpoint_column": checkpoint_column,
                "resume_proof": resume_proof,
                "checkpoint_table": self.checkpoint_table,
            },
            has_rows_processor=rows_processor,
        )
        if doubt:
            self.log.warning("%s", doubt)
        return seeded

    def delete(
        self,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        name: str = "",
        *,
        who: str | None = None,
    ) -> bool:
        """
        Delete a checkpoint, so that the next attempt finds no earlier one. Its rejected rows go with it, its
        history stays.

        :param name: instead of the map index, the task's ``checkpoint_name``
        :param who: for the history; by default the user of this process
        :return: whether there was one
        """
        return self._repository.delete(identity_of(dag_id, task_id, run_id, map_index, name), name_of(who))

    def purge(
        self,
        older_than: timedelta,
        status: str | tuple[str, ...] = "completed",
        *,
        dry_run: bool = False,
    ) -> int:
        """
        Delete old checkpoints with their history and rejected rows.

        :param older_than: how long they have not changed
        :param status: delete only those with this status, or one of these
        :param dry_run: only count them
        :return: their number
        """
        statuses = (status,) if isinstance(status, str) else status
        return self._repository.purge(older_than, statuses, dry_run)

    def create_tables(self) -> None:
        """
        Create the metadata tables, if they do not exist.

        :raises MetadataTableError: when the database refuses
        """
        self._repository.create()

    def ddl(self, dialect: str, *, migrate: bool = False) -> str:
        """
        Return the script that creates the metadata tables, for a DBA to run.

        :param dialect: ``postgresql``, ``sqlite``, ``oracle`` or ``mysql``
        :param migrate: instead, the script that migrates tables of the first format to the present one
        """
        return Tables.named(self.checkpoint_table).ddl(dialect, migrate=migrate)

    def _record(self, kind: Kind, identity: Identity, who: str | None, reason: str | None) -> None:
        self._record_all(kind, [identity], who, reason)

    def _record_all(
        self, kind: Kind, identities: Iterable[Identity], who: str | None, reason: str | None
    ) -> None:
        self._repository.record(identities, kind, name_of(who), text("reason", reason, optional=True))
