"""Checkpoints of several databases as one list, and single ones."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from airflow_checkpoint_provider.engine.admin.search import Found, Listed, Search
from airflow_checkpoint_provider.engine.admin.states import sum_of_states
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.errors import (
    InvalidCheckpointError,
    NewerFormatError,
    one_line,
)
from airflow_checkpoint_provider.engine.model.status import FILTERS, Status
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry, is_staged
from airflow_checkpoint_provider.engine.store.past_runs import Run, earlier_runs, runs_of
from airflow_checkpoint_provider.engine.store.rejected.reasons import ReasonCount
from airflow_checkpoint_provider.engine.store.rejected.rejects import Reject
from airflow_checkpoint_provider.engine.store.row_mapper import unreadable as unreadable_row
from airflow_checkpoint_provider.engine.store.row_reading import UnreadableRow
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.instances import interrupted
from airflow_checkpoint_provider.hooks.settings import stalled_after
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.display.loads import MappedLoad, mapped_loads
from airflow_checkpoint_provider.plugin.display.usual import MOST_RUNS, Usual
from airflow_checkpoint_provider.plugin.models import View, query_of
from airflow_checkpoint_provider.plugin.reading import Trouble
from airflow_checkpoint_provider.plugin.services import reader

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Damaged:
    """An unreadable row, and its place."""

    place: Place
    row: UnreadableRow

    @property
    def href(self) -> str | None:
        """The address of its page, from a page beside it."""
        return f"task?{query_of(self.row.identity, self.place)}" if self.row.identity else None


@dataclass(frozen=True, slots=True)
class Result:
    """
    A page of a list.

    :param total: number of matches on all pages
    :param counts: number of checkpoints in each state
    :param unreadable: unreadable rows on this page, and their places
    :param at_least: the states with more checkpoints than ``counts`` has
    :param among_newest: number of the newest checkpoints of each database that were searched for a text, or sorted
    :param more: whether a page may follow this one, whatever ``total`` is
    :param loads: of views that stand for all instances of a mapped task in one run, those instances
    """

    views: list[View]
    total: int
    counts: dict[Status, int]
    dag_ids: list[str]
    unreadable: list[Damaged]
    troubles: list[Trouble]
    at_least: frozenset[Status] = frozenset()
    among_newest: int | None = None
    more: bool = False
    loads: dict[tuple[Place, Identity], MappedLoad] = field(default_factory=dict)

    def load_of(self, view: View) -> MappedLoad | None:
        """Return the mapped load that a view stands for; ``None`` where it stands for itself."""
        return self.loads.get((view.place, view.identity))

    @property
    def moves(self) -> bool:
        """Whether a load on this page is running."""
        parts = (part for load in self.loads.values() for part in load.parts)
        return any(view.state == Status.RUNNING for view in chain(self.views, parts))

    @property
    def mapped(self) -> bool:
        """Whether a line of this page is of one instance of a mapped task."""
        return any(view.index is not None and not self.load_of(view) for view in self.views)

    @property
    def all(self) -> int:
        """The number of checkpoints in all states."""
        return sum_of_states(self.counts)


REJECTS_SHOWN = 10
_Answer = tuple[
    Checkpoint | None,
    HistoryEntry | None,
    Sequence[HistoryEntry],
    int,
    Sequence[Reject],
    Sequence[ReasonCount],
    Sequence[Run],
]


@dataclass(frozen=True, slots=True)
class Subject:
    """One checkpoint with its history; without the checkpoint when it was deleted, or is not there yet.

    :param rejected: number of rows that its destination has refused
    :param rejects: the first of them
    :param reasons: the reasons, counted
    :param usual: the last runs before it, combined
    :param damaged: its row, where that cannot be read
    """

    view: View | None
    entries: Sequence[HistoryEntry]
    troubles: list[Trouble]
    rejected: int = 0
    rejects: Sequence[Reject] = ()
    reasons: Sequence[ReasonCount] = ()
    usual: Usual | None = None
    damaged: Damaged | None = None


def find(places: Iterable[Place], search: Search, order_by: str, limit: int, offset: int) -> Result:
    """Return a page of the checkpoints of all places, in one order."""

    def question(hook: CheckpointHook) -> Found:
        # Any row up to the end of the page may be on it: the order is known only over all places.
        alone = len(asked) == 1
        return hook.find(
            search,
            limit=limit if alone else offset + limit,
            offset=offset if alone else 0,
            order_by=order_by,
        )

    asked = list(places)
    answers = reader().ask(asked, question)
    # Several connections may lead to one table.
    tables = {answer.table: place for place, answer in reversed(answers.by_place.items())}
    by_place = {place: answers.by_place[place] for place in sorted(tables.values())}
    now = datetime.now(UTC)
    found = [(listed, place) for place, answer in by_place.items() for listed in answer.rows]
    if len(asked) > 1:
        found.sort(key=lambda pair: _order(order_by)(pair[0]), reverse=order_by.startswith("-"))
        found = found[offset : offset + limit]
    counts: Counter[Status] = Counter(dict.fromkeys(FILTERS, 0))
    for answer in by_place.values():
        counts.update(answer.counts)
    at_least = frozenset().union(*(answer.at_least for answer in by_place.values()))
    parts = [(listed, place) for place, answer in by_place.items() for listed in answer.parts]
    over = interrupted(listed.checkpoint for listed, _ in chain(found, parts))
    listed_ones, instances = (
        [
            described(place, listed, over(listed.checkpoint), search.stalled_after, now)
            for listed, place in some
        ]
        for some in (found, parts)
    )
    unreadable = [Damaged(place, row) for place, answer in by_place.items() for row in answer.unreadable]
    unreadable += [one for one in listed_ones if isinstance(one, Damaged)]
    views = [one for one in listed_ones if isinstance(one, View)]
    uncounted = bool(at_least & ({search.state} if search.state else set(FILTERS)))
    more = any(answer.more for answer in by_place.values()) if search.by_load else uncounted
    return Result(
        views,
        sum(answer.total for answer in by_place.values()),
        dict(counts),
        sorted({dag_id for answer in by_place.values() for dag_id in answer.dag_ids}),
        unreadable,
        answers.troubles,
        at_least,
        next((answer.among_newest for answer in by_place.values() if answer.among_newest), None),
        more and (search.by_load or len(found) == limit),
        mapped_loads(
            views,
            [one for one in instances if isinstance(one, View)],
            {(place, run): one for place, answer in by_place.items() for run, one in answer.loads.items()},
        ),
    )


def look(
    places: Iterable[Place], dag_id: str, task_id: str, run_id: str, map_index: int, name: str = ""
) -> Subject:
    """
    Return a task instance's checkpoint: its own, else one that it has claimed by name, or one that spans runs.

    :param name: of the checkpoint, where a named one is requested
    """

    def question(hook: CheckpointHook) -> _Answer | UnreadableRow:
        identity = Identity(dag_id, task_id, run_id, map_index, name)
        try:
            own = hook.look(dag_id, task_id, run_id, map_index, name)
            if not (own[0] or own[2] or name):
                for claimed in _claimed(hook, dag_id, task_id, run_id, map_index):
                    identity = claimed
                    own = hook.look(dag_id, task_id, claimed.run_id, claimed.map_index, claimed.name)
            if not (own[0] or own[2] or run_id == ALL_RUNS):
                identity = replace(identity, run_id=ALL_RUNS)
                own = hook.look(dag_id, task_id, None, map_index, name)
        except (InvalidCheckpointError, NewerFormatError) as error:
            return UnreadableRow(identity, str(error), isinstance(error, InvalidCheckpointError))
        if own[0] is None:
            return *own, 0, (), (), ()
        who = own[0].identity
        key = (who.dag_id, who.task_id, who.run_id, who.map_index, who.name)
        number, first = hook.look_at_rejects(*key, limit=REJECTS_SHOWN, whole=False)
        reasons = hook.reject_reasons(*key) if number else ()
        return *own, number, first, reasons, _runs_before(hook, own[0], own[2])

    answers = reader().ask(places, question)
    now = datetime.now(UTC)
    told = {place: answer for place, answer in answers.by_place.items() if isinstance(answer, tuple)}
    kept = [(place, *answer) for place, answer in told.items() if answer[0]]
    # A task that was moved to another destination has left an older checkpoint behind.
    kept.sort(key=lambda entry: entry[1].updated_at if entry[1] else now, reverse=True)
    for place, checkpoint, request, entries, rejected, rejects, reasons, runs in kept:
        if checkpoint:
            listed = Listed(checkpoint, request, _sample(entries), is_staged(entries), rejected)
            over = interrupted([checkpoint])(checkpoint)
            view = described(place, listed, over, stalled_after(), now)
            if not isinstance(view, View):
                return Subject(None, (), answers.troubles, damaged=view)
            return Subject(view, entries, answers.troubles, rejected, rejects, reasons, Usual.of(runs))
    for place, answer in answers.by_place.items():
        if isinstance(answer, UnreadableRow):
            return Subject(None, (), answers.troubles, damaged=Damaged(place, answer))
    entries = next((answer[2] for answer in told.values() if answer[2]), ())
    return Subject(None, entries, answers.troubles)


def _runs_before(
    hook: CheckpointHook, checkpoint: Checkpoint, entries: Sequence[HistoryEntry]
) -> Sequence[Run]:
    """Return the last completed runs of a task before that of a checkpoint."""
    who = checkpoint.identity
    if who.run_id == ALL_RUNS:
        return earlier_runs(entries)
    same: dict[str, Any] = {"dag_id": who.dag_id, "task_id": who.task_id}
    same |= {"map_index": who.map_index, "name": who.name}
    done, _ = hook.list_all(**same, status=Status.COMPLETED.value, limit=MOST_RUNS + 1)
    return runs_of(one for one in done if one.started_at < checkpoint.started_at)


def _claimed(hook: CheckpointHook, dag_id: str, task_id: str, run_id: str, map_index: int) -> list[Identity]:
    """Return the checkpoint with a name that a task instance has claimed, if there is one."""
    if map_index < 0 or run_id == ALL_RUNS:
        return []
    found = hook.list(
        dag_id=dag_id, task_id=task_id, run_id=[run_id, ALL_RUNS], claimed_map_index=map_index, limit=10
    )
    named = [one.identity for one in found if one.identity.name and one.run_id == run_id]
    return named[:1]


def described(
    place: Place, listed: Listed, instance: str | None, stalled_after: timedelta, now: datetime
) -> View | Damaged:
    """Describe a checkpoint; one with inconsistent values hides no other."""
    try:
        return View.of(place, listed, instance, stalled_after, now)
    except (ValueError, TypeError, ArithmeticError, AttributeError) as error:
        identity = listed.checkpoint.identity
        log.exception("The checkpoint of %s in %s cannot be shown", identity, place)
        return Damaged(place, UnreadableRow(identity, str(unreadable_row(identity, one_line(error)))))


def _sample(entries: Sequence[HistoryEntry]) -> HistoryEntry | None:
    """Return the entry to measure the speed from: a recent one, because older progress is thinned out."""
    moments = [entry for entry in entries if entry.kind in ("started", "resumed", "progress")]
    recent = moments[-3:]
    starts = [entry for entry in recent if entry.kind != "progress"]
    return starts[-1] if starts else next(iter(recent), None)


def _order(order_by: str) -> Callable[[Listed], tuple[Any, ...]]:
    name = order_by.removeprefix("-")
    attribute = {"rows_written": "rows"}.get(name, name)

    def key(listed: Listed) -> tuple[Any, ...]:
        checkpoint = listed.checkpoint
        source = checkpoint.identity if attribute in ("dag_id", "task_id", "run_id", "name") else checkpoint
        return (getattr(source, attribute),)

    return key
