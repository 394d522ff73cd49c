"""What Airflow knows of the attempts that checkpoints believe to be running: a killed process cannot tell."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.hooks.airflow_internals import AT_WORK, REMOVED, TaskRun, states_of


def interrupted(checkpoints: Iterable[Checkpoint]) -> dict[Identity, str]:
    """Return those whose attempt is over, with the state of the task instance now."""
    running = {
        checkpoint.identity: _instance_of(checkpoint)
        for checkpoint in checkpoints
        if checkpoint.status is Status.RUNNING
    }
    if not running:
        return {}
    states = states_of(running.values())
    found = {identity: states.get(instance, {REMOVED}) for identity, instance in running.items()}
    return {identity: min(names) for identity, names in found.items() if not names & AT_WORK}


def _instance_of(checkpoint: Checkpoint) -> TaskRun:
    identity, claimed, iteration = checkpoint.identity, checkpoint.claimed_map_index, checkpoint.iteration
    index = claimed if identity.name and claimed is not None else identity.map_index
    index = iteration.index if iteration and index < 0 else index
    return identity.dag_id, identity.task_id, checkpoint.run_id, index
