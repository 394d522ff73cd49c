"""The tasks of a declared table: one load; or a plan, mapped loads, and a publication."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from inspect import Parameter
from types import MappingProxyType, SimpleNamespace
from typing import Any, cast

from airflow.providers.common.compat.sdk import TaskGroup

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.operators.arguments import Arguments, check_literals, is_literal
from airflow_checkpoint_provider.operators.declaration.accepted import OF_PLAN, PLAN, PUBLISH, TASK, TRANSFER
from airflow_checkpoint_provider.operators.declaration.tables import DeclaredTable
from airflow_checkpoint_provider.operators.partition import CheckpointPartitionOperator
from airflow_checkpoint_provider.operators.publish import CheckpointPublishOperator
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

_OF_FIRST = frozenset(
    {"trigger_rule", "depends_on_past", "ignore_first_depends_on_past", "wait_for_downstream"}
)
_OF_LOAD = frozenset(
    {
        "max_active_tis_per_dag",
        "max_active_tis_per_dagrun",
        "map_index_template",
        "task_display_name",
        "doc",
        "doc_md",
        "doc_json",
        "doc_yaml",
        "doc_rst",
        "inlets",
        "pre_execute",
        "post_execute",
        "multiple_outputs",
        "executor_config",
        "execution_timeout",
        "pool_slots",
    }
)
_OF_MOMENT = ("as_of", "as_of_task_id")
# Given, and not left out, because default_args may have others.
_NO_OUTLETS: Mapping[str, Any] = MappingProxyType({"outlets": []})


# Stands for the partition that a mapped task is given; the checks are the same for all of them.
_SOME = Partition(
    plan="", index=0, of=1, column="", lower=None, upper=None, nulls=True, rows=0, rows_in_all=0
).as_dict()


def make_tasks(table: DeclaredTable, group: TaskGroup) -> Any:
    """
    Make the tasks of a table, in the group of all tables.

    :return: the task; for a table with partitions, the group of its tasks
    :raises ArgumentError: when an argument is wrong
    """
    if table.partitions is None:
        return CheckpointedTransferOperator(task_id=table.task_id, **table.arguments)
    given = _check(table, group)
    publishes = given["write_mode"] == "replace_atomic" and "publish" not in table.arguments
    with TaskGroup(table.task_id) as tasks:
        plan = CheckpointPartitionOperator(
            task_id="plan", partitions=table.partitions, **_for_plan(table.arguments)
        )
        arguments = _among(table.arguments, TRANSFER, leave=_OF_MOMENT)
        if publishes:
            arguments["publish"] = False
        load = CheckpointedTransferOperator.partial(
            task_id="load",
            **arguments,
            **{**_of_task(table.arguments, leave=_OF_FIRST), **(_NO_OUTLETS if publishes else {})},
        ).expand(partition=plan.output)
        if publishes:
            publish = CheckpointPublishOperator(
                task_id="publish",
                transfer_task_id=load.task_id,
                **_among(table.arguments, PUBLISH),
                **of_publication(table.arguments),
            )
            load >> publish
    return tasks


def default_args_of(group: TaskGroup) -> dict[str, Any]:
    """Return the arguments of the tasks of a group that are given to none of them."""
    return {**group.dag.default_args, **group.default_args}


def of_publication(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of every task that the task has which publishes a table."""
    return _of_task(arguments, leave=_OF_FIRST | _OF_LOAD)


def of_common_task(tables: Sequence[DeclaredTable]) -> dict[str, Any]:
    """Return the arguments of every task that a task has which several tables have in common: those of the first."""
    given: dict[str, Any] = {}
    for table in tables:
        given = {**of_publication(table.arguments), **given}
    return given


def _check(table: DeclaredTable, group: TaskGroup) -> dict[str, Any]:
    """Check the arguments of a mapped task, which Airflow makes only when it runs; return all of them."""
    shared = default_args_of(group)
    given = {name: parameter.default for name, parameter in TRANSFER.items()}
    given |= {name: value for name, value in {**shared, **table.arguments}.items() if name in TRANSFER}
    if missing := [name for name, value in given.items() if value is Parameter.empty]:
        raise ArgumentError(f"{missing[0]}: the argument is missing; give it to the table, or in defaults.")
    if not is_literal(given["write_mode"]) and "publish" not in table.arguments:
        raise ArgumentError(
            "write_mode: with partitions it decides whether there is a task that publishes, so it cannot be a template."
        )
    publish = given["publish"] if "publish" in table.arguments else given["write_mode"] != "replace_atomic"
    operator = SimpleNamespace(
        **{**given, "publish": publish, "partition": _SOME, **dict.fromkeys(_OF_MOMENT)}
    )
    check_literals(cast("Arguments", operator))
    return given


def _for_plan(arguments: Mapping[str, Any]) -> dict[str, Any]:
    given = _among(arguments, PLAN, leave=("checkpoint_column",) if arguments.get("split") == "rowid" else ())
    return {**given, **_of_task(arguments, leave=_OF_LOAD), **_NO_OUTLETS}


def _among(
    arguments: Mapping[str, Any], names: Collection[str], leave: Collection[str] = ()
) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name in names and name not in leave}


def _of_task(arguments: Mapping[str, Any], leave: Collection[str]) -> dict[str, Any]:
    return {
        name: value
        for name, value in _among(arguments, TASK, leave).items()
        if name not in TRANSFER and name not in OF_PLAN
    }
