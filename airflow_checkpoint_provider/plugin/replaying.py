"""Rejected rows written again, on request from their page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, HTTPException, status
from pydantic import AfterValidator, Field

from airflow_checkpoint_provider.engine.model.errors import ArgumentError, DestinationError, one_line
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.plugin import actions
from airflow_checkpoint_provider.plugin.access import Someone, from_this_site
from airflow_checkpoint_provider.plugin.actions import Done, Target
from airflow_checkpoint_provider.plugin.desk import DeskRoute
from airflow_checkpoint_provider.plugin.problems import described
from airflow_checkpoint_provider.plugin.services import reader

if TYPE_CHECKING:
    from airflow_checkpoint_provider.engine.admin.replay import Replayed

_SECONDS = 1.0  # less than a page waits for its databases

router = APIRouter(
    dependencies=[Depends(from_this_site)],
    responses=described(400, 401, 403, 404, 409, 415, 422, 503),
    route_class=DeskRoute,
)


class Again(Target):
    """The load whose rejected rows are written again."""

    error: Annotated[str, AfterValidator(actions.encodable)] = Field(
        "",
        max_length=500,
        description="The reason of the rows that are meant, or its beginning; empty for all",
    )
    overwrite: bool = Field(False, description="Whether a row of an upsert replaces the row with its key")


@router.post("/rejects/replay")
def replay(asked: Again, viewer: Someone) -> Done:
    """Write rejected rows again; those that are refused once more stay, with the new reason."""
    place = actions.place_of(asked, viewer)

    def write(hook: CheckpointHook) -> Replayed | str:
        try:
            return hook.replay_rejects(
                asked.dag_id,
                asked.task_id,
                asked.run_id,
                asked.map_index,
                asked.name,
                error=asked.error or None,
                overwrite=asked.overwrite,
                seconds=_SECONDS,
                who=viewer.name,
            )
        except (ArgumentError, DestinationError) as error:
            return one_line(error)

    actions.audit("checkpoint_replay_rejects", asked, viewer)
    done = actions.only(reader().ask([place], write), place)
    if isinstance(done, str):
        raise HTTPException(status.HTTP_409_CONFLICT, done)
    return Done(message=done.as_words())
