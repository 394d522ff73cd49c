"""The tables of a declaration that are published together: their stages, and the task that publishes all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.operators.arguments import is_literal
from airflow_checkpoint_provider.operators.declaration.accepted import PUBLISH, TRANSFER
from airflow_checkpoint_provider.operators.declaration.problems import DeclarationError, Problem
from airflow_checkpoint_provider.operators.declaration.tables import DeclaredTable, problem_of
from airflow_checkpoint_provider.operators.declaration.tasks import of_common_task
from airflow_checkpoint_provider.operators.publish import CheckpointPublishOperator


def stage_all(tables: Sequence[DeclaredTable], shared: Mapping[str, Any]) -> tuple[DeclaredTable, ...]:
    """
    Return the tables, of which those with a stage leave its publication, and their outlets, to a common task.

    :param shared: the ``default_args`` of their tasks
    :raises DeclarationError: for a table of which it is not known whether it has a stage, and one called as the task
    """
    found, problems = [], []
    for table in tables:
        try:
            found.append(_staged(table, {**shared, **table.arguments}))
        except ArgumentError as error:
            problems.append(problem_of(table.name, error))
        if table.task_id == "publish":
            message = (
                "task_id: with publish_together there is a task 'publish'; give the table another task_id."
            )
            problems.append(Problem(message, table.name, "task_id"))
    if problems:
        raise DeclarationError(problems)
    return tuple(found)


def _staged(table: DeclaredTable, given: Mapping[str, Any]) -> DeclaredTable:
    mode, publish = given.get("write_mode"), given.get("publish")
    if publish is None and not is_literal(mode):
        raise ArgumentError(
            "write_mode: with publish_together it decides whether the table is published with others, so it cannot be "
            "a template. Write it out, or give the table publish=True or False."
        )
    if publish is True or (publish is None and mode != "replace_atomic"):
        return table
    outlets = given.get("outlets") or ()
    return replace(
        table,
        arguments={**table.arguments, "publish": False, "outlets": []},
        outlets=tuple(outlets) if isinstance(outlets, (list, tuple)) else (outlets,),
    )


def behind_publication(tables: Sequence[DeclaredTable], pairs: Sequence[tuple[str, str]]) -> list[str]:
    """
    Return the tables that are loaded after one that is published together with others, and so after the publication.

    :param pairs: of tables, of which the first is loaded before the second
    :raises ArgumentError: when the publication would wait for itself
    """
    together = {table.name for table in tables if table.outlets is not None}
    after: dict[str, list[str]] = {}
    for one, other in pairs:
        after.setdefault(one, []).append(other)
    waiting = [
        name
        for name in dict.fromkeys(other for one, other in pairs if one in together)
        if name not in together
    ]
    seen, left = set(waiting), list(waiting)
    while left:
        one = left.pop()
        for other in after.get(one, ()):
            if other in together:
                raise ArgumentError(
                    f"publish_together: {other!r} is loaded after {one!r}, which waits for the publication that "
                    f"{other!r} is a part of. Change depends_on or order, or give {one!r} "
                    "write_mode='replace_atomic', too."
                )
            if other not in seen:
                seen.add(other)
                left.append(other)
    return waiting


def publish_all(tables: Sequence[DeclaredTable], tasks: Mapping[str, Any]) -> CheckpointPublishOperator:
    """
    Make the task that publishes the stages of tables together, behind their loads.

    :param tables: all tables, as :func:`stage_all` returns them
    :param tasks: the task of each table, or the group of its tasks, by its name
    :raises ArgumentError: when they cannot be published in one transaction
    """
    together = [table for table in tables if table.outlets is not None]
    if not together:
        raise ArgumentError(
            "publish_together: no table has write_mode='replace_atomic'; set it in defaults, or leave this out."
        )
    if unnamed := [table.name for table in together if "destination_table" not in table.arguments]:
        raise ArgumentError(
            f"publish_together: {unnamed[0]!r} has no destination_table of its own or in defaults; give it there."
        )
    loads = [_load_of(table, tasks[table.name]) for table in together]
    wanted = [
        {"transfer_task_id": load.task_id, "destination_table": table.arguments["destination_table"]}
        for table, load in zip(together, loads, strict=True)
    ]
    publish = CheckpointPublishOperator(task_id="publish", tables=wanted, **_arguments(together))
    loads >> publish
    return publish


def _arguments(tables: Sequence[DeclaredTable]) -> dict[str, Any]:
    """Return the arguments of the common task: where the tables go, and for every task what the first one has."""
    first = tables[0]
    shared = [
        name for name in PUBLISH if name in TRANSFER and name not in ("destination_table", "lock_timeout")
    ]
    for table in tables:
        for name in shared:
            if table.arguments.get(name) != first.arguments.get(name):
                raise ArgumentError(
                    f"publish_together: {name} of {table.name!r} is not that of {first.name!r}; tables are published "
                    "together in one transaction of one connection."
                )
    given = of_common_task(tables)
    outlets: list[Any] = []
    for table in tables:
        outlets += [one for one in table.outlets or () if one not in outlets]
    given |= {name: first.arguments[name] for name in (*shared, "lock_timeout") if name in first.arguments}
    return {**given, "outlets": outlets}


def _load_of(table: DeclaredTable, made: Any) -> Any:
    return made if table.partitions is None else made.children[made.child_id("load")]
