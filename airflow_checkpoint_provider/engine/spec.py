"""What to transfer and how: the arguments, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from airflow_checkpoint_provider.engine.batches import Row
from airflow_checkpoint_provider.engine.errors import ArgumentError
from airflow_checkpoint_provider.engine.query import Parameters
from airflow_checkpoint_provider.engine.schema import DEFAULT_TABLE

CHOICES: dict[str, tuple[str | None, ...]] = {
    "strategy": ("auto", "key", "python", "none"),
    "write_mode": ("append", "upsert", "replace"),
    "on_clear": ("reload", "resume"),
    "on_source_change": ("fail", "reload"),
    "on_null_key": ("fail", "load"),
    "scope": ("run", "task"),
    "resume_proof": ("last_row", "prefix"),
    "verify": (None, "count", "digest"),
}
"""The values that each of these arguments takes; the first is not always the default."""


@dataclass(frozen=True, kw_only=True)
class TransferSpec:
    """
    The arguments of ``CheckpointedTransferOperator``, rendered.

    :raises ArgumentError: when one is wrong, or two contradict each other
    """

    destination_table: str
    sql: str | None = None
    source_table: str | None = None
    parameters: Parameters = None
    destination_columns: Sequence[str] | Mapping[str, str] | None = None
    strategy: str = "auto"
    checkpoint_column: str | Sequence[str] | None = None
    checkpoint_enabled: bool = True
    batch_size: int = 50_000
    write_mode: str = "append"
    conflict_columns: Sequence[str] | None = None
    preoperator: str | Sequence[str] | None = None
    rows_processor: Callable[[list[Row]], Any] | None = None
    on_clear: str = "reload"
    on_source_change: str = "fail"
    force_reload: bool = False
    on_null_key: str = "fail"
    scope: str = "run"
    lookback: float | Decimal | timedelta | None = None
    separate_checkpoint: bool = False
    checkpoint_table: str = DEFAULT_TABLE
    allow_duplicates: bool = False
    max_reconnects: int = 5
    lock_timeout: float = 60
    resume_proof: str = "last_row"
    verify: str | None = None
    auto_create: bool = True
    key: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        check_arguments(vars(self))
        key = self.checkpoint_column or ()
        object.__setattr__(self, "key", (key,) if isinstance(key, str) else tuple(key))

    @property
    def keeps_checkpoint(self) -> bool:
        return self.checkpoint_enabled and self.strategy != "none"


def check_arguments(given: Mapping[str, Any]) -> None:
    """
    Check arguments, as far as they are known: one that is not among ``given`` may be anything.

    :raises ArgumentError: when one is wrong, or two contradict each other
    """
    for name, choices in CHOICES.items():
        if name in given and given[name] not in choices:
            allowed = ", ".join(map(repr, choices))
            raise ArgumentError(f"{name}: {given[name]!r} is not one of {allowed}.")
    for name, least in (("batch_size", 1), ("max_reconnects", 0), ("lock_timeout", 0)):
        if name in given and not (_is_number(given[name]) and given[name] >= least):
            raise ArgumentError(f"{name}: {given[name]!r} is not a number of at least {least}.")
    if "batch_size" in given and not isinstance(given["batch_size"], int):
        raise ArgumentError(f"batch_size: {given['batch_size']!r} is not a whole number.")
    _check_source(given)
    _check_key(given)
    _check_scope(given)
    if given.get("verify") and given.get("rows_processor"):
        raise ArgumentError(
            "verify: with rows_processor, what is written is not what was read; leave one of them out."
        )
    if given.get("separate_checkpoint") and given.get("keeps_checkpoint", True):
        _check_separate(given)


def _check_source(given: Mapping[str, Any]) -> None:
    if {"sql", "source_table"} <= given.keys():
        if given["sql"] and given["source_table"]:
            raise ArgumentError("sql and source_table: give one of them, not both.")
        if not given["sql"] and not given["source_table"]:
            raise ArgumentError("sql: give a query, or a table as source_table.")
    if isinstance(given.get("sql"), (list, tuple)):
        raise ArgumentError("sql: one query is read, not a list; map the task over a list of queries.")
    if given.get("parameters") and given.get("source_table"):
        raise ArgumentError("parameters: they belong to sql; source_table takes none.")
    columns = given.get("destination_columns")
    if columns is not None and (isinstance(columns, str) or not columns):
        raise ArgumentError(
            "destination_columns: give a list of columns, or a mapping of source to destination."
        )
    if isinstance(given.get("conflict_columns"), str):
        raise ArgumentError("conflict_columns: give a list of columns.")


def _check_key(given: Mapping[str, Any]) -> None:
    strategy, key = given.get("strategy"), given.get("checkpoint_column")
    if strategy == "key" and "checkpoint_column" in given and not key:
        raise ArgumentError("checkpoint_column: strategy='key' needs the column, or columns, to go by.")
    names = [key] if isinstance(key, str) else key
    if names and not all(isinstance(name, str) and name for name in names):
        raise ArgumentError(f"checkpoint_column: {key!r} is not a column name or a list of them.")
    if strategy in ("python", "none") and names and given.get("checkpoint_enabled", True) is True:
        raise ArgumentError(
            f"checkpoint_column: strategy={strategy!r} does not use a column; use strategy='key' or 'auto'."
        )


def _check_scope(given: Mapping[str, Any]) -> None:
    if given.get("scope") == "task":
        if given.get("strategy") in ("python", "none"):
            raise ArgumentError(
                f"scope: 'task' keeps a high-water mark of a key, which strategy={given['strategy']!r} has not."
            )
        if given.get("checkpoint_enabled") is False:
            raise ArgumentError(
                "checkpoint_enabled: scope='task' goes by the checkpoint; it cannot be False there."
            )
        if given.get("write_mode") == "replace":
            raise ArgumentError(
                "write_mode: 'replace' empties the table, but scope='task' adds to what earlier runs loaded; "
                "use 'append' or 'upsert'."
            )
        if given.get("on_null_key") == "load" and given.get("write_mode") not in (None, "upsert"):
            raise ArgumentError(
                "on_null_key: with scope='task', every run would append the rows without a key again; "
                "use write_mode='upsert'."
            )
    if given.get("lookback"):
        if given.get("scope") == "run":
            raise ArgumentError("lookback: it goes back from the mark that scope='task' keeps.")
        if given.get("write_mode") not in (None, "upsert"):
            raise ArgumentError("lookback: rows are read again, so it needs write_mode='upsert'.")
        if not (_is_number(given["lookback"]) or isinstance(given["lookback"], timedelta)):
            raise ArgumentError(f"lookback: {given['lookback']!r} is not a number or a timedelta.")
        if not given["lookback"] > type(given["lookback"])(0):
            raise ArgumentError(
                f"lookback: {given['lookback']!r} would leave rows out; give how far to go back."
            )


def _check_separate(given: Mapping[str, Any]) -> None:
    mode = given.get("write_mode")
    if mode in ("append", "replace") and given.get("allow_duplicates") is False:
        raise ArgumentError(
            "checkpoint_conn_id: a checkpoint in another database than the rows cannot commit together with "
            f"them, so delivery is at-least-once and write_mode={mode!r} may write a batch twice. Use 'upsert', "
            "keep the checkpoint in the destination, or accept it with allow_duplicates=True."
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
