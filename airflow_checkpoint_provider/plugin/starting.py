"""
Resume or reload now: the request is recorded here, and the page then asks Airflow's own API to clear the task instance.

So the clear needs Airflow's rights, is in its audit log, and is that of the installed version of Airflow.
"""

from __future__ import annotations

import json
from typing import Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from airflow_checkpoint_provider.engine.model.partition import MOST_PARTS
from airflow_checkpoint_provider.hooks.airflow_internals.conditions import TaskRun
from airflow_checkpoint_provider.hooks.airflow_internals.tables import (
    AT_WORK,
    OVER,
    add_to_audit_log,
    is_paused,
    states_of,
)
from airflow_checkpoint_provider.hooks.instances import instance_of
from airflow_checkpoint_provider.plugin import actions
from airflow_checkpoint_provider.plugin.access import Someone, from_this_site
from airflow_checkpoint_provider.plugin.actions import Action, Asked, Done, Id, Reason
from airflow_checkpoint_provider.plugin.desk import DeskRoute
from airflow_checkpoint_provider.plugin.display.ahead import seen
from airflow_checkpoint_provider.plugin.problems import described
from airflow_checkpoint_provider.plugin.services import reader
from airflow_checkpoint_provider.plugin.tasks.clearing import failed_indexes
from airflow_checkpoint_provider.plugin.tasks.requesting import checkpoints_found, record_all, refused

router = APIRouter(
    dependencies=[Depends(from_this_site)],
    responses=described(400, 401, 403, 404, 409, 415, 422, 503),
    route_class=DeskRoute,
)

Begun = Literal[Action.RELOAD, Action.RESUME]


class Now(Asked):
    """A request for an attempt that begins now."""

    action: Begun
    seen: str = Field(max_length=100, description="The state that the page has shown")


class FailedNow(BaseModel):
    """A request for all failed instances of a task in one run, whose attempts begin now."""

    dag_id: Id
    task_id: Id
    run_id: Id
    action: Begun
    indexes: list[int] = Field(
        min_length=1, max_length=MOST_PARTS + 1, description="The failed ones that the page has shown"
    )
    checkpoints: int = Field(
        ge=0, le=MOST_PARTS + 1, description="How many of them have a checkpoint, as the page has shown"
    )
    reason: Reason = ""


@router.post("/now")
def now(asked: Now, viewer: Someone) -> Done:
    """Record a request for the attempt that the page is about to start, unless the load has moved on since."""
    place = actions.place_of(asked, viewer)
    found = reader().ask(
        [place],
        lambda hook: hook.look(
            asked.dag_id, asked.task_id, asked.run_id, asked.map_index, asked.name, samples=1
        ),
    )
    checkpoint, request, _ = actions.only(found, place)
    if checkpoint is None:
        raise actions.unknown(place)
    if seen(checkpoint) != asked.seen:
        raise refused(
            f"The load has moved on since this page was shown: it is {checkpoint.status}, with "
            f"{checkpoint.rows:,} rows committed. Reload the page before you decide."
        )
    _refuse_unless_over(instance_of(checkpoint))
    actions.audit(f"checkpoint_{asked.action}_now", asked, viewer)
    if not request or request.asks_for != asked.action.value:
        actions.record(asked, place, viewer)
    return Done(message=said(asked.action, asked.dag_id, "The task instance is cleared"))


@router.post("/now/failed")
def failed_now(asked: FailedNow, viewer: Someone) -> Done:
    """Record a request for all failed instances of a task, unless others have failed than the page has shown."""
    viewer.require("PUT", asked.dag_id)
    task = (asked.dag_id, asked.task_id, asked.run_id)
    failed, _ = failed_indexes(*task)
    if set(failed) != set(asked.indexes):
        raise refused(
            f"{len(failed):,} task instances have failed now, and not the {len(set(asked.indexes)):,} that this page "
            "has shown. Reload the page before you decide."
        )
    instances = [(*task, index) for index in failed]
    found = checkpoints_found(asked.dag_id, asked.run_id, instances, asked.checkpoints)
    add_to_audit_log(
        f"checkpoint_{asked.action}_now",
        dag_id=asked.dag_id,
        task_id=asked.task_id,
        run_id=asked.run_id,
        map_index=-1,
        user=viewer.name,
        extra=json.dumps({"map_indexes": failed, "reason": asked.reason}),
    )
    record_all(found, asked.action, viewer.name, asked.reason)
    return Done(message=said(asked.action, asked.dag_id, f"{len(failed):,} task instances are cleared"))


def _refuse_unless_over(instance: TaskRun) -> None:
    """
    Refuse a task instance that Airflow cannot clear, or whose clear would end an attempt.

    :raises HTTPException: 409
    """
    states = states_of([instance]).get(instance, set())
    if not states:
        raise refused("Airflow has no such task instance any more, so it cannot be cleared.")
    for state in states - OVER:
        shown = "without a state" if state == "none" else state.replace("_", " ")
        if state in AT_WORK:
            raise refused(
                f"An attempt is at work: the task instance is {shown}. Wait for its end, or stop it in Airflow."
            )
        raise refused(f"Nothing was done: the task instance is {shown}, so an attempt may be about to begin.")


def said(action: Action, dag_id: str, done: str) -> str:
    """Return the outcome of a request as a sentence, with the time of the next attempt."""
    what = "resumes" if action is Action.RESUME else "loads from the beginning"
    when = "when the DAG is no longer paused" if is_paused(dag_id) else "as soon as Airflow starts it"
    return f"{done}. The next attempt {what} {when}."
