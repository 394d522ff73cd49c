"""Reading and managing checkpoints."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseHook

from airflow_checkpoint_provider.engine.checkpoint import ALL_RUNS, Checkpoint, Identity
from airflow_checkpoint_provider.engine.checks import identifier, text, whole_number
from airflow_checkpoint_provider.engine.decision import Request
from airflow_checkpoint_provider.engine.history import Event, Kind
from airflow_checkpoint_provider.engine.schema import DEFAULT_TABLE, Tables
from airflow_checkpoint_provider.hooks.databases import open_database

if TYPE_CHECKING:
    from airflow_checkpoint_provider.engine.catalog import Catalog
    from airflow_checkpoint_provider.engine.search import Found, Search


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
    def _catalog(self) -> Catalog:
        from airflow_checkpoint_provider.engine.catalog import Catalog

        return Catalog(open_database(self.checkpoint_conn_id, "checkpoint_conn_id"), self.checkpoint_table)

    def get(
        self, dag_id: str, task_id: str, run_id: str | None = None, map_index: int = -1
    ) -> Checkpoint | None:
        """
        Return a checkpoint, or ``None``.

        :param run_id: the DAG run; by default the checkpoint that spans runs (``scope="task"``)
        """
        return self._catalog.get(_identity(dag_id, task_id, run_id, map_index))

    def list(
        self, *, limit: int | None = 100, offset: int = 0, order_by: str = "-updated_at", **filters: Any
    ) -> Sequence[Checkpoint]:
        """
        Return checkpoints.

        :param limit: at most so many, ``None`` for all
        :param offset: leave out so many first
        :param order_by: a column, with ``-`` in front for descending
        :param filters: ``dag_id``, ``task_id``, ``run_id``, ``map_index``, ``status``, ``strategy`` or
            ``destination_table``, each a value or a list of values; ``updated_before``, a time
        :raises ArgumentError: for another filter or order
        """
        return self._catalog.list(filters, **_limits(limit, offset), order_by=order_by)

    def history(
        self,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        *,
        limit: int | None = 100,
        offset: int = 0,
    ) -> Sequence[Event]:
        """Return what happened to a checkpoint, newest first."""
        identity = _identity(dag_id, task_id, run_id, map_index)
        return self._catalog.history(identity, **_limits(limit, offset))

    def pending_requests(self, checkpoints: Sequence[Checkpoint]) -> dict[Identity, Request]:
        """Return the requests that no attempt has followed yet, by the identity of the checkpoint."""
        return self._catalog.requests(checkpoints)

    def find(
        self, search: Search, *, limit: int = 50, offset: int = 0, order_by: str = "-updated_at"
    ) -> Found:
        """
        Return a page of the checkpoints that match, with what was asked of them, and how many there are.

        :raises ArgumentError: for another order than :meth:`list` knows
        """
        return self._catalog.find(search, **_limits(limit, offset), order_by=order_by)

    def look(
        self, dag_id: str, task_id: str, run_id: str | None = None, map_index: int = -1, *, samples: int = 300
    ) -> tuple[Checkpoint | None, Event | None, Sequence[Event]]:
        """
        Return a checkpoint, what its next attempt was asked to do, and its history in the order of time.

        :param samples: about so many of its progress samples
        """
        identity = _identity(dag_id, task_id, run_id, map_index)
        return self._catalog.look(identity, whole_number("samples", samples, least=1))

    def request_reload(
        self,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        *,
        who: str | None = None,
        reason: str | None = None,
    ) -> None:
        """
        Ask the next attempt to start from the beginning; a running attempt is not disturbed.

        :param who: for the history; by default the user of this process
        :param reason: for the history
        """
        self._record(Kind.RELOAD_REQUESTED, _identity(dag_id, task_id, run_id, map_index), who, reason)

    def request_resume(
        self,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        *,
        who: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Ask the next attempt to resume, also when the task is cleared; see :meth:`request_reload`."""
        self._record(Kind.RESUME_REQUESTED, _identity(dag_id, task_id, run_id, map_index), who, reason)

    def cancel_request(
        self,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        *,
        who: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Take back a request that no attempt has followed yet; see :meth:`request_reload`."""
        self._record(Kind.REQUEST_CANCELLED, _identity(dag_id, task_id, run_id, map_index), who, reason)

    def delete(
        self,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        *,
        who: str | None = None,
    ) -> bool:
        """
        Delete a checkpoint, so that the next attempt knows of no earlier one; its history stays.

        :return: whether there was one
        """
        return self._catalog.delete(_identity(dag_id, task_id, run_id, map_index), _who(who))

    def purge(
        self,
        older_than: timedelta,
        status: str | tuple[str, ...] = "completed",
        *,
        dry_run: bool = False,
    ) -> int:
        """
        Delete old checkpoints with their history.

        :param older_than: nothing has happened to them for so long
        :param status: delete only those with this status, or one of these
        :param dry_run: only count them
        :return: how many
        """
        statuses = (status,) if isinstance(status, str) else status
        return self._catalog.purge(older_than, statuses, dry_run)

    def create_tables(self) -> None:
        """
        Create the metadata tables, if they are not there.

        :raises MetadataTableError: when the database refuses
        """
        self._catalog.create()

    def ddl(self, dialect: str) -> str:
        """
        Return the script that creates the metadata tables, for a DBA to run.

        :param dialect: ``postgresql``, ``sqlite``, ``oracle`` or ``mysql``
        """
        return Tables.named(self.checkpoint_table).ddl(dialect)

    def _record(self, kind: Kind, identity: Identity, who: str | None, reason: str | None) -> None:
        self._catalog.record(identity, kind, _who(who), text("reason", reason, optional=True))


def _identity(dag_id: str, task_id: str, run_id: str | None, map_index: int) -> Identity:
    return Identity(
        identifier("dag_id", dag_id),
        identifier("task_id", task_id),
        identifier("run_id", run_id or None, optional=True) or ALL_RUNS,
        whole_number("map_index", map_index, least=-1),
    )


def _limits(limit: int | None, offset: int) -> dict[str, Any]:
    return {
        "limit": whole_number("limit", limit, optional=True),
        "offset": whole_number("offset", offset),
    }


def _who(who: str | None) -> str:
    return text("who", who, optional=True, most=400) or _user()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "unknown"
