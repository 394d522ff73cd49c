"""Requests for a reload or a resume, their withdrawal, and deletions: in the history and in Airflow's audit log."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, HTTPException, status
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, DEFAULT_TABLE
from airflow_checkpoint_provider.engine.model.checks import ID_LENGTH, LARGEST, is_text
from airflow_checkpoint_provider.engine.model.decision import Request
from airflow_checkpoint_provider.engine.model.errors import InvalidCheckpointError, NewerFormatError
from airflow_checkpoint_provider.hooks.airflow_internals.tables import add_to_audit_log, states_of, team_of
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.access import Someone, Viewer, from_this_site
from airflow_checkpoint_provider.plugin.desk import DeskRoute
from airflow_checkpoint_provider.plugin.known import known_to
from airflow_checkpoint_provider.plugin.problems import described
from airflow_checkpoint_provider.plugin.reading import Answers
from airflow_checkpoint_provider.plugin.services import discovery, reader

T = TypeVar("T")

router = APIRouter(
    dependencies=[Depends(from_this_site)],
    responses=described(400, 401, 403, 404, 415, 422, 503),
    route_class=DeskRoute,
)


class Action(StrEnum):
    """The requests that the view offers."""

    RELOAD = "reload"
    RESUME = "resume"
    CANCEL = "cancel"


def encodable(text: str) -> str:
    """Refuse text that is no Unicode."""
    if not is_text(text):  # half of a surrogate pair
        raise ValueError("is no Unicode")
    return text


def no_bool(value: object) -> object:
    """Refuse a boolean, which would be 0 or 1."""
    if isinstance(value, bool):
        raise ValueError("is no number")
    return value


# No control characters: Airflow's audit log can hold the others, and every database and log keeps them as they are.
_PRINTED = r"^[^\x00-\x1f\x7f-\x9f]*$"
WITHOUT_NUL = r"^[^\x00]*$"
"""The pattern of any text that a database can hold."""
Id = Annotated[str, Field(min_length=1, max_length=ID_LENGTH, pattern=_PRINTED), AfterValidator(encodable)]

Reason = Annotated[str, Field(max_length=500, pattern=_PRINTED), AfterValidator(encodable)]


class Target(BaseModel):
    """The checkpoint of an action, and the reason."""

    dag_id: Id
    task_id: Id
    run_id: Id
    map_index: Annotated[int, BeforeValidator(no_bool)] = Field(-1, ge=-1, le=LARGEST)
    name: Annotated[str, AfterValidator(encodable)] = Field("", max_length=ID_LENGTH, pattern=_PRINTED)
    conn_id: Id
    table: Id
    team: Annotated[str, AfterValidator(encodable)] = Field("", max_length=ID_LENGTH, pattern=_PRINTED)
    reason: Reason = ""


class Asked(Target):
    """A request for the next attempt."""

    action: Action


class Done(BaseModel):
    """The outcome, as a sentence."""

    message: str


_ASKED_BEFORE = {Action.RELOAD: Request.RELOAD, Action.RESUME: Request.RESUME, Action.CANCEL: None}
"""The open request with which an action is not recorded again."""
_MESSAGES = {
    Action.RELOAD: "The next attempt loads from the beginning.",
    Action.RESUME: "The next attempt resumes, even after a clear.",
    Action.CANCEL: "The request was canceled.",
}


@router.post("/request")
def request(asked: Asked, viewer: Someone) -> Done:
    """Record a request for the next attempt; a running attempt is not disturbed."""

    place = place_of(asked, viewer)
    open_request = _known(asked, place)
    audit(f"checkpoint_{asked.action}", asked, viewer)
    if open_request != _ASKED_BEFORE[asked.action]:
        record(asked, place, viewer)
    return Done(message=_MESSAGES[asked.action])


def record(asked: Asked, place: Place, viewer: Viewer) -> None:
    """Record the request in the history."""

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
            asked.name,
            who=viewer.name,
            reason=asked.reason or None,
        )

    only(reader().ask([place], ask), place)


@router.delete("/checkpoint")
def delete(target: Target, viewer: Someone) -> Done:
    """Delete a checkpoint; its history stays."""

    def remove(hook: CheckpointHook) -> bool:
        return hook.delete(
            target.dag_id, target.task_id, target.run_id, target.map_index, target.name, who=viewer.name
        )

    place = place_of(target, viewer)
    _known(target, place)
    audit("checkpoint_delete", target, viewer)
    if not only(reader().ask([place], remove), place):
        raise HTTPException(status.HTTP_404_NOT_FOUND, "There is no such checkpoint any more.")
    return Done(message="The checkpoint was deleted. The next attempt knows of no earlier one.")


def own_places(dag_id: str, task_ids: Collection[str]) -> dict[Place, list[str]]:
    """Return the places of some tasks' checkpoints, each with its tasks; those of other teams are left out."""
    places, team = discovery().places((dag_id, min(task_ids))), team_of(dag_id)
    found: dict[Place, list[str]] = {}
    for task_id in task_ids:
        for place in places.of(dag_id, task_id):
            if place.team in ("", team) and places.knows(place, dag_id, task_id):
                found.setdefault(place, []).append(task_id)
    return found


