"""A checkpoint and its parts: whose load it is, which attempt works on it, and its position."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.model.task_state import MARKER, TaskState

DEFAULT_TABLE = "airflow_checkpoint"
"""The default name of the metadata table."""

ALL_RUNS = "*"
"""The ``run_id`` of a checkpoint that spans runs (an empty string would be NULL in Oracle)."""
SEEDED = "seeded"
"""The part of a fingerprint that marks a load that no attempt has begun, and names who set its position."""
RESOLVED = "destination table"
"""The part of a fingerprint with the table that the destination's name means in a session, where it exists."""
PARTITION = "partition"
"""The part of a fingerprint with the partition that is loaded, where many tasks load one table."""
SLICE = "deleted rows"
"""The part of a fingerprint with a digest of each statement by which the preoperator deletes some rows of the table."""
STAGE = "stage"
"""The part of a fingerprint that marks a load whose rows are staged before they are in the destination."""
AS_OF = "as of"
"""The part of a fingerprint that marks a load whose attempts all read one moment of the source."""
MOMENT = "moment"
"""The part of a fingerprint with that moment, in the notation of the source's database."""
NULL_KEYS = "rows without a key"
"""The part of a fingerprint that records that the moment has no such rows, where they would be left out."""
LOOP = "loop"
"""The part of a fingerprint with the iteration of a task loop that moved the checkpoint last."""


@dataclass(frozen=True, slots=True)
class Identity:
    """
    The task instance, or with ``run_id="*"`` the task, that a checkpoint belongs to.

    :param dag_id: its DAG
    :param task_id: its task, with its task groups
    :param run_id: its DAG run; ``*`` where the checkpoint spans runs
    :param map_index: its map index, or in a task loop its iteration; -1 where there is neither
    :param name: instead of a mapped task's index, distinguishes it from others of its task and run; empty where the
        index does
    """

    dag_id: str
    task_id: str
    run_id: str
    map_index: int = -1
    name: str = ""

    @property
    def within_task(self) -> dict[str, str]:
        """What distinguishes it from others of its task and run: the map index or the name, where there is one."""
        index = {"map_index": str(self.map_index)} if self.map_index >= 0 else {}
        return index | ({"name": self.name} if self.name else {})

    def __str__(self) -> str:
        index = f" [{self.map_index}]" if self.map_index >= 0 else ""
        index += f" [{self.name}]" if self.name else ""
        run = "all runs" if self.run_id == ALL_RUNS else f"run {self.run_id}"
        return f"{self.dag_id}.{self.task_id}{index}, {run}"


