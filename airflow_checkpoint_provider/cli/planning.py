"""The commands that show what a task would do: loaded only when one of them is called."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_checkpoint_provider.cli.running import command, is_for_people, print_value
from airflow_checkpoint_provider.engine.admin.plan_words import sections
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, written_out
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook

if TYPE_CHECKING:
    from airflow_checkpoint_provider.engine.transfer.planning.load_plan import LoadPlan
    from airflow_checkpoint_provider.hooks.airflow_internals.rendering import NextAttempts


@command
def checkpoint_plan(args: Any) -> None:
    """Show what the next attempt of a task would do."""
    from airflow_checkpoint_provider.hooks.airflow_internals.rendering import NextAttempts

    attempts = NextAttempts(args.dag_id, args.run_id)
    if group := attempts.dag.task_group.get_task_group_dict().get(args.task_id):
        from airflow_checkpoint_provider.cli.planning_groups import plan_group

        plan_group(group, attempts, partial(plan_of, attempts), args)
        return
    plan = plan_of(attempts, args.task_id, args.map_index)
    if is_for_people(args):
        for title, lines in sections(plan):
            print(f"{title}:" if lines else title)
            for line in lines:
                print(f"  {written_out(line)}")
    else:
        print_value(plan.as_dict(), args)
    if plan.would_end:
        raise SystemExit(1)


@command
def checkpoint_ddl(args: Any) -> None:
    """Print the script that creates the metadata tables, or all tables that a task lacks."""
    if args.task:
        _print_missing(args)
        return
    if not args.dialect:
        raise ArgumentError("--dialect: name the kind of database, or a task with --for DAG_ID TASK_ID.")
    print(CheckpointHook("", args.table).ddl(args.dialect, migrate=args.migrate), end="")


def _print_missing(args: Any) -> None:
    dag_id, task_id = args.task
    if args.dialect or args.migrate:
        raise ArgumentError(
            "--for: the task's own databases are read, so it goes with no --dialect and --migrate."
        )
    from airflow_checkpoint_provider.hooks.airflow_internals.rendering import NextAttempts

    plan = plan_of(NextAttempts(dag_id, None), task_id)
    creating = [one for one in plan.statements if one.creates]
    for one in creating:
        print(f"-- {one.purpose}\n{one.by_hand or one.sql};\n")
    for problem in plan.problems:
        print(f"{problem.about}: {problem.text}", file=sys.stderr)
    if plan.would_end and not (creating and plan.creates_all):
        raise SystemExit(1)
    if not creating:
        print(f"-- {dag_id}.{task_id} lacks no table.")


def plan_of(attempts: NextAttempts, task_id: str, map_index: int = -1) -> LoadPlan:
    """
    Plan the next attempt of a task.

    :param attempts: those of its DAG
    :raises ArgumentError: when there is no such task, or it is another operator's
    """
    task, context = attempts.of(task_id, map_index)
    if not hasattr(task, "destination_table") or not hasattr(task, "plan"):
        raise ArgumentError(
            f"{attempts.dag.dag_id}.{task_id} is a {type(task).__name__}, and no CheckpointedTransferOperator."
        )
    found: LoadPlan = task.plan(context)
    return found
