"""The arguments that a table of a declaration accepts: those of the operators that its tasks are made of."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_checkpoint_provider.engine.model.stored_text import shown
from airflow_checkpoint_provider.operators.declaration.problems import Problem
from airflow_checkpoint_provider.operators.partition import CheckpointPartitionOperator
from airflow_checkpoint_provider.operators.publish import CheckpointPublishOperator
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator


def _parameters(operator: type) -> dict[str, inspect.Parameter]:
    found = inspect.signature(operator.__init__).parameters  # type: ignore[misc]
    return {name: one for name, one in found.items() if name != "self" and one.kind is not one.VAR_KEYWORD}


TRANSFER = _parameters(CheckpointedTransferOperator)
"""The parameters of the transfer operator itself."""
PLAN = _parameters(CheckpointPartitionOperator)
"""The parameters of the operator that plans partitions."""
PUBLISH = _parameters(CheckpointPublishOperator)
"""The parameters of the operator that publishes stages."""
TASK = {name: one for name, one in _parameters(BaseOperator).items() if name not in ("dag", "task_group")}
"""The parameters of every task."""
DECLARED = ("partitions", "depends_on")
"""The arguments that decide which tasks a table has, and after which others."""
OF_PLAN = tuple(name for name in PLAN if name not in TRANSFER and name != "partitions")
"""The arguments that only a table with ``partitions`` has."""

ACCEPTED = frozenset({*TRANSFER, *PLAN, *TASK, *DECLARED})


def unknown(
    name: Any, accepted: Collection[str] = ACCEPTED, what: str = "argument", otherwise: str = ""
) -> str:
    """Describe a name that does not exist, with the one that was probably meant, or else with another hint."""
    near = get_close_matches(str(name), accepted, n=1)
    hint = f"; is {near[0]!r} meant?" if near else otherwise
    return f"there is no {what} {shown(name)}{hint or '.'}"


def strange(arguments: Mapping[Any, Any], table: str | None = None) -> Iterator[Problem]:
    """Find the arguments that do not exist."""
    where = "" if table is not None else "defaults: "
    for name in arguments:
        if name not in ACCEPTED:
            hint = (
                "; a table takes those of CheckpointedTransferOperator, CheckpointPartitionOperator and "
                "BaseOperator."
            )
            yield Problem(where + unknown(name, otherwise=hint), table, str(name))
        elif table is None and name == "depends_on":
            yield Problem(
                f"{where}depends_on: give it to single tables, with the names of others.", None, name
            )
