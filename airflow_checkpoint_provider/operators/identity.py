"""The identity of a task instance's checkpoint, and the values that distinguish its attempts."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Attempt, Identity, Iteration
from airflow_checkpoint_provider.engine.model.errors import ArgumentError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


def identify(context: Context, scope: str, name: str | None = None, *, kept: bool = True) -> Identity:
    """
    Return the identity of a task instance's checkpoint.

    In a task loop each iteration has its own, with its number in place of a map index.

    :param scope: ``"run"``, or ``"task"`` for the one that spans runs, and the iterations of a loop
    :param name: takes the place of the map index
    :param kept: whether there is a checkpoint
    :raises ArgumentError: for a mapped task in a loop, whose iterations could not be distinguished
    """
    ti = context["ti"]
    index = -1 if ti.map_index is None or name else ti.map_index
    if scope == "task":
        return Identity(ti.dag_id, ti.task_id, ALL_RUNS, index, name or "")
    if iteration := iteration_of(context):
        if index >= 0 and kept:
            raise ArgumentError(
                f"scope: {ti.task_id} is mapped inside a task loop, where scope='run' cannot tell the checkpoints of "
                "its iterations apart: the second one would find the load completed and bring over nothing. Take a "
                "checkpoint_name, with which the iteration's number stands for the map index; or scope='task', with "
                "which each iteration loads what is new; or map the loop's work outside of it."
            )
        index = iteration.index if index < 0 else index
    return Identity(ti.dag_id, ti.task_id, ti.run_id, index, name or "")


def iteration_of(context: Context) -> Iteration | None:
    """Return the pass of the task loop that a task instance belongs to; ``None`` outside of loops."""
    loop = cast("Mapping[str, Any]", context).get("loop")  # from Airflow 3.4 on
    if loop is None:
        return None
    return Iteration(loop.index, str(cast("Any", context["ti"]).region_id))


def describe_attempt(context: Context, retries: int | None) -> Attempt:
    """
    Return the values that distinguish this attempt from others.

    :param retries: the task's ``retries``
    """
    ti = context["ti"]
    dag_run = context["dag_run"]
    return Attempt(
        run_id=ti.run_id,
        run_after=dag_run.run_after,
        try_number=ti.try_number,
        max_tries=ti.max_tries,
        retries=retries or 0,
        clear_number=getattr(dag_run, "clear_number", 0) or 0,
        owner=f"{socket.gethostname()} pid {os.getpid()}",
        iteration=iteration_of(context),
        map_index=ti.map_index,
    )
