"""What has failed of a group in one run, and the request to start all of it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, status
from pydantic import BaseModel, Field

from airflow_checkpoint_provider.hooks.airflow_internals.conditions import TaskRun
from airflow_checkpoint_provider.hooks.airflow_internals.group_runs import failed_in_run
from airflow_checkpoint_provider.hooks.airflow_internals.tables import add_to_audit_log
from airflow_checkpoint_provider.hooks.task_groups import TransferGroup
from airflow_checkpoint_provider.plugin.access import Someone, from_this_site
from airflow_checkpoint_provider.plugin.actions import Done, Id, Reason
from airflow_checkpoint_provider.plugin.desk import DeskRoute
from airflow_checkpoint_provider.plugin.display.ahead import Ahead
from airflow_checkpoint_provider.plugin.display.words import number
from airflow_checkpoint_provider.plugin.models import View
from airflow_checkpoint_provider.plugin.problems import described
from airflow_checkpoint_provider.plugin.services import discovery
from airflow_checkpoint_provider.plugin.starting import Begun, said
from airflow_checkpoint_provider.plugin.tasks.clearing import checkpoints_of, clear_of_all, number_of
from airflow_checkpoint_provider.plugin.tasks.requesting import checkpoints_found, record_all, refused

router = APIRouter(
    dependencies=[Depends(from_this_site)],
    responses=described(400, 401, 403, 404, 409, 415, 422, 503),
    route_class=DeskRoute,
)

MOST = 1_000
"""The most failed task instances that are started together."""


@dataclass(frozen=True, slots=True)
class FailedTables:
    """
    The failed task instances of a group in one run.

    :param checkpoints: the number of their checkpoints
    :param ahead: the rows ahead of all of them together
    """

    group: TransferGroup
    run_id: str
    instances: Sequence[TaskRun]
    checkpoints: int
    ahead: Ahead

    @property
    def tables(self) -> int:
        """The number of tables that have failed."""
        return len({task_id for _, task_id, *_ in self.instances} & set(self.group.transfers))

    @property
    def what(self) -> str:
        """The number of tables and of other tasks, in words."""
        others = len({task_id for _, task_id, *_ in self.instances}) - self.tables
        named = [_counted(self.tables, "table"), _counted(others, "other task" if self.tables else "task")]
        return " and ".join(filter(None, named))

    @property
    def without(self) -> int:
        """The number of transfers' instances without a checkpoint."""
        return len(_of_transfers(self.group, self.instances)) - self.checkpoints

    def if_resumed(self) -> str:
        """Describe a resume of all."""
        if not self.tables:
            return f"{self.what}: no table has failed, and no rows are loaded again by this."
        begun = {0: "", 1: " One load has no checkpoint, and begins at the beginning."}
        more = f" {number(self.without)} loads have no checkpoint, and begin at the beginning."
        return f"{self.what}: {_inside(self.ahead.if_resumed())}{begun.get(max(self.without, 0), more)}"

    def if_reloaded(self) -> str:
        """Describe a reload of all."""
        return f"{self.what}: {_inside(self.ahead.if_reloaded())}"

    @property
    def target(self) -> dict[str, Any]:
        """The fields that identify them in a request."""
        ids = {"dag_id": self.group.dag_id, "group_id": self.group.group_id, "run_id": self.run_id}
        return {**ids, "seen": _token(self.instances), "checkpoints": self.checkpoints}

    @property
    def clear(self) -> dict[str, Any]:
        """The request to Airflow's API that clears them."""
        return clear_of_all(self.instances)


class FailedTablesNow(BaseModel):
    """A request for all failed task instances of a group in one run, whose attempts begin now."""

    dag_id: Id
    group_id: Id
    run_id: Id
    action: Begun
    seen: str = Field(max_length=100, description="The failed ones that the page has shown")
    checkpoints: int = Field(
        ge=0, le=MOST, description="How many of them have a checkpoint, as the page has shown"
    )
    reason: Reason = ""


def failed_tables(group: TransferGroup, run_id: str, views: Iterable[View]) -> FailedTables | None:
    """
    Combine what has failed; ``None`` where that is nothing, more than can be started together, or in a task loop.

    :param views: all checkpoints of the group in this run
    """
    instances = failed_in_run(group.dag_id, run_id, group.tasks, MOST + 1)
    views = list(views)
    if not 0 < len(instances) <= MOST or any(view.checkpoint.iteration for view in views):
        return None
    mine = checkpoints_of(instances, (view.checkpoint for view in views))
    rates = {view.identity: view.average for view in views}
    ahead = Ahead.of_all([Ahead.of(one, rates[one.identity]) for one in mine])
    if len(mine) < len(_of_transfers(group, instances)):  # some have failed before they had a checkpoint
        ahead = Ahead(ahead.kept)
    return FailedTables(group, run_id, instances, number_of(mine), ahead)


@router.post("/now/group")
def failed_tables_now(asked: FailedTablesNow, viewer: Someone) -> Done:
    """Record a request for all failed tables of a group, unless others have failed than the page has shown."""
    viewer.require("PUT", asked.dag_id)
    group = discovery().places().groups.get((asked.dag_id, asked.group_id))
    if group is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"DAG {asked.dag_id} has no such group of transfers.")
    instances = failed_in_run(group.dag_id, asked.run_id, group.tasks, MOST + 1)
    if not 0 < len(instances) <= MOST or _token(instances) != asked.seen:
        raise refused(
            f"{len(instances):,} task instances of the group have failed now, and not those that this page has shown. "
            "Reload the page before you decide."
        )
    loads = _of_transfers(group, instances)
    found = checkpoints_found(asked.dag_id, asked.run_id, loads, asked.checkpoints)
    tasks = [[task_id, index] for _, task_id, _, index in instances]
    add_to_audit_log(
        f"checkpoint_{asked.action}_now",
        dag_id=asked.dag_id,
        task_id=None,
        run_id=asked.run_id,
        map_index=-1,
        user=viewer.name,
        extra=json.dumps({"group_id": asked.group_id, "tasks": tasks, "reason": asked.reason}),
    )
    record_all(found, asked.action, viewer.name, asked.reason)
    cleared = _counted(len(instances), "task instance")
    verb = "is" if len(instances) == 1 else "are"
    return Done(message=said(asked.action, asked.dag_id, f"{cleared} {verb} cleared"))


def _of_transfers(group: TransferGroup, instances: Iterable[TaskRun]) -> list[TaskRun]:
    transfers = set(group.transfers)
    return [one for one in instances if one[1] in transfers]


def _token(instances: Sequence[TaskRun]) -> str:
    """Return a token of task instances, for a page to send back."""
    return hashlib.sha256(json.dumps(sorted(instances)).encode()).hexdigest()


def _counted(count: int, what: str) -> str:
    return f"{number(count)} {what}{'' if count == 1 else 's'}" if count else ""


def _inside(sentence: str) -> str:
    """Return a sentence as the rest of another one."""
    return sentence[0].lower() + sentence[1:]
