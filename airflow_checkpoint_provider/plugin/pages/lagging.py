"""How far a mark is behind its source, asked of the source on request."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, status
from fastapi.responses import HTMLResponse

from airflow_checkpoint_provider.engine.model.errors import CheckpointError, one_line
from airflow_checkpoint_provider.engine.model.position import Position, describe_position
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin import actions
from airflow_checkpoint_provider.plugin.access import Someone
from airflow_checkpoint_provider.plugin.desk import DeskRoute
from airflow_checkpoint_provider.plugin.display.words import position
from airflow_checkpoint_provider.plugin.errands import StillAtWorkError
from airflow_checkpoint_provider.plugin.pages.rejected import Wanted, place_of
from airflow_checkpoint_provider.plugin.problems import described
from airflow_checkpoint_provider.plugin.reading import hook_of
from airflow_checkpoint_provider.plugin.rendering import render
from airflow_checkpoint_provider.plugin.services import discovery, errands, reader

_SECONDS = 1.0  # for each of two statements; a page waits four for an errand

router = APIRouter(
    default_response_class=HTMLResponse, responses=described(401, 403, 404, 422, 503), route_class=DeskRoute
)


class Chosen(Wanted):
    """The checkpoint of the page, and whether it is shown in a tab of Airflow's."""

    tab: bool = False


@router.get("/lag")
def lag(viewer: Someone, wanted: Annotated[Chosen, Query()]) -> HTMLResponse:
    """Show the newest key of the source, and the time and the rows between the mark and it."""
    key = (wanted.dag_id, wanted.task_id, wanted.run_id, wanted.map_index, wanted.name)
    place = place_of(viewer, wanted)
    checkpoint = actions.only(reader().ask([place], lambda hook: hook.get(*key)), place)
    if checkpoint is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "There is no such checkpoint any more.")
    source = Place(checkpoint.source_conn_id, team=wanted.team)
    lag_, unknown = None, "You may not see the connection of the source in Airflow."
    if viewer.may_see_connection(source.conn_id, source.team or None):
        try:
            lag_ = errands().do(source, lambda: hook_of(place).lag_of(checkpoint, seconds=_SECONDS))
        except StillAtWorkError:
            unknown = "The source does not answer in time."
        except CheckpointError as error:
            unknown = one_line(error)
    return render(
        "lag.html",
        chosen={**wanted.model_dump(), "tab": "1" if wanted.tab else ""},
        name=discovery().places().called(wanted.dag_id, wanted.task_id),
        checkpoint=checkpoint,
        lag=lag_,
        mark=position(checkpoint),
        newest=describe_position(checkpoint.key_columns, Position(lag_.newest))
        if lag_ and lag_.newest
        else "",
        unknown="" if lag_ else unknown,
        troubles=[],
        refresh="",
    )
