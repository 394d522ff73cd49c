"""Airflow's states of attempts that are stored as running: a killed process cannot record its end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.hooks.airflow_internals.conditions import TaskRun
from airflow_checkpoint_provider.hooks.airflow_internals.tables import (
    AT_WORK,
    REMOVED,
    next_retry,
    states_of,
)

log = logging.getLogger(__name__)


def interrupted(checkpoints: Iterable[Checkpoint]) -> Callable[[Checkpoint], str | None]:
    """
    Ask Airflow for the attempts that checkpoints are stored as running in.

    :return: a function that returns the present state of a checkpoint's task instance if its attempt is over, else
        ``None``
    """
    running = {instance_of(one) for one in checkpoints if one.status is Status.RUNNING}
    states = states_of(running) if running else {}
    over = {one: min(names) for one in running if not (names := states.get(one, {REMOVED})) & AT_WORK}
    return lambda one: over.get(instance_of(one)) if one.status is Status.RUNNING else None


def retry_of(checkpoint: Checkpoint) -> datetime | None:
    """Return the time of the next retry, where Airflow waits for one."""
    try:
        return next_retry(instance_of(checkpoint))
    except Exception:  # of Airflow's own rows and code: the page is shown without this line
        log.warning("The time of the next retry of %s is unknown", checkpoint.identity, exc_info=True)
        return None


def instance_of(checkpoint: Checkpoint) -> TaskRun:
    """Return the ids of the task instance whose attempt moved a checkpoint last."""
    identity, claimed, iteration = checkpoint.identity, checkpoint.claimed_map_index, checkpoint.iteration
    index = claimed if identity.name and claimed is not None else identity.map_index
    index = iteration.index if iteration and index < 0 else index
    return identity.dag_id, identity.task_id, checkpoint.run_id, index