@dataclass(frozen=True, slots=True)
class Iteration:
    """
    One pass of a task loop.

    :param index: 0 for the first one
    :param region: Airflow's id of the execution that it belongs to; a clear of the loop gives later passes another one
    """

    index: int
    region: str

    @classmethod
    def of_text(cls, text: str | None) -> Iteration | None:
        """Read the output of :meth:`as_text`."""
        if text is None:
            return None
        index, _, region = text.partition(" of ")
        return cls(int(index), region)

    def as_text(self) -> str:
        """Return the form for a fingerprint."""
        return f"{self.index} of {self.region}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    One try of a task instance, with the values that tell a retry from a clear.

    :param run_id: the DAG run this attempt belongs to, also when the checkpoint spans runs
    :param run_after: the due time of the DAG run, which orders the runs of a DAG
    :param try_number: 1 for the first attempt, as Airflow counts
    :param max_tries: unchanged by automatic retries, changed by a clear
    :param retries: the task's ``retries``
    :param clear_number: how often anything in the DAG run was cleared
    :param owner: its host and process, for people
    :param iteration: its pass of a task loop, where it is in one
    :param map_index: its map index, also where the checkpoint has a name; ``None`` for an attempt of no task
    :param state: the state of the marker in the task state store; unknown after the claim
    :param leave: writes a marker there, with the fence of the claim, and returns whether it is there; ``None`` where
        there is no store, and after the claim
    :param has_marker: whether it has left a marker itself
    """

    run_id: str
    run_after: datetime | None
    try_number: int
    max_tries: int
    retries: int
    clear_number: int
    owner: str
    iteration: Iteration | None = None
    map_index: int | None = None
    state: TaskState = TaskState.UNKNOWN
    leave: Callable[[int], bool] | None = None
    has_marker: bool = False

    def marked(self, fingerprint: dict[str, str]) -> dict[str, str]:
        """Add what later attempts recognise a clear by: the iteration of a task loop, and the marker."""
        return {
            **fingerprint,
            **({LOOP: self.iteration.as_text()} if self.iteration else {}),
            **({MARKER: "left"} if self.has_marker else {}),
        }


@dataclass(frozen=True, slots=True)
class CatalogName:
    """
    A table's name as the catalog of its database has it.

    :param database: its database; ``None`` where a connection reaches one only
    :param schema: its schema; ``None`` where the database has none
    :param table: its name; ``None`` where nothing is known
    """

    database: str | None = None
    schema: str | None = None
    table: str | None = None

    def values(self) -> dict[str, str | None]:
        """Columns of the metadata table."""
        return {
            "destination_database": self.database,
            "destination_schema": self.schema,
            "destination_name": self.table,
        }


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """
    A row of the metadata table: the progress of a load, and its latest attempt. All times are in UTC.

    :param identity: whose it is
    :param status: the state of the load
    :param strategy: ``key``, ``python`` or ``none``
    :param key_columns: the columns of its key
    :param position: the committed position
    :param start: the starting point of this run: with ``scope="task"``, the mark of the run before
    :param lower: the key of the load's first row
    :param upper: the greatest key when the load began, up to which all attempts read
    :param rows: rows committed since the load began
    :param batches: batches committed since then
    :param fence: the number of the attempt that may write
    :param restarting: an attempt is about to start over, and has not emptied the destination yet
    :param forced: the load was started by ``force_reload``
    :param request_seen: the last request that an attempt has followed, as the id of its history entry
    :param run_id: the run that moved it last, also where it spans runs
    :param run_after: when that run was due
    :param try_number: the attempt that moved it last, and how Airflow counted it (``max_tries``, ``retries``,
        ``clear_number``)
    :param owner: host and process of that attempt
    :param fingerprint: the parts by which loads are compared, each as text or a digest
    :param source_conn_id: the connection that it reads from
    :param destination_conn_id: the connection that it writes to
    :param destination_table: the table that it writes to, as the task names it
    :param created_at: when the checkpoint was created
    :param started_at: when the load began
    :param updated_at: when the row was changed last
    :param committed_at: the last commit of the load: its beginning, a batch, progress of a key that is built, or its
        end; a claim does not change it
    :param completed_at: when the load was completed
    :param last_error: why its last attempt failed
    :param catalog: ``destination_table`` as the catalog has it
    :param claimed_map_index: the map index of the attempt that claimed it last; ``None`` where none has, or where that
        was an earlier version of this package
    """

    identity: Identity
    status: Status
    strategy: str
    key_columns: tuple[str, ...]
    position: Position
    start: Position
    lower: Key | None
    upper: Key | None
    rows: int
    batches: int
    fence: int
    restarting: bool
    forced: bool
    request_seen: int
    run_id: str
    run_after: datetime | None
    try_number: int
    max_tries: int
    retries: int
    clear_number: int
    owner: str
    fingerprint: dict[str, str]
    source_conn_id: str
    destination_conn_id: str
    destination_table: str
    created_at: datetime
    started_at: datetime
    updated_at: datetime
    committed_at: datetime
    completed_at: datetime | None
    last_error: str | None
    catalog: CatalogName = field(default_factory=CatalogName)
    claimed_map_index: int | None = None

    @property
    def is_seeded(self) -> bool:
        """Whether its position was seeded, and no attempt has begun the load yet."""
        return SEEDED in self.fingerprint

    @property
    def stages(self) -> bool:
        """Whether rows are staged before they are in the destination."""
        return STAGE in self.fingerprint

    @property
    def iteration(self) -> Iteration | None:
        """The pass of a task loop that moved it last, where the task is in one."""
        return Iteration.of_text(self.fingerprint.get(LOOP))

    def after_batch(self, rows: int, end: Position, lower: Key | None) -> Checkpoint:
        """
        Return the checkpoint after one more batch.

        :param rows: rows of the batch
        :param end: the position after it
        :param lower: the key of the load's first row
        """
        return replace(self, position=end, rows=self.rows + rows, batches=self.batches + 1, lower=lower)


@dataclass(frozen=True, slots=True)
class Load:
    """A load, as its checkpoint stores it."""

    strategy: str
    key_columns: tuple[str, ...]
    fingerprint: dict[str, str]
    source_conn_id: str
    destination_conn_id: str
    destination_table: str
    catalog: CatalogName = field(default_factory=CatalogName)

    def marked_by(self, attempt: Attempt) -> Load:
        """Add what later attempts recognise a clear by."""
        return replace(self, fingerprint=attempt.marked(self.fingerprint))

    def values(self) -> dict[str, Any]:
        """Columns of the metadata table."""
        return {
            "strategy": self.strategy,
            "key_columns": json.dumps(self.key_columns),
            "fingerprint": json.dumps(self.fingerprint),
            "source_conn_id": self.source_conn_id,
            "destination_conn_id": self.destination_conn_id,
            "destination_table": self.destination_table,
            **self.catalog.values(),
        }
