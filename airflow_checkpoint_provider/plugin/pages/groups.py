"""Groups of tasks that load many tables: a line for each, and the page of one of them in one run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse

from airflow_checkpoint_provider.engine.admin.search import MOST_IN_LIST
from airflow_checkpoint_provider.engine.model.status import TROUBLED, Status
from airflow_checkpoint_provider.hooks.airflow_internals.group_runs import BegunRun, last_runs, run_of
from airflow_checkpoint_provider.plugin.access import Someone
from airflow_checkpoint_provider.plugin.desk import DeskRoute
from airflow_checkpoint_provider.plugin.display.group_tables import UPSTREAM_FAILED
from airflow_checkpoint_provider.plugin.display.groups import GroupLoad, group_href
from airflow_checkpoint_provider.plugin.known import shown_troubles
from airflow_checkpoint_provider.plugin.models import instance_href
from airflow_checkpoint_provider.plugin.pages.listing import Text
from airflow_checkpoint_provider.plugin.problems import described
from airflow_checkpoint_provider.plugin.rendering import linking, render
from airflow_checkpoint_provider.plugin.services import discovery
from airflow_checkpoint_provider.plugin.tasks.failed_tables import failed_tables
from airflow_checkpoint_provider.plugin.tasks.grouping import MOST_READ, all_groups, one_group, with_details

PAGE_SIZE = 20
_MOST_INSIDE = 50  # tables that a line opens to
_RUNS = 10  # the newest runs to choose from

router = APIRouter(
    default_response_class=HTMLResponse, responses=described(401, 403, 404, 422, 503), route_class=DeskRoute
)

FILTERS: dict[str, Callable[[GroupLoad], bool]] = {
    "failed": lambda load: bool(load.others) or load.count(*TROUBLED, UPSTREAM_FAILED) > 0,
    "running": lambda load: load.count(Status.RUNNING, Status.STALLED) > 0,
    "waiting": lambda load: load.count(Status.WAITING) > 0,
    "done": lambda load: load.done == len(load.tables) and not load.others,
}
"""The choices of the list, each with its condition."""


@router.get("/groups")
def groups(
    viewer: Someone,
    q: Text = "",
    only: Text = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> HTMLResponse:
    """Show every group of a DAG that the user may see, in its newest run."""
    viewer.require("GET", None)
    found = all_groups(viewer)
    chosen = {"q": q.strip(), "only": only if only in FILTERS else ""}
    among = [load for load in found.loads if _has_text(load, chosen["q"])]
    matching = [load for load in among if not chosen["only"] or FILTERS[chosen["only"]](load)]
    start = (page - 1) * PAGE_SIZE
    shown = with_details(matching[start : start + PAGE_SIZE])

    return render(
        "groups.html",
        loads=shown,
        total=len(matching),
        all=len(among),
        counts={name: sum(map(condition, among)) for name, condition in FILTERS.items()},
        chosen=chosen,
        link=linking("groups", chosen),
        page=page,
        page_size=PAGE_SIZE,
        most_inside=_MOST_INSIDE,
        most_read=MOST_READ if found.more else 0,
        troubles=shown_troubles(viewer, list(found.troubles)),
        refresh=3 if any(load.moves for load in shown) else 20,
    )


@router.get("/group")
def group(viewer: Someone, dag_id: Text, group_id: Text, run_id: Text = "") -> HTMLResponse:
    """Show a group in one run; without one, in the newest that has begun."""
    viewer.require("GET", dag_id)
    mine = discovery().places().groups.get((dag_id, group_id))
    if mine is None:
        raise HTTPException(404, f"DAG {dag_id} has no group {group_id} with several transfers.")
    runs = last_runs(dag_id, _RUNS)
    run = _chosen(runs, dag_id, run_id)
    if run is None:
        text = f"no run {run_id} that has begun" if run_id else "no run that has begun yet"
        raise HTTPException(404, f"DAG {dag_id} has {text}.")
    load, found = one_group(viewer, mine, run)
    views = [view for table in load.tables for view in table.views]
    may_act = viewer.may("PUT", dag_id)
    is_whole = not found.more and not found.troubles and len(mine.transfers) <= MOST_IN_LIST
    return render(
        "group.html",
        load=load,
        runs=runs if run in runs else [*runs, run],
        run_href=lambda one: group_href(dag_id, group_id, one.run_id),
        other_href=lambda task_id: instance_href(dag_id, task_id, run.run_id, -1),
        failed=failed_tables(mine, run.run_id, views) if may_act and is_whole else None,
        unreadable=found.unreadable,
        most_read=MOST_READ if found.more else 0,
        most_tables=MOST_IN_LIST if len(mine.transfers) > MOST_IN_LIST else 0,
        troubles=shown_troubles(viewer, found.troubles),
        refresh=3 if load.moves else 20,
    )


def _chosen(runs: list[BegunRun], dag_id: str, run_id: str) -> BegunRun | None:
    if not run_id:
        return next(iter(runs), None)
    return next((run for run in runs if run.run_id == run_id), None) or run_of(dag_id, run_id)


def _has_text(load: GroupLoad, text: str) -> bool:
    """Return whether a text is part of an id or of the name of a table."""
    names = (load.group.dag_id, load.group.group_id, load.run.run_id, *(table.name for table in load.tables))
    return any(text.lower() in name.lower() for name in names)
