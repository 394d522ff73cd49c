"""The places of checkpoints, as serialized DAGs and rendered fields have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from airflow_checkpoint_provider.engine.model.checkpoint import DEFAULT_TABLE
from airflow_checkpoint_provider.engine.model.checks import ID_LENGTH, is_text
from airflow_checkpoint_provider.hooks.serialized import expanded_over, given_to, operators_of

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
    for operator in operators_of(dag):
        fields = operator.get("template_fields") or ()
        if {"source_conn_id", "destination_conn_id", "checkpoint_table"} <= set(fields):
            expanded = expanded_over(operator, *_FIELDS)
            yield operator["task_id"], None if expanded else place_of(given_to(operator))


def targets_of(dag: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the connection and the table that transfers of a serialized DAG write, where they are no templates."""
    targets = {}
    for operator in operators_of(dag):
        given = given_to(operator)
        conn_id, table = given.get("destination_conn_id"), given.get("destination_table")
        if (
            _is_name(conn_id)
            and _is_name(table)
            and not expanded_over(operator, "destination_conn_id", "destination_table")
        ):
            targets[operator["task_id"]] = (conn_id, table)
    return targets


def display_names_of(dag: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of a serialized DAG's tasks in Airflow's UI, by task id, where they differ from it."""
    names = {}
    for operator in operators_of(dag):
        mapped = operator.get("partial_kwargs") or {}
        if name := operator.get("_task_display_name") or mapped.get("task_display_name"):
            names[operator["task_id"]] = name
    return names


def place_of(fields: Mapping[str, Any]) -> Place | None:
    """Return the place that an operator's fields name; ``None`` for a template, or a name no request can have."""
    destination, keeper, table = (fields.get(name) for name in _FIELDS)
    conn_id, table = keeper or destination, table or DEFAULT_TABLE
    if not (_is_name(conn_id) and _is_name(table)):
        return None
    return Place(conn_id, table) if conn_id else None


def _is_name(value: Any) -> TypeGuard[str]:
    """Return whether a value is a name as it stands, and no template."""
    if not isinstance(value, str) or not is_text(value) or "{{" in value or "{%" in value:
        return False
    return len(value) <= ID_LENGTH and value.isprintable()
