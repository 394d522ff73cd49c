"""The arguments of a transfer: the values that each of them takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_checkpoint_provider.engine.model.checks import (
    ID_LENGTH,
    LARGEST,
    boolean,
    is_names,
    is_number,
    is_text,
    refuse,
    text,
)
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.stored_text import LONGEST_NAME, shown
from airflow_checkpoint_provider.engine.transfer.arguments.combinations import check_combinations

CHOICES: dict[str, tuple[str | None, ...]] = {
    "strategy": ("auto", "key", "python", "none"),
    "write_mode": ("append", "upsert", "replace", "replace_atomic"),
    "on_clear": ("reload", "resume"),
    "on_source_change": ("fail", "reload"),
    "on_null_key": ("fail", "load"),
    "on_bad_row": ("fail", "reject"),
    "scope": ("run", "task"),
    "resume_proof": ("last_row", "prefix"),
    "verify": (None, "count", "digest"),
    "as_of": (None, "now"),
    "create_table": (None, "missing"),
    "on_new_column": ("fail", "ignore", "add"),
}
"""The values that each of these arguments takes; the first is not always the default."""

_RANGES = (
    ("batch_size", 1, LARGEST),
    ("max_reconnects", 0, LARGEST),
    ("lock_timeout", 0, 2_000_000),  # 23 days: SQLite and Postgres count milliseconds
)


def check_arguments(given: Mapping[str, Any]) -> None:
    """
    Check arguments, as far as they are known: one that is not among ``given`` may be anything.

    :raises ArgumentError: when one is wrong, or two contradict each other
    """
    for name, choices in CHOICES.items():
        if name in given and given[name] not in choices:
            allowed = ", ".join(map(repr, choices))
            raise ArgumentError(f"{name}: {shown(given[name])} is not one of {allowed}.")
    for name, least, most in _RANGES:
        if name in given and not (is_number(given[name]) and given[name] >= least):
            raise ArgumentError(f"{name}: {shown(given[name])} is not a number of at least {least}.")
        if name in given and given[name] > most:
            raise ArgumentError(f"{name}: {shown(given[name])} is more than {most}.")
    if "batch_size" in given and not isinstance(given["batch_size"], int):
        raise ArgumentError(f"batch_size: {shown(given['batch_size'])} is not a whole number.")
    check_types(given)
    check_combinations(given)


def check_types(given: Mapping[str, Any]) -> None:
    """
    Check the type of each argument of a transfer; whether they fit together is checked afterwards.

    :raises ArgumentError: for the first one of another type
    """
    for name in ("source_conn_id", "destination_conn_id", "checkpoint_conn_id", "as_of_task_id"):
        if name in given:
            text(name, given[name], optional=name in ("checkpoint_conn_id", "as_of_task_id"), most=ID_LENGTH)
    for name in ("destination_table", "checkpoint_table", "source_table"):
        if name in given:
            text(name, given[name], optional=name == "source_table", most=LONGEST_NAME)
    if not isinstance(given.get("sql"), (list, tuple)):  # a list has an error of its own
        text("sql", given.get("sql"), optional=True)
    for name, fits, wanted in _SHAPES:
        if given.get(name) is not None and not fits(given[name]):
            raise refuse(name, given[name], wanted)
    for name in ("checkpoint_enabled", "force_reload", "allow_duplicates", "auto_create", "publish"):
        if name in given:
            boolean(name, given[name])


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping) and all(is_text(name) for name in value)


_SHAPES = (
    (
        "parameters",
        lambda v: isinstance(v, (list, tuple)) or _is_mapping(v),
        "a mapping of names, or a list of values",
    ),
    (
        "destination_columns",
        lambda v: (
            is_names(list(v) + list(v.values()))
            if isinstance(v, Mapping)
            else is_names(v) or isinstance(v, str)
        ),
        "a list of columns, or a mapping of source to destination",
    ),
    ("columns", lambda v: is_names(v) or isinstance(v, str), "a list of columns"),
    (
        "column_types",
        lambda v: isinstance(v, Mapping) and is_names(list(v)) and is_names(list(v.values())),
        "a mapping of columns to types",
    ),
    ("where", is_text, "a condition in SQL"),
    ("conflict_columns", lambda v: is_names(v) or isinstance(v, str), "a list of columns"),
    ("checkpoint_column", lambda v: is_text(v) or is_names(v), "a column name or a list of them"),
    ("preoperator", lambda v: is_text(v) or is_names(v), "a statement or a list of them"),
    ("source_hook_params", _is_mapping, "a mapping of names"),
    ("destination_hook_params", _is_mapping, "a mapping of names"),
    ("rows_processor", callable, "a function"),
)
