"""The order of the tasks of a declaration, and in words what other tasks there are before and behind them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from airflow_checkpoint_provider.operators.arguments import is_literal
from airflow_checkpoint_provider.operators.declaration.exported.tables import Table


def published_by(publish: Any) -> frozenset[str]:
    """Return the ids of the transfers whose rows a publication of several tables publishes, where they are known."""
    tables = getattr(publish, "tables", None)
    if not tables or not isinstance(tables, (list, tuple)) or not is_literal(tables):
        return frozenset()
    return frozenset(one["transfer_task_id"] for one in tables)


def order(
    tables: Sequence[Table],
    names: Mapping[str, str],
    publication: Any,
    together: frozenset[str],
    taking: Sequence[Any],
) -> list[str]:
    """
    Give each table the others that it waits for, and return in words what else is in an order with them.

    :param names: of the tables, by their labels
    :param publication: the task that publishes tables together, or ``None``
    :param together: the ids of the tasks whose rows it publishes
    :param taking: the tasks that take the moment of the tables
    """
    told: list[str] = []
    published = {publication.task_id} if publication is not None else set()
    taken = {task.task_id for task in taking}
    ours = published.union(taken, *(one.tasks for one in tables))
    for table in tables:
        before = set(table.first.upstream_task_ids)
        waits = [one for one in tables if one.tasks & before]
        if waits:
            table.arguments["depends_on"] = [names[one.label] for one in waits]
        # A declared table waits for the publication of those that it depends on.
        implied = published if any(one.tasks & together for one in waits) else set()
        others = before.difference(implied, taken, *(one.tasks for one in waits))
        told += _around(table.first.task_id, others, table.after - ours)
    if publication is not None:
        before, after = publication.upstream_task_ids, publication.downstream_task_ids
        told += _around(publication.task_id, before - ours - together, after - ours)
    for task in taking:
        told += _around(task.task_id, task.upstream_task_ids - ours, task.downstream_task_ids - ours)
    return told


def _around(task_id: str, before: Collection[str], after: Collection[str]) -> Iterator[str]:
    if before:
        yield f"{task_id}: that it waits for {', '.join(sorted(before))} is not declared."
    if after:
        verb = "waits" if len(after) == 1 else "wait"
        yield f"{task_id}: that {', '.join(sorted(after))} {verb} for it is not declared."
