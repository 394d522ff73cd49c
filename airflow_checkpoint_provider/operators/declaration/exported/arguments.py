"""The arguments of a task that differ from its defaults or from ``default_args``, as far as YAML can express them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from enum import Enum
from inspect import Parameter
from typing import Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.operators.declaration.accepted import TASK, TRANSFER
from airflow_checkpoint_provider.operators.declaration.names import DeclaredName
from airflow_checkpoint_provider.operators.declaration.yaml_schema import SCHEMA

_PLAIN = (int, float, bool, timedelta, type(None))
_ANY = DeclaredName("-", "-")


class Differing:
    """
    Finds such arguments.

    :param dag: the DAG of the tasks, which gives them its parameters and its start
    """

    def __init__(self, dag: Any) -> None:
        self._dag = dag
        self._of_dag = {"params": dag.params.dump(), "start_date": dag.start_date}
        self._bare = BaseOperator(task_id="bare")
        self._by_default: dict[str | None, list[tuple[Mapping[str, Any], BaseOperator]]] = {}
        self._possible = set(json.loads(SCHEMA.read_text())["$defs"]["arguments"]["properties"])

    def of_operator(self, task: Any, parameters: Mapping[str, Parameter] = TRANSFER) -> dict[str, Any]:
        """
        Return the arguments of an operator itself.

        :raises ArgumentError: for one that YAML cannot express, without which it would do something else
        """
        found = {}
        defaults = [given for given, _ in self._defaults_of(task)]
        # Airflow gives a mapped operator its default_args when it runs.
        given = (
            {**_merged(defaults), **task.partial_kwargs} if hasattr(task, "partial_kwargs") else vars(task)
        )
        for name, parameter in parameters.items():
            value = given.get(name, parameter.default)
            usual = [parameter.default, *(one[name] for one in defaults if name in one)]
            if value is not Parameter.empty and any(value != one for one in usual):
                if name not in self._possible or not _is_plain(value):
                    raise ArgumentError(f"{name}: not possible in YAML")
                found[name] = value
        return found

    def of_every_task(self, task: Any) -> dict[str, Any]:
        """Return the arguments that every task has; those that YAML cannot express are among them."""
        return dict(self._of_every_task(task))

    def is_possible(self, name: str, value: Any) -> bool:
        """Return whether YAML can express an argument."""
        return name in self._possible and _is_plain(value)

    def _of_every_task(self, task: Any) -> Iterator[tuple[str, Any]]:
        given = task.partial_kwargs if hasattr(task, "partial_kwargs") else None
        usual = {**self._of_dag, "task_display_name": task.task_id}
        defaults = self._defaults_of(task)
        for name in TASK:
            bare = getattr(self._bare, name, None)
            value = _value(getattr(task, name, None) if given is None else given.get(name, bare))
            # What a class defines is no argument: pre_execute is a method until it is given.
            if name == "task_id" or name in TRANSFER or hasattr(value, "__self__"):
                continue
            others = [
                _value(getattr(made, name, None)) for given_there, made in defaults if name in given_there
            ]
            is_own = (value or bare) and value not in (_value(bare), usual.get(name))
            if is_own or any((value or one) and value != one for one in others):
                yield name, value

    def _defaults_of(self, task: Any) -> list[tuple[Mapping[str, Any], BaseOperator]]:
        """Return the ``default_args`` of the DAG and of the groups around a task, inwards, with an operator of each."""
        group = task.task_group
        if group.group_id not in self._by_default:
            found = []
            inner = group
            while inner is not None:
                found.append(inner.default_args)
                inner = inner.parent_group
            self._by_default[group.group_id] = [
                (dict(one), BaseOperator(task_id="bare", default_args=dict(one)))
                for one in (self._dag.default_args, *reversed(found))
                if one
            ]
        return self._by_default[group.group_id]


def _merged(defaults: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in defaults:
        found |= one
    return found


def _value(value: Any) -> Any:
    """Return a value of Airflow in the form in which it is given."""
    if isinstance(value, Enum):
        return value.value
    return value.dump() if hasattr(value, "dump") else value


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(one) for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, str):
        return bool(_ANY.fill(value) == value)  # a declaration replaces {table} and {schema}
    return isinstance(value, _PLAIN)
