"""Reading checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseHook

from airflow_checkpoint_provider.engine.model.checkpoint import DEFAULT_TABLE, Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.checks import ID_LENGTH, text, whole_number
from airflow_checkpoint_provider.engine.model.decision import Request
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry
from airflow_checkpoint_provider.hooks.arguments import identity_of, page_of
from airflow_checkpoint_provider.hooks.databases import open_database
from airflow_checkpoint_provider.hooks.settings import auto_create, stalled_after
from airflow_checkpoint_provider.hooks.transfers import Place

if TYPE_CHECKING:
    from airflow_checkpoint_provider.engine.admin.newest import Newest
    from airflow_checkpoint_provider.engine.admin.repository import CheckpointRepository
    from airflow_checkpoint_provider.engine.admin.search import Found, Search
    from airflow_checkpoint_provider.engine.databases.questions.server_sessions import ServerSession
    from airflow_checkpoint_provider.engine.store.rejected.reasons import ReasonCount
    from airflow_checkpoint_provider.engine.store.rejected.rejects import Reject
    from airflow_checkpoint_provider.engine.store.row_reading import UnreadableRow


class CheckpointReadingHook(BaseHook):
    """
    Read the checkpoints in a database.

    :param checkpoint_conn_id: the connection of the metadata table: a transfer's destination, or its
        ``checkpoint_conn_id``
    :param checkpoint_table: the metadata table
    :param team: outside of tasks, the team whose connection it is, where Airflow has teams
    """

    def __init__(
        self,
        checkpoint_conn_id: str,
        checkpoint_table: str = DEFAULT_TABLE,
        *,
        team: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.team = text("team", team, optional=True)
        self.checkpoint_conn_id = text("checkpoint_conn_id", checkpoint_conn_id, most=ID_LENGTH)
        self.checkpoint_table = checkpoint_table

    @property
    def place(self) -> Place:
        """The metadata table, and the connection that leads to it."""
        return Place(self.checkpoint_conn_id, self.checkpoint_table, self.team or "")

    @cached_property
    def _repository(self) -> CheckpointRepository:
        from airflow_checkpoint_provider.engine.admin.repository import CheckpointRepository
        from airflow_checkpoint_provider.engine.databases.limits import Limits

        return CheckpointRepository(
            open_database(self.checkpoint_conn_id, "checkpoint_conn_id", team=self.team, limits=Limits()),
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
        self, *, limit: int | None = 100, offset: int = 0, order_by: str = "-committed_at", **filters: Any
    ) -> Sequence[Checkpoint]:
        """
        Return checkpoints.

        :param limit: at most so many, ``None`` for all
        :param offset: leave out so many first
        :param order_by: a column, with ``-`` in front for descending
        :param filters: ``dag_id``, ``task_id``, ``run_id``, ``map_index``, ``name``, ``claimed_map_index``,
            ``strategy``, ``destination_table``, ``destination_database``, ``destination_schema``, ``destination_name``,
            ``status`` as it is stored (``seeded``, ``running``, ``failed``, ``completed``) or ``state`` as it is shown
            (these, ``stalled`` or ``requested``), ``request`` (``reload`` or ``resume``), each a value or a list of
            values; ``group``, whose id and a dot are in front of the task's; ``updated_before``, a time
        :return: those that can be read; the log has the reasons for the others, and :meth:`list_all` returns them
        :raises ArgumentError: for another filter, status, state or order
        """
        checkpoints, unreadable = self.list_all(limit=limit, offset=offset, order_by=order_by, **filters)
        for row in unreadable:
            self.log.warning("%s", row.reason)
        return checkpoints

    def list_all(
        self, *, limit: int | None = 100, offset: int = 0, order_by: str = "-committed_at", **filters: Any
    ) -> tuple[Sequence[Checkpoint], Sequence[UnreadableRow]]:
        """
        Return checkpoints as :meth:`list` does, and the rows among them that cannot be read.

        :param limit: at most so many of both, ``None`` for all
        :param offset: leave out so many first
        :param order_by: a column, with ``-`` in front for descending
        :param filters: see :meth:`list`
        :return: the checkpoints; and the others, each with its ``identity`` (``None`` where that cannot be read,
            either) and ``reason`` (the fault and the remedy)
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
        kind: str | Sequence[str] | None = None,
        limit: int | None = 100,
        offset: int = 0,
    ) -> Sequence[HistoryEntry]:
        """
        Return the history of a checkpoint, newest first; it stays after the checkpoint is deleted.

        :param run_id: the DAG run; by default the checkpoint that spans runs (``scope="task"``)
        :param name: instead of the map index, the task's ``checkpoint_name``
        :param kind: only entries of this kind, such as ``"failed"``, or of these
        :param limit: at most so many entries, ``None`` for all
        :param offset: leave out so many first
        :raises ArgumentError: for an unknown kind
        """
        identity = identity_of(dag_id, task_id, run_id, map_index, name)
        return self._repository.history(identity, kind=kind, **page_of(limit, offset))

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
        Return the number of rejected rows, and a page of them; see :meth:`rejects`.

        :param whole: also rows of more than a million characters
        """
        identity = identity_of(dag_id, task_id, run_id, map_index, name)
        return self._repository.rejects(identity, limit=limit, offset=offset, whole=whole)

    def rejected(self, checkpoints: Sequence[Checkpoint]) -> dict[Identity, int]:
        """
        Return the number of refused rows of each checkpoint; one without any is left out.

        :param checkpoints: the checkpoints, as :meth:`list` returns them
        """
        return self._repository.rejected(checkpoints)

    def reject_reasons(
        self, dag_id: str, task_id: str, run_id: str | None = None, map_index: int = -1, name: str = ""
    ) -> Sequence[ReasonCount]:
        """
        Return the reasons of the first 10,000 rejected rows of a load, the most frequent one first.

        :param run_id: without it, those of the checkpoint that spans runs
        :param name: instead of the map index, the task's ``checkpoint_name``
        :return: each with ``reason`` (without the values of a row), ``rows`` (how many) and ``first`` (its first row's
            number)
        """
        return self._repository.reject_reasons(identity_of(dag_id, task_id, run_id, map_index, name))

    def server_sessions(self) -> Sequence[ServerSession] | None:
        """
        Return the sessions of the connection's server that are at work or in a transaction, as far as its user may see.

        :return: each with ``id``, ``who``, ``own``, ``state``, ``seconds``, ``statement`` and ``waits_for``; ``None``
            where this kind of database is not queried
        """
        from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
        from airflow_checkpoint_provider.engine.databases.limits import Limits

        connection = open_database(
            self.checkpoint_conn_id, "checkpoint_conn_id", team=self.team, limits=Limits()
        ).open()
        try:
            return dialect_of(connection).server_sessions(connection)
        finally:
            connection.close()

    def pending_requests(self, checkpoints: Sequence[Checkpoint]) -> dict[Identity, Request]:
        """
        Return the requests that no attempt has followed yet, by the identity of the checkpoint.

        :param checkpoints: the checkpoints, as :meth:`list` returns them
        """
        return self._repository.requests(checkpoints)

    def staged(self, checkpoints: Sequence[Checkpoint]) -> frozenset[Identity]:
        """
        Return those of completed checkpoints whose rows are staged, for a ``CheckpointPublishOperator`` to publish.

        :param checkpoints: the checkpoints, as :meth:`list` returns them
        """
        return self._repository.staged(checkpoints)

    def find(
        self, search: Search, *, limit: int = 50, offset: int = 0, order_by: str = "-committed_at"
    ) -> Found:
        """
        Return a page of the matching checkpoints with their requests, and counts.

        :param search: the conditions
        :param limit: at most so many
        :param offset: leave out so many first
        :param order_by: a column, with ``-`` in front for descending
        :raises ArgumentError: for an order that :meth:`list` does not take
        """
        return self._repository.find(search, **page_of(limit, offset), order_by=order_by)

    def newest(
        self,
        *,
        readable: Callable[[Collection[str]], Collection[str]] = lambda dag_ids: dag_ids,
        limit: int = 5_000,
    ) -> Newest:
        """
        Return the newest checkpoints of a table, for facts about the tables that they load.

        :param readable: selects the DAGs that may be seen, from all DAGs; by default all
        :param limit: at most so many
        :return: with ``checkpoints``, ``unreadable`` rows, ``more`` (whether there are older ones), and ``completed``
            (the last completed run of checkpoints that span runs and are not complete now)
        """
        return self._repository.newest(readable, whole_number("limit", limit, least=1))

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
        Return a checkpoint, the request to its next attempt, and its history in the order of time.

        :param name: instead of the map index, the task's ``checkpoint_name``
        :param samples: the approximate number of its progress samples
        """
        identity = identity_of(dag_id, task_id, run_id, map_index, name)
        return self._repository.look(identity, whole_number("samples", samples, least=1))
