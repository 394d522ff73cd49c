"""Every public class and function has a docstring that describes it and each of its parameters."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest

import airflow_checkpoint_provider
from airflow_checkpoint_provider.operators.partition import CheckpointPartitionOperator
from airflow_checkpoint_provider.operators.publish import CheckpointPublishOperator
from airflow_checkpoint_provider.operators.tables import CheckpointTablesOperator
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from airflow_checkpoint_provider.sensors.checkpoint import CheckpointSensor

MODULES = (
    "hooks.checkpoint",
    "operators.group",
    "operators.partition",
    "operators.publish",
    "operators.tables",
    "operators.transfer",
    "sensors.checkpoint",
    "triggers.checkpoint",
    "links.checkpoint",
)
# Names of Airflow, with the same meaning everywhere.
WELL_KNOWN = {"self", "cls", "context", "dag_id", "task_id", "run_id", "map_index"}


def public(owner: Any, module: str) -> Iterator[tuple[str, Any]]:
    """The classes, functions and methods of a module, without overridden methods."""
    for name, value in vars(owner).items():
        value = inspect.unwrap(getattr(value, "__func__", value)) if callable(value) else value
        if name.startswith("_") or getattr(value, "__module__", None) != module:
            continue
        if inspect.isclass(value):
            yield value.__qualname__, value
            yield from public(value, module)
        elif inspect.isfunction(value):
            inherited = inspect.isclass(owner) and any(name in vars(base) for base in owner.__mro__[1:])
            if not inherited:
                yield value.__qualname__, value


def all_public() -> Iterator[tuple[str, Any]]:
    for name in MODULES:
        module = importlib.import_module(f"{airflow_checkpoint_provider.__name__}.{name}")
        yield from public(module, module.__name__)


ALL = dict(all_public())


def text_of(value: Any) -> str:
    return " ".join((inspect.getdoc(value) or "").split())


@pytest.mark.parametrize("name", sorted(ALL))
def test_its_docstring_says_what_it_is(name: str) -> None:
    assert re.match(r"[A-Z\"`].{10,}", ALL[name].__doc__.strip())


@pytest.mark.parametrize("name", sorted(ALL))
def test_each_parameter_is_described(name: str) -> None:
    value = ALL[name]
    text = text_of(value)
    if "; see :meth:`" in text:  # that method has the same parameters
        return
    parameters = inspect.signature(value).parameters.values()
    names = {
        one.name for one in parameters if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)
    } - WELL_KNOWN
    described = set(re.findall(r":param (\w+):", text))
    assert names <= described, f"not described: {names - described}"
    assert described <= {one.name for one in parameters}, "describes what is not a parameter"


OPERATORS = (
    CheckpointedTransferOperator,
    CheckpointPartitionOperator,
    CheckpointPublishOperator,
    CheckpointTablesOperator,
    CheckpointSensor,
)


@pytest.mark.parametrize("operator", OPERATORS)
def test_what_is_templated_is_said_to_be(operator: Any) -> None:
    parts = re.split(r":param (\w+):", text_of(operator))
    described = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert {name for name, text in described.items() if "(templated)" in text} == set(
        operator.template_fields
    )


def test_public_classes_are_among_them() -> None:
    wanted = {
        "CheckpointHook",
        "CheckpointSensor",
        "CheckpointTrigger",
        "CheckpointLink",
        "CheckpointedTransferOperator",
        "CheckpointPartitionOperator",
        "CheckpointPublishOperator",
        "CheckpointedTransferGroup",
        "CheckpointTablesOperator",
    }
    assert wanted | {
        "CheckpointHook.seed",
        "CheckpointHook.purge",
        "CheckpointSensor.execute_complete",
    } <= set(ALL)
