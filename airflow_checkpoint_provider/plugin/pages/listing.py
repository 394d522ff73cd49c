"""The lists: all checkpoints that a user may see, and those of a task."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse

from airflow_checkpoint_provider.engine.admin.search import Search
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS
from airflow_checkpoint_provider.engine.model.checks import ID_LENGTH
from airflow_checkpoint_provider.engine.model.partition import MOST_PARTS
from airflow_checkpoint_provider.engine.model.status import FILTERS, Status
from airflow_checkpoint_provider.hooks.airflow_internals.failures import LATELY, Among
from airflow_checkpoint_provider.hooks.settings import stalled_after
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.access import Someone
from airflow_checkpoint_provider.plugin.actions import WITHOUT_NUL
from airflow_checkpoint_provider.plugin.desk import DeskRoute
from airflow_checkpoint_provider.plugin.display.parts import Parts
from airflow_checkpoint_provider.plugin.known import is_unsure, known_to, places_for, shown_troubles
from airflow_checkpoint_provider.plugin.pages.load import load_page
from airflow_checkpoint_provider.plugin.problems import described
from airflow_checkpoint_provider.plugin.rendering import linking, render
from airflow_checkpoint_provider.plugin.services import discovery
from airflow_checkpoint_provider.plugin.tasks import finding
from airflow_checkpoint_provider.plugin.tasks.clearing import (
    FailedOnes,
    failed_indexes,
    failed_ones,
)
from airflow_checkpoint_provider.plugin.tasks.early import EarlyFailure, early_failures
from airflow_checkpoint_provider.plugin.tasks.grouping import group_link

Text = Annotated[str, Query(max_length=ID_LENGTH, pattern=WITHOUT_NUL)]

PAGE_SIZE = 50
MOST_SORTED = 20_000
"""Most rows read for a page of several databases: to sort them, all up to that page are read from each."""
_MOST_PAGES = 100_000
SORTS = ("dag_id", "task_id", "run_id", "status", "rows_written", "destination_table", "committed_at")

router = APIRouter(
    default_response_class=HTMLResponse, responses=described(401, 403, 404, 422, 503), route_class=DeskRoute
)


@router.get("/")
def overview(
    viewer: Someone,
    dag_id: Text = "",
    state: Text = "",
    q: Text = "",
    sort: Text = "-committed_at",
    page: Annotated[int, Query(ge=1, le=_MOST_PAGES)] = 1,
) -> HTMLResponse:
    """Show every checkpoint that the user may see."""
    viewer.require("GET", None)
    search = Search(
        dag_id=dag_id or None,
        state=Status(state) if state in FILTERS else None,
        text=q.strip() or None,
        stalled_after=stalled_after(),
        readable=viewer.readable(),
        by_load=True,
    )
    chosen = {"dag_id": dag_id, "state": search.state or "", "q": q.strip(), "sort": _sort(sort)}
    places = known_to(viewer, discovery().places().all())
    return _list(viewer, places, search, chosen, page, "list.html", "")


@router.get("/task")
def task(
    viewer: Someone,
    dag_id: Text,
    task_id: Text,
    run_id: Text = "",
    map_index: Text = "-1",
    name: Text = "",
    conn_id: Text = "",
    table: Text = "",
    team: Text = "",
    tab: bool = False,
    state: Text = "",
    sort: Text = "-committed_at",
    page: Annotated[int, Query(ge=1, le=_MOST_PAGES)] = 1,
) -> HTMLResponse:
    """Show the checkpoint of a task instance; without a run, those of all runs of the task."""
    viewer.require("GET", dag_id)
    places = places_for(viewer, dag_id, task_id, Place(conn_id, table, team) if conn_id else None)
    index = _index(map_index)
    if run_id:
        subject = finding.look(places, dag_id, task_id, run_id, index, name)
        found = subject.view or subject.damaged or subject.entries
        if found or index >= 0 or name or run_id == ALL_RUNS:
            early = [] if found else early_failures(viewer, [(dag_id, task_id)], Among(run_id, index))
            return load_page(viewer, subject, dag_id, task_id, tab, early, run_id)
    search = Search(
        dag_id=dag_id,
        task_id=task_id,
        run_id=run_id or None,
        state=Status(state) if state in FILTERS else None,
        stalled_after=stalled_after(),
        by_load=not run_id,
    )
    chosen = {"dag_id": dag_id, "task_id": task_id, "run_id": run_id, "state": search.state or ""}
    chosen |= {"sort": _sort(sort), "tab": "1" if tab else ""}
    return _list(viewer, places, search, chosen, page, "runs.html", "task")


def _list(
    viewer: Someone,
    places: list[Place],
    search: Search,
    chosen: dict[str, str],
    page: int,
    template: str,
    path: str,
) -> HTMLResponse:
    most = _MOST_PAGES if len(places) < 2 else max(MOST_SORTED // (len(places) * PAGE_SIZE), 1)
    if page > most:
        raise HTTPException(
            404,
            f"page: the first {most:,} can be shown of {len(places):,} databases together. Choose a DAG, a status or "
            "a text, so that fewer checkpoints are listed.",
        )
    result = finding.find(places, search, chosen["sort"], PAGE_SIZE, (page - 1) * PAGE_SIZE)
    early = _early(viewer, search) if page == 1 and search.state in (None, Status.FAILED) else []
    whole = _parts(places, search, result) if path == "task" else None

    return render(
        template,
        result=result,
        called=discovery().places().called,
        group_of=group_link,
        whole=whole,
        early=early,
        early_since=LATELY,
        failed=_failed(viewer, places, search, whole) if path == "task" else None,
        chosen=chosen,
        link=linking(path, chosen),
        page=page,
        pages=min(max(-(-result.total // PAGE_SIZE), page + 1 if result.more else 1), most),
        page_size=PAGE_SIZE,
        states=FILTERS,
        troubles=shown_troubles(viewer, result.troubles),
        unsure=is_unsure(result.troubles, search.dag_id, search.task_id),
        places=[] if result.views else known_to(viewer, places),
        refresh=3 if result.moves else 20,
    )


def _parts(places: list[Place], search: Search, result: finding.Result) -> Parts | None:
    """Combine the partitions of the chosen run, or of the latest one."""
    if not search.task_id:
        return None
    views = sorted(result.views, key=lambda view: view.checkpoint.updated_at)
    run_id = search.run_id or next((view.identity.run_id for view in reversed(views) if view.part), None)
    # A filter by a state that no partition has leaves the list empty, and the partitions are shown all the same.
    if run_id is None or not (any(view.part for view in result.views) or (search.state and not result.views)):
        return None
    whole = replace(search, run_id=run_id, state=None, by_load=False)
    return Parts.of(finding.find(places, whole, "-committed_at", MOST_PARTS + 1, 0).views)


def _failed(viewer: Someone, places: list[Place], search: Search, whole: Parts | None) -> FailedOnes | None:
    """Combine the failed instances of a mapped task, for a user who may start them again."""
    dag_id, task_id = search.dag_id, search.task_id
    run_id = whole.run_id if whole else search.run_id
    if not (dag_id and task_id and run_id) or not viewer.may("PUT", dag_id):
        return None
    indexes, of = failed_indexes(dag_id, task_id, run_id)
    if not indexes:
        return None
    all_of_run = replace(search, run_id=run_id, state=None, by_load=False)
    views = finding.find(places, all_of_run, "-committed_at", MOST_PARTS + 1, 0).views
    return failed_ones(dag_id, task_id, run_id, indexes, of, views)


def _early(viewer: Someone, search: Search) -> list[EarlyFailure]:
    """Return the failures without a checkpoint among those that are searched for."""
    asked = [
        task
        for task in discovery().places().transfers
        if search.dag_id in (None, task[0]) and search.task_id in (None, task[1])
    ]
    readable = search.readable({dag_id for dag_id, _ in asked})
    tasks = [task for task in asked if task[0] in readable]
    return early_failures(viewer, tasks, Among(search.run_id, text=search.text or ""))


def _index(given: str) -> int:
    # Airflow leaves {MAP_INDEX} as it is where a task is not mapped.
    return int(given) if re.fullmatch("[0-9]{1,9}", given) else -1


def _sort(wanted: str) -> str:
    return wanted if wanted.removeprefix("-") in SORTS else "-committed_at"
