"""The scope of a task's checkpoints, as its DAG declares it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Identity
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.hooks.airflow_internals.tables import serialized_dag
from airflow_checkpoint_provider.hooks.serialized import expanded_over, given_to, operator_of


def refuse_other_scope(identity: Identity) -> bool:
    """
    Refuse a checkpoint that no attempt of its task would read.

    :return: whether the DAG shows that the task's attempts do read it; ``False`` where nothing is known
    :raises ArgumentError: when the DAG shows that they do not, or has no such task
    """
    dag = _serialized(identity.dag_id)
    if not dag:
        return False
    task = f"{identity.dag_id}.{identity.task_id}"
    if operator_of(dag, identity.task_id) is None:
        raise ArgumentError(
            f"task_id: {identity.dag_id} has no task {identity.task_id}, so no attempt would read the checkpoint. "
            "Check both names; or add the task to the DAG first."
        )
    declared = scope_in(dag, identity.task_id)
    if declared == "run" and identity.run_id == ALL_RUNS:
        raise ArgumentError(
            f"run_id: {task} has scope='run', so each of its runs has a checkpoint of its own, and none reads the one "
            "that spans runs. Name the run; or give the task scope='task' first."
        )
    if declared == "task" and identity.run_id != ALL_RUNS:
        raise ArgumentError(
            f"run_id: {task} has scope='task', so its runs share one checkpoint, and none reads that of one run. "
            "Leave out the run; or give the task scope='run' first."
        )
    return declared is not None


def scope_in(dag: Mapping[str, Any], task_id: str) -> str | None:
    """
    Return the scope of a transfer in a serialized DAG.

    :return: ``"run"`` or ``"task"``; ``None`` where the DAG has no such task, or its instances may differ
    """
    operator = operator_of(dag, task_id)
    if operator is None or expanded_over(operator, "scope"):
        return None
    # Where a mapped task has none, default_args decide, not all of which are serialized.
    scope = given_to(operator).get("scope")
    return scope if scope in ("run", "task") else None


def _serialized(dag_id: str) -> Mapping[str, Any] | None:
    try:
        return serialized_dag(dag_id)
    except (
        SQLAlchemyError
    ):  # connections may come from the environment, and the metadata database may not be there
        return None
