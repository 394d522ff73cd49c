"""The places of checkpoints, as serialized DAGs and rendered fields have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_checkpoint_provider.engine.model.checkpoint import DEFAULT_TABLE
from airflow_checkpoint_provider.engine.model.checks import ID_LENGTH, is_text

_FIELDS = ("destination_conn_id", "checkpoint_conn_id", "checkpoint_table")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """
    A metadata table, and the connection that leads to it.

    :param team: the team of the tasks that use the connection; empty where they have none
    """

    conn_id: str
    table: str = DEFAULT_TABLE
    team: str = ""

    def __str__(self) -> str:
        whose = f"{self.conn_id} of team {self.team}" if self.team else self.conn_id
        return whose if self.table == DEFAULT_TABLE else f"{whose} ({self.table})"


def transfers_of(dag: Mapping[str, Any]) -> Iterator[tuple[str, Place | None]]:
    """
    Yield the transfers of a serialized DAG: the task id of each, and the place of its checkpoint.

    Operators are recognised by their fields, so that derived ones are found as well. The place is ``None`` where only a
    task instance has it: from a template, or from the expansion of a mapped task.
    """
    for task in dag.get("dag", {}).get("tasks", ()):
        operator = task.get("__var", task)
        fields = operator.get("template_fields") or ()
        if not {"source_conn_id", "destination_conn_id", "checkpoint_table"} <= set(fields):
            continue
        expanded = _expanded_over(operator)
        given = operator.get("partial_kwargs", operator)
        yield operator["task_id"], None if expanded else place_of(given)


def display_names_of(dag: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of a serialized DAG's tasks in Airflow's UI, by task id, where they differ from it."""
    names = {}
    for task in dag.get("dag", {}).get("tasks", ()):
        operator = task.get("__var", task)
        mapped = operator.get("partial_kwargs") or {}
        if name := operator.get("_task_display_name") or mapped.get("task_display_name"):
            names[operator["task_id"]] = name
    return names


def place_of(fields: Mapping[str, Any]) -> Place | None:
    """Return the place that an operator's fields name; ``None`` for a template, or a name no request can have."""
    destination, keeper, table = (fields.get(name) for name in _FIELDS)
    conn_id, table = keeper or destination, table or DEFAULT_TABLE
    for value in (conn_id, table):
        if not isinstance(value, str) or not is_text(value) or "{{" in value or "{%" in value:
            return None
        if len(value) > ID_LENGTH or not value.isprintable():
            return None
    return Place(conn_id, table) if conn_id else None


def _expanded_over(operator: Mapping[str, Any]) -> bool:
    """Return whether the place of a mapped task's checkpoint may depend on its expansion."""
    expansion = operator.get("expand_input")
    if not expansion:
        return False
    if expansion.get("type") != "dict-of-lists":
        return True
    names = expansion.get("value") or {}
    return any(name in names.get("__var", names) for name in _FIELDS)
