"""What people do: ask for a reload or a resume, take it back, delete a checkpoint. Each leaves two records."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, HTTPException, status
from pydantic import BaseModel, Field

from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS
from airflow_checkpoint_provider.engine.model.checks import ID_LENGTH, LARGEST
from airflow_checkpoint_provider.hooks.airflow_internals import add_to_audit_log
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.plugin.access import Someone, Viewer, from_this_site
from airflow_checkpoint_provider.plugin.desk import DeskRoute
from airflow_checkpoint_provider.plugin.problems import described
from airflow_checkpoint_provider.plugin.reading import Answers
from airflow_checkpoint_provider.plugin.services import discovery, reader
from airflow_checkpoint_provider.plugin.transfers import Place

T = TypeVar("T")

router = APIRouter(
    dependencies=[Depends(from_this_site)],
    responses=described(400, 401, 403, 404, 415, 422, 503),
    route_class=DeskRoute,
)


class Action(StrEnum):
    """What can be asked for."""

    RELOAD = "reload"
    RESUME = "resume"
    CANCEL = "cancel"


# What Airflow's audit log can hold; no database of Postgres takes the character NUL.
Id = Annotated[str, Field(min_length=1, max_length=ID_LENGTH, pattern=r"^[^\x00]*$")]


class Target(BaseModel):
    """Which checkpoint is meant, and why."""

    dag_id: Id
    task_id: Id
    run_id: Id
    map_index: int = Field(-1, ge=-1, le=LARGEST)
    conn_id: str
    table: str
    reason: str = Field("", max_length=500)


class Asked(Target):
    """A request for the next attempt."""

    action: Action


class Done(BaseModel):
    """What was done, in a sentence."""

    message: str


_MESSAGES = {
    Action.RELOAD: "The next attempt loads from the beginning.",
    Action.RESUME: "The next attempt resumes, even after a clear.",
    Action.CANCEL: "The request was taken back.",
}


@router.post("/request")
def request(asked: Asked, viewer: Someone) -> Done:
    """Ask the next attempt for something; one that runs now is not disturbed."""

    def ask(hook: CheckpointHook) -> None:
        methods = {
            Action.RELOAD: hook.request_reload,
            Action.RESUME: hook.request_resume,
            Action.CANCEL: hook.cancel_request,
        }
        methods[asked.action](
            asked.dag_id,
            asked.task_id,
            asked.run_id,
            asked.map_index,
            who=viewer.name,
            reason=asked.reason or None,
        )

    place = _place(asked, viewer)
    _audit(f"checkpoint_{asked.action}", asked, viewer)
    _one(reader().ask([place], ask), place)
    return Done(message=_MESSAGES[asked.action])


@router.delete("/checkpoint")
def delete(target: Target, viewer: Someone) -> Done:
    """Delete a checkpoint; its history stays."""

    def remove(hook: CheckpointHook) -> bool:
        return hook.delete(target.dag_id, target.task_id, target.run_id, target.map_index, who=viewer.name)

    place = _place(target, viewer)
    _audit("checkpoint_delete", target, viewer)
    if not _one(reader().ask([place], remove), place):
        raise HTTPException(status.HTTP_404_NOT_FOUND, "There is no such checkpoint any more.")
    return Done(message="The checkpoint was deleted. The next attempt knows of no earlier one.")


def _place(target: Target, viewer: Viewer) -> Place:
    """Return the place that is meant, if it is one of those that are known: never any table of any database."""
    viewer.require("PUT", target.dag_id)
    place = Place(target.conn_id, target.table)
    if place not in discovery().places().all():
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"No checkpoints are known to be kept in {place}.")
    return place


def _one(answers: Answers[T], place: Place) -> T:
    if place in answers.by_place:
        return answers.by_place[place]
    if not answers.troubles:
        detail = f"There is no metadata table {place.table} in connection {place.conn_id}."
    elif answers.troubles[0].silent:
        detail = f"Connection {place.conn_id} did not answer in time. Check the history whether it was done after all."
    else:
        detail = (
            f"Connection {place.conn_id} cannot be used now: nothing was done. Try again once it answers."
        )
    raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, detail)


def _audit(event: str, target: Target, viewer: Viewer) -> None:
    """Write to Airflow's audit log first, as Airflow does with what it is asked for."""
    kept = {"conn_id": target.conn_id, "checkpoint_table": target.table}
    if target.reason:
        kept["reason"] = target.reason
    add_to_audit_log(
        event,
        dag_id=target.dag_id,
        task_id=target.task_id,
        run_id=None if target.run_id == ALL_RUNS else target.run_id,
        map_index=target.map_index,
        user=viewer.name,
        extra=json.dumps(kept),
    )
