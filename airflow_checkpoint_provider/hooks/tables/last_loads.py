"""The last complete load of each table: of all its parts, and not only staged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from airflow_checkpoint_provider.engine.admin.table_loads import TableLoad
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry
from airflow_checkpoint_provider.hooks.airflow_internals.schedule import unfinished
from airflow_checkpoint_provider.hooks.instances import instance_of
from airflow_checkpoint_provider.hooks.transfers import Place

Kept = tuple[Place, Checkpoint]
"""A checkpoint, and where it is kept."""
Staged = Callable[[Mapping[Place, Sequence[Checkpoint]]], Collection[tuple[Place, Identity]]]
"""Returns those of completed checkpoints whose rows are staged and not yet published, or may be."""

_MOST_ROUNDS = 5  # complete loads of a table to check, before its last one counts as unknown


@dataclass(frozen=True, slots=True)
class LastLoad:
    """
    A complete load.

    :param at: when it was completed
    :param rows: of this load; ``None`` where they are not known
    :param place: where its checkpoints are
    :param checkpoint: one of them
    """

    at: datetime
    rows: int | None
    place: Place
    checkpoint: Checkpoint
    _load: TableLoad | None = None

    @property
    def _stored(self) -> tuple[Checkpoint, ...]:
        return self._load.checkpoints if self._load else ()


@dataclass(slots=True)
class Candidates:
    """
    The complete loads of one table.

    :param loads: the last one first; the first that is whole and published is the one to show
    :param is_unknown: whether too many of them are not
    """

    loads: list[LastLoad] = field(default_factory=list)
    is_unknown: bool = False

    @property
    def last(self) -> LastLoad | None:
        """The last complete load, once all are checked."""
        return self.loads[0] if self.loads else None


def complete_loads(
    kept: Sequence[Kept],
    loads: Sequence[TableLoad],
    completed: Mapping[Place, Mapping[Identity, HistoryEntry]],
) -> Candidates:
    """
    Collect the complete loads of a table.

    :param loads: the checkpoints, as loads
    :param completed: in each place, of checkpoints that span runs and are not complete now, their last completion
    """
    places = {id(one): place for place, one in kept}
    found = []
    for load in loads:
        first = load.checkpoints[0]
        if at := load.completed_at:
            found.append(LastLoad(at, load.rows, places[id(first)], first, load))
    for place, one in kept:
        if entry := completed[place].get(one.identity):
            # Of a mapped task this may be one part of the load.
            rows = entry.rows if one.identity.map_index < 0 and not one.identity.name else None
            found.append(LastLoad(entry.recorded_at, rows, place, one))
    return Candidates(sorted(found, key=lambda load: load.at, reverse=True))


def check(tables: Collection[Candidates], task_runs: Collection[TableLoad], staged: Staged) -> None:
    """
    Leave out loads that are staged and not yet published, and those of mapped tasks with instances still to load.

    :param task_runs: all loads, to recognise task instances without a checkpoint
    """
    known: dict[tuple[str, str, str], set[int]] = {}
    tables_of: dict[tuple[str, str, str], int] = {}
    for load in task_runs:
        known.setdefault(load.key, set()).update(instance_of(one)[3] for one in load.checkpoints)
        tables_of[load.key] = tables_of.get(load.key, 0) + 1
    waiting = [table for table in tables if table.loads]
    for _ in range(_MOST_ROUNDS):
        first = [table.loads[0] for table in waiting]
        mapped = {load._load.key for load in first if load._load and load._load.is_mapped}
        # Where a task loads several tables, an instance that has not begun may be of any of them.
        open_ = unfinished({key for key in mapped if tables_of[key] == 1}) if mapped else {}
        hidden = _hidden(first, staged)
        refused = []
        for table, newest in zip(waiting, first, strict=True):
            key = newest._load.key if newest._load else None
            is_open = key is not None and bool(open_.get(key, set()) - known[key])
            if is_open or any((newest.place, one.identity) in hidden for one in newest._stored):
                del table.loads[0]
                refused.append(table)
        waiting = [table for table in refused if table.loads]
        if not waiting:
            return
    for table in waiting:
        table.loads.clear()
        table.is_unknown = True


def _hidden(loads: Sequence[LastLoad], staged: Staged) -> Collection[tuple[Place, Identity]]:
    asked: dict[Place, list[Checkpoint]] = {}
    for load in loads:
        if some := [one for one in load._stored if one.stages]:
            asked.setdefault(load.place, []).extend(some)
    return staged(asked) if asked else ()
