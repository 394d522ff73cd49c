"""The operators of a serialized DAG, and which of their arguments are known before a task instance runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def operators_of(dag: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the operators of a serialized DAG."""
    for task in dag.get("dag", {}).get("tasks", ()):
        yield task.get("__var", task)


def operator_of(dag: Mapping[str, Any], task_id: str) -> Mapping[str, Any] | None:
    """Return the operator of a task; ``None`` where a serialized DAG has no such task."""
    return next((one for one in operators_of(dag) if one.get("task_id") == task_id), None)


def is_mapped(operator: Mapping[str, Any]) -> bool:
    """Return whether an operator is expanded into several task instances."""
    return bool(operator.get("expand_input"))


def given_to(operator: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the serialized arguments that all instances of an operator have."""
    given: Mapping[str, Any] = operator.get("partial_kwargs", operator)
    return given


def expanded_over(operator: Mapping[str, Any], *names: str) -> bool:
    """Return whether arguments of a mapped operator may depend on its expansion."""
    if not is_mapped(operator):
        return False
    expansion = operator["expand_input"]
    if expansion.get("type") != "dict-of-lists":
        return True
    expanded = expansion.get("value") or {}
    return any(name in expanded.get("__var", expanded) for name in names)
