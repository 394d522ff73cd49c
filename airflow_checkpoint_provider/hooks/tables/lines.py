"""One line of facts for each destination table, across DAGs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain

from airflow_checkpoint_provider.engine.admin.newest import Newest
from airflow_checkpoint_provider.engine.admin.table_loads import TableLoad, loads_of
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.hooks.airflow_internals.conditions import Task
from airflow_checkpoint_provider.hooks.airflow_internals.schedule import NextRun, next_runs
from airflow_checkpoint_provider.hooks.discovery import Places
from airflow_checkpoint_provider.hooks.instances import interrupted
from airflow_checkpoint_provider.hooks.tables.last_loads import (
    Candidates,
    Kept,
    LastLoad,
    Staged,
    check,
    complete_loads,
)
from airflow_checkpoint_provider.hooks.tables.servers import Servers, TableKey
from airflow_checkpoint_provider.hooks.transfers import Place


@dataclass(frozen=True, slots=True)
class Writer:
    """
    A task that loads a table.

    :param is_current: whether a DAG of this Airflow has it as a transfer
    :param newest: the checkpoints of its newest load; none before the first one
    """

    task: Task
    is_current: bool
    newest: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class TableLine:
    """
    The facts of one table.

    :param table: as its newest load names it
    :param conn_id: the connection by which that writes it
    :param team: whose connection it is; empty where it has none
    :param last: the last complete load; ``None`` where there is none, or it is not known
    :param is_unsure: whether there may be a later one: a database does not answer, or not all checkpoints were read
    :param at_work: the checkpoints of attempts at work
    :param failed: checkpoints of the newest loads that have failed, or whose process was killed
    :param writers: the tasks that load it; those of present DAGs first
    :param next_run: the next scheduled run of their DAGs; ``None`` where Airflow plans none
    """

    table: str
    conn_id: str
    team: str
    last: LastLoad | None
    is_unsure: bool
    at_work: tuple[Kept, ...]
    failed: tuple[Kept, ...]
    writers: tuple[Writer, ...]
    next_run: NextRun | None

    @property
    def current(self) -> tuple[Writer, ...]:
        """The tasks of present DAGs that load it; all, where none of them is known to this Airflow."""
        return tuple(writer for writer in self.writers if writer.is_current) or self.writers


@dataclass(frozen=True, slots=True)
class Read:
    """
    What was read, for all tables.

    :param found: the newest checkpoints of each place, of DAGs that may be seen
    :param silent: places that have not answered
    :param known: the places and transfers of DAGs
    :param readable: selects the DAGs that may be seen
    """

    found: Mapping[Place, Newest]
    silent: Collection[Place]
    known: Places
    readable: Callable[[Collection[str]], Collection[str]]

    @property
    def more(self) -> bool:
        """Whether there are older checkpoints that were not read."""
        return any(newest.more for newest in self.found.values())


def table_lines(read: Read, staged: Staged) -> list[TableLine]:
    """Combine the newest checkpoints of all places with what Airflow knows of their DAGs, in the order of names."""
    servers = Servers(read.found)
    kept: dict[TableKey, list[Kept]] = defaultdict(list, servers.by_table())
    declared = _declared(read, servers)
    for key in declared:
        kept[key]  # a table that was never loaded has no checkpoint
    loads = {key: loads_of(one for _, one in mine) for key, mine in kept.items()}
    completed = {place: newest.completed for place, newest in read.found.items()}
    complete = {key: complete_loads(mine, loads[key], completed) for key, mine in kept.items()}
    check(complete.values(), [*chain.from_iterable(loads.values())], staged)
    over = interrupted(one for _, one in chain.from_iterable(kept.values()))
    lines = [
        _line(mine, loads[key], declared.get(key, {}), complete[key], read, over)
        for key, mine in kept.items()
    ]
    runs = next_runs({writer.task[0] for line in lines for writer in line.current})
    lines = [replace(line, next_run=_first(line, runs)) for line in lines]
    return sorted(lines, key=lambda line: (line.table, line.conn_id, line.team))


def _declared(read: Read, servers: Servers) -> dict[TableKey, dict[Task, tuple[str, str, str]]]:
    """Return the tables that DAGs name, each with the tasks that write it, by connection, team and name."""
    seen = set(read.readable({dag_id for dag_id, _ in read.known.targets}))
    found: dict[TableKey, dict[Task, tuple[str, str, str]]] = defaultdict(dict)
    for task, (conn_id, table) in sorted(read.known.targets.items()):
        if task[0] in seen:
            team = min((place.team for place in read.known.where(task)), default="")
            found[servers.key(conn_id, team, table)][task] = (conn_id, team, table)
    return found


def _line(
    kept: list[Kept],
    loads: list[TableLoad],
    declared: Mapping[Task, tuple[str, str, str]],
    complete: Candidates,
    read: Read,
    over: Callable[[Checkpoint], str | None],
) -> TableLine:
    """
    Describe one table.

    :param over: returns a state for checkpoints that are stored as running whose attempt has ended
    """
    places = {id(one): place for place, one in kept}
    newest: dict[Task, TableLoad] = {}
    for load in sorted(loads, key=lambda load: load.started_at):
        newest[load.key[:2]] = load
    tasks = {*newest, *declared}
    writers = [
        Writer(
            task,
            task in read.known.transfers,
            tuple((places[id(one)], one) for one in newest[task].checkpoints) if task in newest else (),
        )
        for task in tasks
    ]
    if kept:
        place, last = max(kept, key=lambda one: one[1].committed_at)
        name = (last.destination_table, last.destination_conn_id, place.team)
    else:
        conn_id, team, table = next(iter(declared.values()))
        name = (table, conn_id, team)
    silent = any(place in read.silent for task in tasks for place in read.known.of(*task))
    line = TableLine(
        *name,
        last=complete.last,
        is_unsure=complete.is_unknown or silent or (read.more and complete.last is None),
        at_work=tuple((place, one) for place, one in kept if one.status is Status.RUNNING and not over(one)),
        failed=(),
        writers=tuple(sorted(writers, key=lambda writer: (not writer.is_current, writer.task))),
        next_run=None,
    )
    failed = [
        (place, one)
        for writer in line.current
        for place, one in writer.newest
        if one.status is Status.FAILED or over(one)
    ]
    return replace(line, failed=tuple(failed))


def _first(line: TableLine, runs: Mapping[str, NextRun]) -> NextRun | None:
    """Return the next run of those that load a table: of a DAG that is paused, only where all are."""
    of_dags = {writer.task[0] for writer in line.current}
    planned = [runs[dag_id] for dag_id in of_dags if dag_id in runs]
    return min(
        planned,
        key=lambda run: (run.paused, run.at is None, run.at or datetime.max.replace(tzinfo=UTC)),
        default=None,
    )
