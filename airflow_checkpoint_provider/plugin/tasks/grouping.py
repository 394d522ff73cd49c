"""Groups of tasks with what Airflow and the metadata tables know of their runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain

from airflow_checkpoint_provider.engine.admin.newest import Newest
from airflow_checkpoint_provider.engine.admin.search import MOST_IN_LIST, Listed, Search
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.hooks.airflow_internals.group_runs import (
    BegunRun,
    newest_runs,
    states_in_runs,
)
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.instances import interrupted
from airflow_checkpoint_provider.hooks.settings import stalled_after
from airflow_checkpoint_provider.hooks.task_groups import TransferGroup
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.access import Viewer
from airflow_checkpoint_provider.plugin.display.groups import GroupLoad, group_href
from airflow_checkpoint_provider.plugin.known import known_to, places_for_tasks
from airflow_checkpoint_provider.plugin.models import View
from airflow_checkpoint_provider.plugin.reading import Trouble
from airflow_checkpoint_provider.plugin.services import discovery, reader
from airflow_checkpoint_provider.plugin.tasks import finding

MOST_READ = 5_000
"""The newest checkpoints that are read: of each database, or of one group."""
_Kept = tuple[Place, Checkpoint]


@dataclass(frozen=True, slots=True)
class Groups:
    """
    Groups as they are read, each in its newest run.

    :param more: whether there are older checkpoints that were not read
    """

    loads: Sequence[GroupLoad]
    troubles: Sequence[Trouble]
    more: bool


def group_link(view: View) -> dict[str, str] | None:
    """Return the name and the address of the group that the task of a checkpoint is in."""
    who = view.identity
    group = discovery().places().group_of(who.dag_id, who.task_id)
    if group is None:
        return None
    return {
        "name": group.group_id,
        "href": group_href(who.dag_id, group.group_id, view.checkpoint.run_id),
    }


def all_groups(viewer: Viewer) -> Groups:
    """Read the groups of all DAGs that the viewer may see; one without a run that has begun is left out."""
    known = discovery().places()
    dag_ids = {dag_id for dag_id, _ in known.groups}
    readable = viewer.readable()(dag_ids) if dag_ids else set()
    runs = newest_runs(readable)
    states = states_in_runs([(run.dag_id, run.run_id) for run in runs.values()])
    groups = [group for (dag_id, _), group in sorted(known.groups.items()) if dag_id in runs]
    tasks = {(group.dag_id, task_id) for group in groups for task_id in group.transfers}
    places = [place for place in known.all() if known.tasks.get(place, set()) & tasks]
    places = known_to(viewer, places or known.all() if tasks else [])
    answers = reader().ask(
        places, lambda hook: hook.newest(readable=lambda dag_ids: runs.keys() & set(dag_ids), limit=MOST_READ)
    )
    kept = [
        (place, one)
        for place, one in _each_once(answers.by_place)
        if (one.identity.dag_id, one.identity.task_id) in tasks
        and one.run_id == runs[one.identity.dag_id].run_id
    ]
    views: dict[str, dict[str, list[View]]] = defaultdict(lambda: defaultdict(list))
    for view in _views(kept):
        views[view.identity.dag_id][view.identity.task_id].append(view)
    loads = []
    for group in groups:
        run = runs[group.dag_id]
        instances = states.get((run.dag_id, run.run_id), {})
        loads.append(GroupLoad.of(group, run, instances, views[group.dag_id]))
    more = any(answer.more for answer in answers.by_place.values())
    return Groups(sorted(loads, key=lambda load: load.urgency), answers.troubles, more)


def one_group(viewer: Viewer, group: TransferGroup, run: BegunRun) -> tuple[GroupLoad, finding.Result]:
    """Read a group in one run; of a group with more tables than one search takes, the checkpoints of the first."""
    places = places_for_tasks(viewer, group.dag_id, group.transfers)
    search = Search(
        dag_id=group.dag_id,
        task_ids=group.transfers[:MOST_IN_LIST],
        run_ids=(run.run_id, ALL_RUNS),
        stalled_after=stalled_after(),
    )
    found = finding.find(places, search, "-committed_at", MOST_READ, 0)
    views: dict[str, list[View]] = defaultdict(list)
    for view in found.views:
        if view.checkpoint.run_id == run.run_id:  # a later one may have moved a checkpoint of all runs
            views[view.identity.task_id].append(view)
    key = (run.dag_id, run.run_id)
    return GroupLoad.of(group, run, states_in_runs([key]).get(key, {}), views), found


def _each_once(found: Mapping[Place, Newest]) -> Iterator[_Kept]:
    """Yield the checkpoints of all places; several connections may lead to one table."""
    tables = {found[place].table: place for place in sorted(found, reverse=True)}
    for place in sorted(tables.values()):
        for one in found[place].checkpoints:
            yield place, one


def _views(kept: Sequence[_Kept]) -> Iterator[View]:
    over, now, after = interrupted(one for _, one in kept), datetime.now(UTC), stalled_after()
    for place, one in kept:
        view = finding.described(place, Listed(one), over(one), after, now)
        if isinstance(view, View):
            yield view


def with_details(loads: Sequence[GroupLoad]) -> list[GroupLoad]:
    """Add what the history and the rejected rows tell about the checkpoints of groups."""
    by_place: dict[Place, list[Checkpoint]] = defaultdict(list)
    for view in chain.from_iterable(table.views for load in loads for table in load.tables):
        by_place[view.place].append(view.checkpoint)

    def ask(hook: CheckpointHook, mine: list[Checkpoint]) -> tuple[frozenset[Identity], dict[Identity, int]]:
        return hook.staged(mine), hook.rejected(mine)

    told = reader().ask_each({place: partial(ask, mine=mine) for place, mine in by_place.items()}).by_place

    def detailed(view: View) -> View:
        staged, rejected = told.get(view.place, (frozenset[Identity](), {}))
        state = Status.STAGED if view.identity in staged and view.state is Status.COMPLETED else view.state
        return replace(view, state=state, rejected=rejected.get(view.identity, 0))

    return [
        load.with_tables([replace(table, views=[*map(detailed, table.views)]) for table in load.tables])
        for load in loads
    ]
