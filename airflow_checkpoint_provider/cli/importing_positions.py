"""The positions of a process log, as seeds of the loads of a group."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any

from sqlalchemy.exc import DBAPIError

from airflow_checkpoint_provider.cli.scopes import refuse_other_scope
from airflow_checkpoint_provider.engine.model.checks import flag
from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    CheckpointError,
    one_line,
    written_out,
)
from airflow_checkpoint_provider.engine.model.position import describe_position
from airflow_checkpoint_provider.engine.model.stored_text import shown
from airflow_checkpoint_provider.hooks.arguments import identity_of
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.operators.arguments import is_literal
from airflow_checkpoint_provider.operators.declaration.accepted import TRANSFER
from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup

_SEEDED = [
    name
    for name in signature(CheckpointHook.seed).parameters
    if name in TRANSFER and name != "rows_processor"
]


def carry_over(
    group: CheckpointedTransferGroup,
    loads: Mapping[str, str | None],
    logged: Mapping[str, Sequence[Any]],
    args: Any,
) -> bool:
    """
    Seed the positions that a log has for the tables of a group, or without ``--seed`` show them.

    :param loads: the name of each table's load in the log, ``None`` where its row names none
    :param logged: the positions of each load there
    :param args: of the command
    :return: whether all of them were carried over
    """
    complete = True
    for table, load in loads.items():
        found = logged.get(load, ()) if load is not None else ()
        try:
            if load is None:
                told = f"its row of {args.table_name} names no load, so it has no position."
            elif all(one is None for one in found):
                told = f"{args.log_table} has no position of its load {load}."
            elif len(found) > 1:
                raise ArgumentError(
                    f"{args.log_table} has {len(found):,} positions of its load {load}; name a column by which one "
                    "of them is the newest, such as --log-columns newest=ID."
                )
            elif args.seed:
                told = _seed(group.tasks_of(table), found[0], args)
            else:
                told = f"{args.log_table} has the position {shown(found[0])}."
        except (CheckpointError, DBAPIError) as error:
            complete, told = False, f"its position is not carried over. {one_line(error)}"
        print(written_out(f"{table}: {told}"), file=sys.stderr)
    if not args.seed:
        print("No position was seeded; --seed DAG_ID does that.", file=sys.stderr)
    return complete


def _seed(task: Any, position: Any, args: Any) -> str:
    """
    Seed the position of a task.

    :raises CheckpointError: when the task would not go on from it
    """
    if not hasattr(task, "resume_proof"):
        raise ArgumentError(
            "partitions: each partition has a position of its own; load the table by one task."
        )
    given = {name: getattr(task, name) for name in _SEEDED}
    deciding = {"scope": task.scope, "checkpoint_table": task.checkpoint_table}
    deciding |= {name: getattr(task, name) for name in ("checkpoint_conn_id", "checkpoint_name")}
    for name, value in {**given, **deciding}.items():
        if not is_literal(value):
            raise ArgumentError(
                f"{name}: it is a template, which is known in a run; seed the load by itself."
            )
    if task.strategy == "none" or not flag("checkpoint_enabled", task.checkpoint_enabled):
        raise ArgumentError("strategy: the load keeps no checkpoint.")
    if task.scope == "run" and not args.run_id:
        raise ArgumentError(
            "scope: each run has a checkpoint of its own; name the run with --run-id, or give the table scope='task'."
        )
    run_id = args.run_id if task.scope == "run" else None
    key = (args.seed, task.task_id, run_id, -1, task.checkpoint_name or "")
    known = refuse_other_scope(identity_of(*key))
    hook = CheckpointHook(
        task.checkpoint_conn_id or task.destination_conn_id, task.checkpoint_table, team=args.team
    )
    if task.strategy == "python":
        given["rows"] = _number(position)
    else:
        given["position"] = _key(position, task.checkpoint_column)
    seeded = hook.seed(*key, **given, replace=args.yes, reason=args.reason or f"from {args.log_table}")
    where = describe_position(seeded.key_columns, seeded.position)
    provided = "" if known else f", provided that the DAG has this task, with scope={task.scope!r}"
    return f"the next attempt of {seeded.identity}, continues after {where}{provided}."


def _number(position: Any) -> int:
    try:
        return int(position)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"rows: {shown(position)} is not a number of rows, which strategy='python' goes by."
        ) from None


def _key(position: Any, columns: Any) -> Any:
    """Return the value of a key; of one of several columns, the values that a text has, with commas between them."""
    several = not isinstance(columns, str) and columns is not None and len(columns) > 1
    return (
        [part.strip() for part in position.split(",")] if several and isinstance(position, str) else position
    )
