"""The tables of a declaration that are read as of one moment, and the task that takes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow.providers.common.compat.sdk import TaskGroup

from airflow_checkpoint_provider.engine.model.stored_text import shown
from airflow_checkpoint_provider.operators.declaration.problems import DeclarationError, Problem
from airflow_checkpoint_provider.operators.declaration.tables import DeclaredTable
from airflow_checkpoint_provider.operators.declaration.tasks import of_common_task
from airflow_checkpoint_provider.operators.holding import CheckpointHoldMomentOperator
from airflow_checkpoint_provider.operators.moment import CheckpointMomentOperator

MOMENT = "moment"
"""The id of the task that takes the moment, within the group."""
HOLDER = "moment_holder"
"""The id of the task that holds it, where a session has to."""


def share_moment(
    tables: Sequence[DeclaredTable], source_conn_id: Any, task_id: str
) -> tuple[DeclaredTable, ...]:
    """
    Return the tables, of which those that do not decline it are read as of the moment of a task.

    :param source_conn_id: the connection of the moment
    :param task_id: the whole id of the task
    :raises DeclarationError: for a table of another source, and one called as the task
    """
    if problems := [problem for table in tables for problem in _problems(table, source_conn_id)]:
        raise DeclarationError(problems)
    return tuple(
        replace(table, arguments={"as_of": "now", **table.arguments, "as_of_task_id": task_id})
        if shares(table)
        else table
        for table in tables
    )


def shares(table: DeclaredTable) -> bool:
    """Return whether a table is read as of the moment of its group."""
    return bool(table.arguments.get("as_of", "now"))


def take_moment(tables: Sequence[DeclaredTable], tasks: Mapping[str, Any], source_conn_id: str) -> None:
    """
    Make the task that takes the moment, before the tasks of the tables that are read as of it, and that which holds it.

    :param tables: all tables, as :func:`share_moment` returns them
    :param tasks: the task of each table, or the group of its tasks, by its name
    """
    sharing = [table for table in tables if shares(table)]
    params = next((one for table in sharing if (one := table.arguments.get("source_hook_params"))), None)
    given: dict[str, Any] = {**of_common_task(sharing), "outlets": []}
    source: dict[str, Any] = {"source_conn_id": source_conn_id, "source_hook_params": params}
    # The holder does next to nothing, and would take a slot from the loads as long as all of them last.
    beside = {name: value for name, value in given.items() if name not in ("pool", "pool_slots")}
    moment = CheckpointMomentOperator(task_id=MOMENT, **source, **given)
    made = [task for table in sharing for task in _readers(tasks[table.name])]
    holder = CheckpointHoldMomentOperator(
        task_id=HOLDER, moment_task_id=moment.task_id, readers=made, **source, **beside
    )
    moment.held_by_task_id = holder.task_id
    moment >> [tasks[table.name] for table in sharing]


def _readers(made: Any) -> list[str]:
    """Return the ids of the tasks of a table that read the source."""
    if not isinstance(made, TaskGroup):
        return [made.task_id]
    return [task.task_id for task in made.iter_tasks() if task.label in ("plan", "load")]


def _problems(table: DeclaredTable, source_conn_id: Any) -> Iterator[Problem]:
    if table.task_id in (MOMENT, HOLDER):
        yield Problem(
            f"task_id: with as_of there is a task {table.task_id!r}; give the table another task_id.",
            table.name,
            "task_id",
        )
    own = table.arguments.get("source_conn_id")
    if shares(table) and own != source_conn_id:
        yield Problem(
            f"source_conn_id: {shown(own)} is another source than {shown(source_conn_id)}, of whose moment the group "
            "is. Declare its tables in a group of their own, or give the table as_of=None.",
            table.name,
            "source_conn_id",
        )
