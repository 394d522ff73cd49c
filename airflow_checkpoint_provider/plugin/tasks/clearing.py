"""The page's requests to Airflow's own API: clears of task instances, with those downstream."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.hooks.airflow_internals.conditions import TaskRun
from airflow_checkpoint_provider.hooks.airflow_internals.tables import FAILED, states_in_run
from airflow_checkpoint_provider.hooks.instances import instance_of
from airflow_checkpoint_provider.plugin.display.ahead import Ahead
from airflow_checkpoint_provider.plugin.models import View


def clear_of(checkpoint: Checkpoint) -> dict[str, Any] | None:
    """
    Return the address and the body of a clear of the task instance that last moved a checkpoint.

    :return: ``None`` in a task loop, whose iterations Airflow clears by other names
    """
    if checkpoint.iteration:
        return None
    return clear_of_all([instance_of(checkpoint)])


def clear_of_all(instances: Sequence[TaskRun]) -> dict[str, Any]:
    """Return the address and the body of a clear of task instances of one run; there must be one."""
    dag_id, _, run_id, _ = instances[0]
    return {
        "address": f"../api/v2/dags/{quote(dag_id, safe='')}/clearTaskInstances",
        "body": {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": [[task, index] if index >= 0 else task for _, task, _, index in instances],
            "only_failed": False,
            "include_downstream": True,
            "reset_dag_runs": True,
            "prevent_running_task": True,
        },
    }


@dataclass(frozen=True, slots=True)
class FailedOnes:
    """
    The failed instances of a mapped task in one run.

    :param indexes: their map indexes
    :param checkpoints: how many of them have a checkpoint
    :param of: number of instances in all
    :param ahead: the rows ahead of all of them together
    :param clear: see :func:`clear_of_all`
    """

    dag_id: str
    task_id: str
    run_id: str
    indexes: Sequence[int]
    checkpoints: int
    of: int
    ahead: Ahead
    clear: dict[str, Any]

    @property
    def target(self) -> dict[str, Any]:
        """The fields that identify them in a request."""
        names = {"dag_id": self.dag_id, "task_id": self.task_id, "run_id": self.run_id}
        return {**names, "indexes": list(self.indexes), "checkpoints": self.checkpoints}


def failed_indexes(dag_id: str, task_id: str, run_id: str) -> tuple[list[int], int]:
    """Return the map indexes of a mapped task's failed instances, and the number of all its instances."""
    states = states_in_run(dag_id, task_id, run_id)
    return sorted(index for index, state in states.items() if state == FAILED and index >= 0), len(states)


def checkpoints_of(instances: Collection[TaskRun], among: Iterable[Checkpoint]) -> list[Checkpoint]:
    """Return the checkpoints that task instances have moved last."""
    wanted = set(instances)
    return [checkpoint for checkpoint in among if instance_of(checkpoint) in wanted]


def number_of(checkpoints: Iterable[Checkpoint]) -> int:
    """Count checkpoints; two connections may lead to one table."""
    return len({checkpoint.identity for checkpoint in checkpoints})


def failed_ones(
    dag_id: str, task_id: str, run_id: str, indexes: Sequence[int], of: int, views: Sequence[View]
) -> FailedOnes:
    """
    Combine the failed instances.

    :param views: the checkpoints of the run
    """
    instances = [(dag_id, task_id, run_id, index) for index in indexes]
    mine = checkpoints_of(instances, (view.checkpoint for view in views))
    rates = sorted(view.average or 0.0 for view in views if view.state in (Status.COMPLETED, Status.STAGED))
    rate = rates[len(rates) // 2] if rates else None
    ahead = Ahead.of_all([Ahead.of(checkpoint, rate) for checkpoint in mine])
    if len(mine) < len(indexes):  # some have failed before they had a checkpoint
        ahead = Ahead(ahead.kept)
    clear = clear_of_all(instances)
    return FailedOnes(dag_id, task_id, run_id, indexes, number_of(mine), of, ahead, clear)
