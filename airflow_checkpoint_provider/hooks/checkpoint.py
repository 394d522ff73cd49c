"""Reading and managing checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseHook

from airflow_checkpoint_provider.engine.model.checkpoint import DEFAULT_TABLE, Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.checks import text, whole_number
from airflow_checkpoint_provider.engine.model.decision import Request
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry, Kind
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.hooks.arguments import identity_of, name_of, page_of, user
from airflow_checkpoint_provider.hooks.databases import open_database
from airflow_checkpoint_provider.hooks.seeding import other_scope, seed_checkpoint
from airflow_checkpoint_provider.hooks.settings import auto_create, stalled_after

if TYPE_CHECKING:
    from airflow_checkpoint_provider.engine.admin.repository import CheckpointRepository
    from airflow_checkpoint_provider.engine.admin.search import Found, Search
    from airflow_checkpoint_provider.engine.store.rejects import Reject
    from airflow_checkpoint_provider.engine.store.row_reading import UnreadableRow


class CheckpointHook(BaseHook):
    """
    Read and manage the checkpoints in a database.

    :param checkpoint_conn_id: the connection of the metadata table: a transfer's destination, or its
        ``checkpoint_conn_id``
    :param checkpoint_table: the metadata table
    """

    def __init__(self, checkpoint_conn_id: str, checkpoint_table: str = DEFAULT_TABLE, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.checkpoint_conn_id = text("checkpoint_conn_id", checkpoint_conn_id)
        self.checkpoint_table = checkpoint_table

    @cached_property
    def _repository(self) -> CheckpointRepository:
        from airflow_checkpoint_provider.engine.admin.repository import CheckpointRepository

        return CheckpointRepository(
            open_database(self.checkpoint_conn_id, "checkpoint_conn_id"),
            self.checkpoint_table,
            migrates=auto_create(),
        )

    def get(
        self, dag_id: str, task_id: str, run_id: str | None = None, map_index: int = -1, name: str = ""
    ) -> Checkpoint | None:
        """
        Return a checkpoint, or ``None``.

        :param run_id: the DAG run; by default the checkpoint that spans runs (``scope="task"``)
        :param map_index: of a mapped task
        :param name: instead of the map index, the task's ``checkpoint_name``
        :raises InvalidCheckpointError: when its row cannot be read
        """
        return self._repository.get(identity_of(dag_id, task_id, run_id, map_index, name))

    def list(
        self, *, limit: int | None = 100, offset: int = 0, order_by: str = "-updated_at", **filters: Any
    ) -> Sequence[Checkpoint]:
        """
        Return checkpoints.

        :param limit: at most so many, ``None`` for all
        :param offset: leave out so many first
        :param order_by: a column, with ``-`` in front for descending
        :param filters: ``dag_id``, ``task_id``, ``run_id``, ``map_index``, ``name``, ``claimed_map_index``,
            ``strategy``, ``destination_table``, ``destination_database``, ``destination_schema``, ``destination_name``,
            ``status`` as it is stored (``seeded``, ``running``, ``failed``, ``completed``) or ``state`` as it is shown
            (these, ``stalled`` or ``requested``), each a value or a list of values; ``updated_before``, a time
        :return: those that can be read; of others the log has the reason, and :meth:`list_all` returns it
        :raises ArgumentError: for another filter, status, state or order
        """
        checkpoints, unreadable = self.list_all(limit=limit, offset=offset, order_by=order_by, **filters)
        for row in unreadable:
            self.log.warning("%s", row.reason)
        return checkpoints

    def list_all(
        self, *, limit: int | None = 100, offset: int = 0, order_by: str = "-updated_at", **filters: Any
    ) -> tuple[Sequence[Checkpoint], Sequence[UnreadableRow]]:
        """
        Return checkpoints as :meth:`list` does, and the rows among them that cannot be read.

        :param limit: at most so many of both, ``None`` for all
        :param offset: leave out so many first
        :param order_by: a column, with ``-`` in front for descending
        :param filters: see :meth:`list`
        :return: the checkpoints; and of the others whose they are (``identity``, ``None`` where that cannot be read,
            either) and why, with the way out (``reason``)
        """
        return self._repository.list(
            filters, **page_of(limit, offset), order_by=order_by, stalled_after=stalled_after()
        )

    def history(
        self,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        name: str = "",
        *,
        limit: int | None = 100,
        offset: int = 0,
    ) -> Sequence[HistoryEntry]:
        """
        Return what happened to a checkpoint, newest first; it is there after the checkpoint is deleted, too.

        :param run_id: the DAG run; by default the checkpoint that spans runs (``scope="task"``)
        :param name: instead of the map index, the task's ``checkpoint_name``
        :param limit: at most so many entries, ``None`` for all
        :param offset: leave out so many first
        """
        identity = identity_of(dag_id, task_id, run_id, map_index, name)
        return self._repository.history(identity, **page_of(limit, offset))

    def rejects(
        self,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        name: str = "",
        *,
        limit: int | None = 100,
        offset: int = 0,
    ) -> Sequence[Reject]:
        """
        Return the rows of a load that its destination has refused (``on_bad_row="reject"``), in their order.

        :param run_id: without it, those of the checkpoint that spans runs
        :param name: instead of the map index, the task's ``checkpoint_name``
        :param limit: at most so many; ``None`` for all
        :param offset: leave out so many first
        """
        return self.look_at_rejects(dag_id, task_id, run_id, map_index, name, limit=limit, offset=offset)[1]

    def look_at_rejects(
        self,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        name: str = "",
        *,
        limit: int | None = 100,
        offset: int = 0,
        whole: bool = True,
    ) -> tuple[int, Sequence[Reject]]:
        """
        Return how many rows were rejected, and some of them; see :meth:`rejects`.

        :param whole: also rows of more than a million characters
        """
        identity = identity_of(dag_id, task_id, run_id, map_index, name)
        return self._repository.rejects(identity, limit=limit, offset=offset, whole=whole)

    def pending_requests(self, checkpoints: Sequence[Checkpoint]) -> dict[Identity, Request]:
        """
        Return the requests that no attempt has followed yet, by the identity of the checkpoint.

        :param checkpoints: what to look for, as :meth:`list` returns them
        """
        return self._repository.requests(checkpoints)

    def find(
        self, search: Search, *, limit: int = 50, offset: int = 0, order_by: str = "-updated_at"
    ) -> Found:
        """
        Return a page of the checkpoints that match, with what was asked of them, and how many there are.

        :param search: what must hold of them
        :param limit: at most so many
        :param offset: leave out so many first
        :param order_by: a column, with ``-`` in front for descending
        :raises ArgumentError: for another order than :meth:`list` knows
        """
        return self._repository.find(search, **page_of(limit, offset), order_by=order_by)

    def look(
        self,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        name: str = "",
        *,
        samples: int = 300,
    ) -> tuple[Checkpoint | None, HistoryEntry | None, Sequence[HistoryEntry]]:
        """
        Return a checkpoint, what its next attempt was asked to do, and its history in the order of time.

        :param name: instead of the map index, the task's ``checkpoint_name``
        :param samples: about so many of its progress samples
        """
        identity = identity_of(dag_id, task_id, run_id, map_index, name)
        return self._repository.look(identity, whole_number("samples", samples, least=1))

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
        """Take back a request that no attempt has followed yet; see :meth:`request_reload`."""
        self._record(
            Kind.REQUEST_CANCELLED, identity_of(dag_id, task_id, run_id, map_index, name), who, reason
        )

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
        provided that it reads from and writes to what is given here, by the same key, and that the task has
        ``scope="run"`` where a run is given, ``scope="task"`` where none is. A warning is logged if the task's last
        attempt had another scope.

        :param run_id: the DAG run; by default the checkpoint that spans runs (``scope="task"``)
        :param name: instead of the map index, the task's ``checkpoint_name``
        :param position: the last value of ``checkpoint_column`` that is there, or a list with one for each column;
            numbers and times may be written as text
        :param rows: how many rows are there. Without a key (``strategy="python"``) it is the position, and the digest
            of that row is read from the source
        :param source_conn_id: as the task has it
        :param sql: as the task has it, rendered
        :param source_table: as the task has it
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
        :param replace: take the place of a checkpoint that is there; an attempt that is running then ends
        :param force: accept a position beyond the greatest key of the source
        :param who: for the history; by default the user of this process
        :param reason: for the history
        :return: the new checkpoint, whose status is ``seeded``
        :raises ArgumentError: when the position is none of this source, or there is a checkpoint already
        :raises SourceError: when the source cannot be read, or has no such column
        :raises DestinationError: when the destination has no such table or column
        """
        identity = identity_of(dag_id, task_id, run_id, map_index, name)
        doubt = other_scope(self, identity)
        seeded = seed_checkpoint(
            identity,
            checkpoint_conn_id=self.checkpoint_conn_id,
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
        Delete a checkpoint, so that the next attempt knows of no earlier one. Its rejected rows go with it, its
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

        :param older_than: nothing has happened to them for so long
        :param status: delete only those with this status, or one of these
        :param dry_run: only count them
        :return: how many
        """
        statuses = (status,) if isinstance(status, str) else status
        return self._repository.purge(older_than, statuses, dry_run)

    def create_tables(self) -> None:
        """
        Create the metadata tables, if they are not there.

        :raises MetadataTableError: when the database refuses
        """
        self._repository.create()

    def ddl(self, dialect: str, *, migrate: bool = False) -> str:
        """
        Return the script that creates the metadata tables, for a DBA to run.

        :param dialect: ``postgresql``, ``sqlite``, ``oracle`` or ``mysql``
        :param migrate: instead, the script that brings tables of the first format to the present one
        """
        return Tables.named(self.checkpoint_table).ddl(dialect, migrate=migrate)

    def _record(self, kind: Kind, identity: Identity, who: str | None, reason: str | None) -> None:
        self._repository.record(identity, kind, name_of(who), text("reason", reason, optional=True))
