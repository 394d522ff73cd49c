"""Airflow's states of attempts that are stored as running: a killed process cannot record its end."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.hooks.airflow_internals import (
    AT_WORK,
    REMOVED,
    TaskRun,
    next_retry,
    states_of,
)

log = logging.getLogger(__name__)


def interrupted(checkpoints: Iterable[Checkpoint]) -> dict[Identity, str]:
    """Return those whose attempt is over, with the present state of the task instance."""
    running = {
        checkpoint.identity: instance_of(checkpoint)
        for checkpoint in checkpoints
        if checkpoint.status is Status.RUNNING
    }
    if not running:
        return {}
    states = states_of(running.values())
    found = {identity: states.get(instance, {REMOVED}) for identity, instance in running.items()}
    return {identity: min(names) for identity, names in found.items() if not names & AT_WORK}


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
