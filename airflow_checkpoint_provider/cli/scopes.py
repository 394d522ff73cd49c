"""The scope of a task's checkpoints, as its DAG declares it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Identity
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.hooks.airflow_internals import serialized_dag


def refuse_other_scope(identity: Identity) -> bool:
    """
    Refuse a checkpoint that no attempt of its task would read.

    :return: whether the DAG shows that the task's attempts do read it; ``False`` where nothing is known
    :raises ArgumentError: when the DAG shows that they do not
    """
    declared = _declared(identity.dag_id, identity.task_id)
    task = f"{identity.dag_id}.{identity.task_id}"
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
    for task in dag.get("dag", {}).get("tasks", ()):
        operator = task.get("__var", task)
        if operator.get("task_id") == task_id:
            scope = _of_mapped(operator) if operator.get("expand_input") else operator.get("scope")
            return scope if scope in ("run", "task") else None
    return None


def _of_mapped(operator: Mapping[str, Any]) -> Any:
    expansion = operator["expand_input"]
    names = expansion.get("value") or {}
    if expansion.get("type") != "dict-of-lists" or "scope" in names.get("__var", names):
        return None
    # Without it, default_args decide, not all of which are serialized.
    return operator.get("partial_kwargs", {}).get("scope")


def _declared(dag_id: str, task_id: str) -> str | None:
    try:
        dag = serialized_dag(dag_id)
    except (
        SQLAlchemyError
    ):  # connections may come from the environment, and the metadata database may not be there
        return None
    return scope_in(dag, task_id) if dag else None
