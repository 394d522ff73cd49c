"""The JSON schema of a declaration in YAML, made from the signatures and docstrings of the operators."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from airflow.sdk import BaseOperator

from airflow_checkpoint_provider.engine.transfer.arguments.checks import CHOICES
from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup
from airflow_checkpoint_provider.operators.partition import CheckpointPartitionOperator
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

TEXT, NUMBER, YES_OR_NO = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
DURATION = {"$ref": "#/$defs/duration"}
OF_TASKS: dict[str, dict[str, Any]] = {
    "task_id": TEXT,
    "pool": TEXT,
    "queue": TEXT,
    "owner": TEXT,
    "executor": TEXT,
    "trigger_rule": TEXT,
    "weight_rule": TEXT,
    "run_as_user": TEXT,
    "map_index_template": TEXT,
    "task_display_name": TEXT,
    "doc_md": TEXT,
    "retries": NUMBER,
    "pool_slots": NUMBER,
    "priority_weight": NUMBER,
    "max_active_tis_per_dag": NUMBER,
    "max_active_tis_per_dagrun": NUMBER,
    "execution_timeout": DURATION,
    "retry_delay": DURATION,
    "max_retry_delay": DURATION,
    "retry_exponential_backoff": {"type": "number"},
    "depends_on_past": YES_OR_NO,
    "wait_for_downstream": YES_OR_NO,
    "do_xcom_push": YES_OR_NO,
    "params": {"type": "object"},
}
"""The arguments of every task that YAML can express, of all supported versions of Airflow."""

UNITS = ("weeks", "days", "hours", "minutes", "seconds", "milliseconds")
TEMPLATE = {"type": "string", "pattern": r"\{[{%]"}
SIMPLE = {
    str: "string",
    int: "integer",
    float: "number",
    Decimal: "number",
    bool: "boolean",
    NoneType: "null",
}


def described(operator: type) -> dict[str, str]:
    parts = re.split(r":param (\w+):", " ".join((inspect.getdoc(operator) or "").split()))
    texts = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {name: re.split(r" :\w+", text)[0].replace("``", "`").strip() for name, text in texts.items()}


def kinds(annotation: Any) -> list[dict[str, Any]] | None:
    """Return the schemas of a type; ``None`` for one that YAML has not."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        found = [kinds(one) for one in get_args(annotation)]
        return None if None in found else [one for each in found for one in each or []]
    if origin is Callable:
        return None
    if annotation in SIMPLE:
        return [{"type": SIMPLE[annotation]}]
    if annotation is timedelta:
        return [{"$ref": "#/$defs/duration"}]
    if origin is Sequence:
        return [{"type": "array"}]
    if origin in (Mapping, dict):
        return [{"type": "object"}]
    assert annotation is Any
    return [{}]


def argument(operator: Any, name: str, annotation: Any) -> dict[str, Any] | None:
    templated = name in operator.template_fields
    if name in CHOICES:
        choice: dict[str, Any] = {"enum": list(CHOICES[name])}
        return {"anyOf": [choice, TEMPLATE]} if templated else choice
    found = kinds(annotation)
    if found is None:
        return None
    if templated and {"type": "string"} not in found:
        found = [*found, TEMPLATE]
    unique = [one for number, one in enumerate(found) if one not in found[:number]]
    plain = [one["type"] for one in unique if set(one) == {"type"}]
    rest = [one for one in unique if set(one) != {"type"}]
    short = {"type": plain[0] if len(plain) == 1 else plain}
    if not rest:
        return short
    return {"anyOf": [*([short] if plain else []), *rest]} if plain or len(rest) > 1 else rest[0]


def group_schema() -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for operator in (CheckpointedTransferOperator, CheckpointPartitionOperator):
        texts = described(operator)
        signature = inspect.signature(operator.__init__, eval_str=True)
        for name, parameter in signature.parameters.items():
            if name not in ("self", "kwargs", "partition") and name not in arguments:
                schema = argument(operator, name, parameter.annotation)
                if schema is not None:
                    arguments[name] = {**schema, "description": texts[name]}
    of_tasks = {
        name: {**schema, "description": f"As of every task: `{name}` of BaseOperator"}
        for name, schema in OF_TASKS.items()
    }
    own = {
        "depends_on": {
            "type": ["string", "array"],
            "description": "tables of the group that are loaded before it",
        }
    }
    group = described(CheckpointedTransferGroup)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The tables of a CheckpointedTransferGroup",
        "type": "object",
        "required": ["tables"],
        "additionalProperties": False,
        "properties": {
            **{
                name: {"type": "string", "description": group[name]}
                for name in ("group_id", "source_conn_id", "destination_conn_id")
            },
            "order": {"enum": [None, "listed"], "description": group["order"]},
            "as_of": {"enum": [None, "now"], "description": group["as_of"]},
            "publish_together": {"type": "boolean", "description": group["publish_together"]},
            "defaults": {"$ref": "#/$defs/arguments", "description": group["defaults"]},
            "tables": {
                "type": "object",
                "minProperties": 1,
                "description": group["tables"],
                "additionalProperties": {"$ref": "#/$defs/arguments"},
            },
        },
        "$defs": {
            "arguments": {
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": {**arguments, **of_tasks, **own},
            },
            "duration": {
                "anyOf": [
                    {"type": "number"},
                    {
                        "type": "object",
                        "minProperties": 1,
                        "additionalProperties": False,
                        "properties": {unit: {"type": "number"} for unit in UNITS},
                    },
                ]
            },
        },
    }


def of_every_airflow() -> set[str]:
    """Return the arguments of tasks that this Airflow does not know."""
    return set(OF_TASKS) - set(inspect.signature(BaseOperator.__init__).parameters)
