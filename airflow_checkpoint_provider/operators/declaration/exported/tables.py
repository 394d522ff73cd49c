"""The tables that tasks load, as those of a declaration: their names, and what all of them have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.operators.arguments import is_literal
from airflow_checkpoint_provider.operators.declaration.accepted import DECLARED
from airflow_checkpoint_provider.operators.declaration.names import DeclaredName

_OF_ONE = ("source_table", "sql", "parameters", "columns", "where", "task_id", *DECLARED)


@dataclass(frozen=True, slots=True)
class Table:
    """
    A table that tasks load.

    :param label: the id of its task, or of the group of its tasks, within the group of all tables
    :param first: the task that waits for other tables
    :param tasks: the ids of all of its tasks
    :param after: the ids of the tasks that wait for one of them
    """

    label: str
    first: Any
    tasks: frozenset[str]
    after: frozenset[str]
    arguments: dict[str, Any]


def name_all(tables: Sequence[Table]) -> dict[str, str]:
    """
    Return the name of each table, by its label; a task has another id than its name gives it as an argument.

    The source's name is that of one table, unless it is the label of another, to which it is left.
    """
    names: dict[str, str] = {}
    labels = {table.label for table in tables}
    for table in tables:
        name = table.arguments.get("source_table")
        is_free = name == table.label or (name not in labels and name not in names.values())
        if isinstance(name, str) and is_literal(name) and is_free and _task_id(name):
            del table.arguments["source_table"]
        else:
            name = table.label
        if _task_id(name) != table.label:
            table.arguments["task_id"] = table.label
        names[table.label] = name
    return names


def gather(tables: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Take what tables have in common out of them, and return it as arguments of their group."""
    content: dict[str, Any] = {}
    for conn_id in ("source_conn_id", "destination_conn_id"):
        ((content[conn_id], _),) = Counter(one[conn_id] for one in tables.values()).most_common(1)
        for one in tables.values():
            if one[conn_id] == content[conn_id]:
                del one[conn_id]
    if defaults := _in_common(tables):
        content["defaults"] = defaults
    return content


def _task_id(name: str) -> str | None:
    try:
        return DeclaredName.parse(name).task_id
    except ArgumentError:
        return None


def _in_common(tables: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if len(tables) < 2:
        return found
    if pattern := _pattern({name: own["destination_table"] for name, own in tables.items()}):
        found["destination_table"] = pattern
    first = next(iter(tables.values()))
    found |= {
        name: value
        for name, value in first.items()
        if name not in (*_OF_ONE, "destination_table")
        and all(own.get(name) == value for own in tables.values())
    }
    for own in tables.values():
        for name in found:
            own.pop(name, None)
    return found


def _pattern(destinations: Mapping[str, str]) -> str | None:
    """Return the destination with ``{table}`` in place of the name, if it is that of all tables."""
    parsed = {DeclaredName.parse(name): value for name, value in destinations.items()}
    name, value = next(iter(parsed.items()))
    begin, found, end = value.rpartition(name.table)
    pattern = f"{begin}{{table}}{end}"
    return pattern if found and all(one.fill(pattern) == to for one, to in parsed.items()) else None