def place_of(target: Target, viewer: Viewer) -> Place:
    """
    Return the place of a target: a request cannot name an arbitrary table.

    The place is one of the task, a configured one, or one of another DAG that the viewer may see; its table then shows
    whether the checkpoint exists. Other places are not queried, so that hidden and missing ones get the same answer,
    equally fast.
    """
    viewer.require("PUT", target.dag_id)
    place = Place(target.conn_id, target.table, target.team)
    places = discovery().places((target.dag_id, target.task_id))
    ours = not place.team or place.team == team_of(target.dag_id)
    known = places.knows(place, target.dag_id, target.task_id) or known_to(viewer, [place])
    if not (ours and known):
        raise unknown(place)
    return place


def _known(target: Target, place: Place) -> Request | None:
    """
    Return the open request for the next attempt.

    :raises HTTPException: 404, where neither the table nor Airflow knows the task instance
    """

    def look(hook: CheckpointHook) -> tuple[bool, Request | None]:
        try:
            checkpoint, asked, _ = hook.look(
                target.dag_id, target.task_id, target.run_id, target.map_index, target.name, samples=1
            )
        except (InvalidCheckpointError, NewerFormatError):
            return True, None
        return checkpoint is not None, asked.asks_for if asked else None

    there, asked = only(reader().ask([place], look), place)
    own = discovery().places().knows(place, target.dag_id, target.task_id)
    if there or (own and not target.name and _airflow_knows(target)):
        return asked
    raise unknown(place)


def _airflow_knows(target: Target) -> bool:
    if target.run_id == ALL_RUNS:
        return (target.dag_id, target.task_id) in discovery().places().every_task
    instance = (target.dag_id, target.task_id, target.run_id, target.map_index)
    return bool(states_of([instance]))


def unknown(place: Place) -> HTTPException:
    """Return the refusal of a place, the same for a missing one and one that is hidden from the viewer."""
    return HTTPException(
        status.HTTP_404_NOT_FOUND,
        f"No checkpoints are known to be kept in {place} by this task instance, and Airflow does not know it.",
    )


def only(answers: Answers[T], place: Place) -> T:
    """
    Return the answer of the one place that was asked.

    :raises HTTPException: 503, where it has not answered
    """
    if place in answers.by_place:
        return answers.by_place[place]
    connection = replace(place, table=DEFAULT_TABLE)
    if not answers.troubles:
        detail = f"There is no metadata table {place.table} in connection {connection}."
    elif answers.troubles[0].silent:
        raise unanswered(place)
    else:
        detail = f"Connection {connection} cannot be used now: nothing was done. Try again once it answers."
    raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, detail)


def unanswered(place: Place) -> HTTPException:
    """Return the error where it is not known whether a database has carried out a request."""
    connection = replace(place, table=DEFAULT_TABLE)
    detail = (
        f"Connection {connection} did not answer in time. Check the history whether it was done after all."
    )
    return HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, detail)


def audit(event: str, target: Target, viewer: Viewer, **more: int) -> None:
    """
    Write a request to Airflow's audit log before it is carried out, as Airflow itself does.

    :param more: of the request, without values of rows
    """
    kept: dict[str, Any] = {**more, "conn_id": target.conn_id, "checkpoint_table": target.table}
    if target.team:
        kept["team"] = target.team
    if target.name:
        kept["name"] = target.name
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
