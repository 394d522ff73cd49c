"""``airflow checkpoint plan`` of a group of tasks: what would end the load of each of its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_checkpoint_provider.cli.running import is_for_people, print_rows, print_value
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, one_line, written_out
from airflow_checkpoint_provider.engine.transfer.planning.load_plan import End, LoadPlan, Problem
from airflow_checkpoint_provider.operators.declaration.exported.groups import is_transfer, tasks_of_table

if TYPE_CHECKING:
    from airflow_checkpoint_provider.hooks.airflow_internals.rendering import NextAttempts
    from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator


def plan_group(group: Any, attempts: NextAttempts, plan_task: Callable[[str], LoadPlan], args: Any) -> None:
    """
    Print the plan of each table of a group, all problems among them.

    :param attempts: those of its DAG
    :param plan_task: plans the next attempt of a task
    :raises ArgumentError: when the group has no transfer
    :raises SystemExit: when a problem would end a load
    """
    plans = dict(_plans(group, attempts, plan_task))
    if not plans:
        raise ArgumentError(f"{args.dag_id}.{args.task_id} is a group without a transfer.")
    if is_for_people(args):
        print_rows([_row(task_id, plan) for task_id, plan in plans.items()], args)
        for task_id, plan in plans.items():
            for problem in plan.problems:
                doubt = "" if problem.ends else "perhaps, "
                print(written_out(f"{task_id}: {doubt}{problem.about}: {problem.text}"))
    else:
        print_value([{"task_id": task_id, **plan.as_dict()} for task_id, plan in plans.items()], args)
    if any(plan.would_end for plan in plans.values()):
        raise SystemExit(1)


def _plans(
    group: Any, attempts: NextAttempts, plan_task: Callable[[str], LoadPlan]
) -> Iterator[tuple[str, LoadPlan]]:
    if table := tasks_of_table(group):
        plan, load = table[:2]
        yield load.task_id, _told(_plan_whole, plan, load, attempts)
        return
    for child in group.children.values():
        if hasattr(child, "children"):
            yield from _plans(child, attempts, plan_task)
        elif is_transfer(child):
            yield child.task_id, _told(plan_task, child.task_id)


def _told(plan: Any, *arguments: Any) -> LoadPlan:
    """Return a plan; an error that is in the way of one is its problem."""
    try:
        found: LoadPlan = plan(*arguments)
        return found
    except ArgumentError as error:
        return LoadPlan(
            source=End(""), destination=End(""), problems=(Problem("arguments", one_line(error)),)
        )


def _plan_whole(plan: Any, load: Any, attempts: NextAttempts) -> LoadPlan:
    """Plan the load of a table with partitions, which are known only in a run, as a load of all of its rows."""
    _, context = attempts.of(plan.task_id)
    try:
        # An operator of its DAG, so that it has the DAG's default_args, macros and files.
        whole: CheckpointedTransferOperator = load.unmap({"partition": None})
        whole.render_template_fields(context)
    except Exception as error:  # a template and its macros may raise anything
        raise ArgumentError(f"{load.task_id} cannot be rendered: {one_line(error)}") from error
    return replace(whole.plan(context), next=None)


def _row(task_id: str, plan: LoadPlan) -> dict[str, Any]:
    ending = sum(problem.ends for problem in plan.problems)
    return {
        "task_id": task_id,
        "next": plan.next.action if plan.next else "",
        "rows": "" if plan.estimate.rows is None else f"{plan.estimate.rows:,}",
        "problems": ending or "",
        "warnings": len(plan.warnings) + len(plan.problems) - ending or "",
    }
