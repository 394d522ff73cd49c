"""A declaration as YAML text: the tables that can be declared there, and in words those that cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar

import yaml
from airflow.providers.common.compat.sdk import DAG

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.operators.declaration.problems import DeclarationError
from airflow_checkpoint_provider.operators.declaration.yaml_schema import unfit, with_durations

_WIDTH = 110
_Group = TypeVar("_Group")


@dataclass(frozen=True, slots=True)
class Written(Generic[_Group]):
    """
    A declaration whose tables can all be declared.

    :param group: the group that it makes; ``None`` where no table is left
    :param tables: the names of its tables
    :param text: the declaration in YAML
    :param left_out: what is wrong with the tables that are not in it, each in words
    """

    group: _Group | None
    tables: tuple[str, ...]
    text: str
    left_out: tuple[str, ...]


def write(content: Mapping[str, Any], make: Callable[..., _Group]) -> Written[_Group]:
    """
    Write a declaration, without the tables that cannot be declared.

    :param content: the arguments of the group
    :param make: the class of the group
    :raises ArgumentError: for what is wrong with the group itself
    """
    content = _plain(content)
    left_out: list[str] = []
    while tables := content["tables"]:
        group, wrong = _made(content, make)
        if not wrong:
            text = yaml.safe_dump(
                content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=_WIDTH
            )
            return Written(group, tuple(tables), text, tuple(left_out))
        left_out += [message for _, message in wrong]
        refused = {table for table, _ in wrong}
        content = {**content, "tables": {name: own for name, own in tables.items() if name not in refused}}
    return Written(None, (), "", tuple(left_out))


def _made(
    content: Mapping[str, Any], make: Callable[..., _Group]
) -> tuple[_Group | None, list[tuple[str, str]]]:
    """Make the group; or return which tables cannot be declared, and why."""
    if problems := unfit(content):
        return None, [(_table_at(place, message), message) for message, place in problems]
    try:
        with DAG("declaration", schedule=None):
            return make(**with_durations(content)), []
    except DeclarationError as error:
        return None, [(_table_at(("tables", one.table), str(one)), str(one)) for one in error.problems]


def _table_at(place: tuple[Any, ...], message: str) -> str:
    """
    Return the table of a problem.

    :raises ArgumentError: when the problem is one of the group
    """
    if place[:1] == ("tables",) and len(place) > 1 and place[1] is not None:
        return str(place[1])
    raise ArgumentError(message)


def _plain(value: Any) -> Any:
    """Return a value as YAML and its schema have it: durations and numbers as numbers, tuples as lists."""
    if isinstance(value, timedelta):
        return {"seconds": _number(value.total_seconds())}
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return _number(value) if isinstance(value, Decimal) else value


def _number(value: Decimal | float) -> int | float:
    """Return a number as a whole one, where it is one."""
    return int(value) if value == int(value) else float(value)
