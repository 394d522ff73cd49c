"""Which groups of tasks a DAG has: those with transfers, and those of a table with partitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.providers.common.compat.sdk import TaskGroup

from airflow_checkpoint_provider.operators.partition import CheckpointPartitionOperator
from airflow_checkpoint_provider.operators.publish import CheckpointPublishOperator
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator


def groups_of(dag: Any) -> list[TaskGroup]:
    """Return the groups of a DAG with transfers in them, the one of all its tasks first."""
    groups = dag.task_group.get_task_group_dict().values()
    found = [one for one in groups if not tasks_of_table(one) and has_transfers(one)]
    return sorted(found, key=lambda one: (not one.is_root, one.group_id or ""))


def has_transfers(group: TaskGroup) -> bool:
    """Return whether a group has transfers that are not in another group within it, unless that is one of a table."""
    return any(
        bool(tasks_of_table(one)) if isinstance(one, TaskGroup) else is_transfer(one)
        for one in group.children.values()
    )


def is_transfer(task: Any) -> bool:
    """Return whether a task is a transfer, a mapped one or one of a derived class included."""
    return issubclass(kind_of(task), CheckpointedTransferOperator)


def kind_of(task: Any) -> type:
    """Return the class of a task, of a mapped one that of its instances."""
    kind: type = getattr(task, "operator_class", type(task))
    return kind


def _is_over_partitions(load: Any) -> bool:
    given = load.expand_input.value
    return isinstance(given, Mapping) and set(given) == {"partition"}


def tasks_of_table(group: TaskGroup) -> tuple[Any, ...]:
    """Return the tasks of a table with partitions: its plan, its load, and its publication where it has one."""
    tasks = {one.label: one for one in group.children.values() if not isinstance(one, TaskGroup)}
    plan: Any = tasks.get("plan")
    load: Any = tasks.get("load")
    publish: Any = tasks.get("publish")
    is_load = getattr(load, "operator_class", None) is CheckpointedTransferOperator
    if type(plan) is not CheckpointPartitionOperator or not is_load or not _is_over_partitions(load):
        return ()
    if publish is None:
        found: tuple[Any, ...] = (plan, load)
    elif type(publish) is CheckpointPublishOperator and publish.transfer_task_id == load.task_id:
        found = (plan, load, publish)
    else:
        return ()
    return found if len(found) == len(group.children) else ()
