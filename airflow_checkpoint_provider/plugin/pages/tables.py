"""One line for each destination table, across DAGs and databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.hooks.airflow_internals.conditions import Task
from airflow_checkpoint_provider.hooks.airflow_internals.failures import Among
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.settings import stalled_after
from airflow_checkpoint_provider.hooks.tables.lines import Read, TableLine, table_lines
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.access import Someone, Viewer
from airflow_checkpoint_provider.plugin.desk import DeskRoute
from airflow_checkpoint_provider.plugin.display.tables import (
    FILTERS,
    ORDERS,
    TableView,
    has_text,
    in_order,
    task_href,
)
from airflow_checkpoint_provider.plugin.known import known_to, shown_troubles
from airflow_checkpoint_provider.plugin.pages.listing import Text
from airflow_checkpoint_provider.plugin.problems import described
from airflow_checkpoint_provider.plugin.reading import Trouble
from airflow_checkpoint_provider.plugin.rendering import linking, render
from airflow_checkpoint_provider.plugin.services import discovery, reader
from airflow_checkpoint_provider.plugin.tasks.early import EarlyFailure, early_failures

PAGE_SIZE = 100
MOST_READ = 5_000
"""The newest checkpoints that are read of each database."""
_FAILURES_OF_EACH = 3  # task, some of which may have a checkpoint

router = APIRouter(
    default_response_class=HTMLResponse, responses=described(401, 403, 404, 422, 503), route_class=DeskRoute
)


@router.get("/tables")
def tables(
    viewer: Someone,
    q: Text = "",
    only: Text = "",
    sort: Text = "table",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> HTMLResponse:
    """Show every table that is loaded by a DAG which the user may see."""
    viewer.require("GET", None)
    read, troubles = _read(viewer)
    lines = table_lines(read, _staged)
    early, now = _early(viewer, lines), datetime.now(UTC)
    every = [TableView.of(line, early, now, stalled_after()) for line in lines]
    chosen = {
        "q": q.strip(),
        "only": only if only in FILTERS else "",
        "sort": sort if sort.removeprefix("-") in ORDERS else "table",
    }
    among = [table for table in every if has_text(table, chosen["q"])]
    shown = [table for table in among if not chosen["only"] or FILTERS[chosen["only"]](table)]
    start = (page - 1) * PAGE_SIZE

    return render(
        "tables.html",
        tables=in_order(shown, chosen["sort"])[start : start + PAGE_SIZE],
        total=len(shown),
        all=len(among),
        counts={name: sum(map(condition, among)) for name, condition in FILTERS.items()},
        chosen=chosen,
        link=linking("tables", chosen),
        page=page,
        page_size=PAGE_SIZE,
        task_href=task_href,
        called=discovery().places().called,
        unreadable=sum(len(newest.unreadable) for newest in read.found.values()),
        most_read=MOST_READ if read.more else 0,
        troubles=shown_troubles(viewer, troubles),
        refresh=20,
    )


def _read(viewer: Viewer) -> tuple[Read, list[Trouble]]:
    """Read the newest checkpoints of all places that the user may know of."""
    known, readable = discovery().places(), viewer.readable()
    answers = reader().ask(
        known_to(viewer, known.all()), lambda hook: hook.newest(readable=readable, limit=MOST_READ)
    )
    silent = {trouble.place for trouble in answers.troubles}
    return Read(answers.by_place, silent, known, readable), answers.troubles


def _staged(asked: Mapping[Place, Sequence[Checkpoint]]) -> set[tuple[Place, Identity]]:
    """Return those of completed checkpoints that are staged, or may be where a place does not answer any more."""
    questions = {place: partial(CheckpointHook.staged, checkpoints=some) for place, some in asked.items()}
    answers = reader().ask_each(questions).by_place
    return {
        (place, identity)
        for place, some in asked.items()
        for identity in answers.get(place, {one.identity for one in some})
    }


def _early(viewer: Viewer, lines: Sequence[TableLine]) -> dict[Task, EarlyFailure]:
    """Return the newest failure of each task without a checkpoint."""
    tasks = {writer.task for line in lines for writer in line.current if writer.is_current}
    failures = early_failures(viewer, sorted(tasks), Among(of_each=_FAILURES_OF_EACH))
    return {one.failed.instance[:2]: one for one in reversed(failures)}
