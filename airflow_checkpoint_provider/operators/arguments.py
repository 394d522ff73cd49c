"""The operator's arguments: checked as far as they are known when a DAG is parsed, and again when rendered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from airflow_checkpoint_provider.engine.model.checks import flag
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.stored_text import shown
from airflow_checkpoint_provider.engine.transfer.arguments.checks import check_arguments, check_types
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class Arguments(Protocol):
    """The arguments of the transfer operator that are used by name; the others are those of ``TransferSpec``."""

    checkpoint_conn_id: str | None
    destination_conn_id: str
    rows_processor: Callable[..., Any] | None


TEMPLATED = (
    "sql",
    "source_table",
    "columns",
    "where",
    "parameters",
    "source_conn_id",
    "destination_table",
    "destination_conn_id",
    "destination_columns",
    "strategy",
    "checkpoint_column",
    "checkpoint_enabled",
    "batch_size",
    "create_table",
    "column_types",
    "on_new_column",
    "write_mode",
    "conflict_columns",
    "preoperator",
    "on_clear",
    "on_source_change",
    "force_reload",
    "on_null_key",
    "on_bad_row",
    "scope",
    "verify",
    "as_of",
    "as_of_task_id",
    "checkpoint_conn_id",
    "checkpoint_table",
    "checkpoint_name",
    "partition",
)
"""The transfer operator's templated arguments."""

STORED = ("publish", "max_rejected_rows", "allow_duplicates", "resume_proof", "lock_timeout")
"""Its other arguments that are stored with the DAG."""

_NAMES = [field.name for field in fields(TransferSpec) if field.init]
_DERIVED = {"separate_checkpoint", "auto_create", "rows_processor", "moment"}
_CONNECTIONS = (
    "source_conn_id",
    "destination_conn_id",
    "checkpoint_conn_id",
    "source_hook_params",
    "destination_hook_params",
    "rows_processor",
)


def check_literals(operator: Arguments) -> None:
    """
    Check the arguments that are written out in the DAG; templates and XComs are checked when they are rendered.

    :raises ArgumentError: when one is wrong, or two contradict each other
    """
    given = {name: getattr(operator, name) for name in _NAMES if name not in _DERIVED}
    known = {name: value for name, value in given.items() if is_literal(value)}
    others = {name: getattr(operator, name) for name in _CONNECTIONS}
    check_types({name: value for name, value in others.items() if is_literal(value)})
    known["rows_processor"] = operator.rows_processor
    _convert(known)
    separate = operator.checkpoint_conn_id
    if is_literal(separate) and is_literal(operator.destination_conn_id):
        known["separate_checkpoint"] = bool(separate) and separate != operator.destination_conn_id
        known["keeps_checkpoint"] = (
            known.get("checkpoint_enabled") is True and known.get("strategy") != "none"
        )
    check_arguments(known)


def rendered(operator: Arguments, context: Context, auto_create: bool) -> TransferSpec:
    """
    Return the rendered arguments.

    :raises ArgumentError: when one is wrong, or two contradict each other
    """
    given = {name: getattr(operator, name) for name in _NAMES if name not in _DERIVED}
    _convert(given)
    check_types({name: getattr(operator, name) for name in _CONNECTIONS})
    keeper = operator.checkpoint_conn_id
    process = operator.rows_processor
    return TransferSpec(
        **given,
        rows_processor=partial(_process, process, context) if process else None,
        separate_checkpoint=bool(keeper) and keeper != operator.destination_conn_id,
        auto_create=auto_create,
    )


def _process(process: Any, context: Context, rows: list[Any]) -> Any:
    return process(rows, **context)


def _convert(given: dict[str, Any]) -> None:
    """Give templated arguments, which are rendered to text, their type."""
    for name in ("checkpoint_enabled", "force_reload", "allow_duplicates"):
        if name in given:
            given[name] = flag(name, given[name])
    if isinstance(given.get("batch_size"), str):
        try:
            given["batch_size"] = int(given["batch_size"].strip().replace("_", ""))
        except ValueError:
            raise ArgumentError(f"batch_size: {shown(given['batch_size'])} is not a whole number.") from None


def is_literal(value: Any) -> bool:
    """Return whether a value is the one that the task will have: no template, and no other task's output."""
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value and not value.endswith(".sql")
    if isinstance(value, Mapping):
        return all(map(is_literal, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(is_literal, value))
    return not hasattr(value, "resolve")  # an XComArg
