"""What to transfer and how: the arguments, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from airflow_checkpoint_provider.engine.batches import Row
from airflow_checkpoint_provider.engine.checks import LARGEST, check_types, is_number
from airflow_checkpoint_provider.engine.errors import ArgumentError
from airflow_checkpoint_provider.engine.part import Part
from airflow_checkpoint_provider.engine.query import Parameters
from airflow_checkpoint_provider.engine.schema import DEFAULT_TABLE

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
}
"""The values that each of these arguments takes; the first is not always the default."""

_RANGES = (
    ("batch_size", 1, LARGEST),
    ("max_reconnects", 0, LARGEST),
    ("lock_timeout", 0, 2_000_000),  # 23 days: SQLite and Postgres count milliseconds
)


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
    publish: bool = True
    preoperator: str | Sequence[str] | None = None
    rows_processor: Callable[[list[Row]], Any] | None = None
    on_clear: str = "reload"
    on_source_change: str = "fail"
    force_reload: bool = False
    on_null_key: str = "fail"
    on_bad_row: str = "fail"
    max_rejected_rows: int | None = 1_000
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
    partition: Mapping[str, Any] | None = None
    key: tuple[str, ...] = field(init=False)
    part: Part | None = field(init=False)

    def __post_init__(self) -> None:
        check_arguments(vars(self))
        key = self.checkpoint_column or ()
        object.__setattr__(self, "key", (key,) if isinstance(key, str) else tuple(key))
        part = Part.of_plan(self.partition) if self.partition is not None else None
        object.__setattr__(self, "part", part)

    @property
    def stages(self) -> bool:
        """Whether rows go to a stage before the destination."""
        return self.write_mode == "replace_atomic"

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
    for name, least, most in _RANGES:
        if name in given and not (is_number(given[name]) and given[name] >= least):
            raise ArgumentError(f"{name}: {given[name]!r} is not a number of at least {least}.")
        if name in given and given[name] > most:
            raise ArgumentError(f"{name}: {given[name]!r} is more than {most}.")
    if "batch_size" in given and not isinstance(given["batch_size"], int):
        raise ArgumentError(f"batch_size: {given['batch_size']!r} is not a whole number.")
    check_types(given)
    _check_source(given)
    _check_key(given)
    _check_scope(given)
    _check_rejecting(given)
    _check_publish(given)
    if given.get("partition") is not None:
        _check_partition(given)
    if given.get("verify"):
        _check_verify(given)
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
        if given.get("write_mode") in ("replace", "replace_atomic"):
            raise ArgumentError(
                f"write_mode: {given['write_mode']!r} empties the table, but scope='task' adds to what earlier runs "
                "loaded; use 'append' or 'upsert'."
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
        if not (is_number(given["lookback"]) or isinstance(given["lookback"], timedelta)):
            raise ArgumentError(f"lookback: {given['lookback']!r} is not a number or a timedelta.")
        if not given["lookback"] > type(given["lookback"])(0):
            raise ArgumentError(
                f"lookback: {given['lookback']!r} would leave rows out; give how far to go back."
            )


def _check_rejecting(given: Mapping[str, Any]) -> None:
    most = given.get("max_rejected_rows")
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
        raise ArgumentError(
            f"max_rejected_rows: {most!r} is not a whole number of at least 1; None is no limit, and "
            "on_bad_row='fail' allows no bad row."
        )
    if given.get("on_bad_row") != "reject":
        return
    if given.get("strategy") == "none" or given.get("checkpoint_enabled") is False:
        raise ArgumentError(
            "on_bad_row: 'reject' keeps bad rows beside the checkpoint, and there is none with strategy='none' or "
            "checkpoint_enabled=False."
        )
    if given.get("write_mode") == "replace_atomic":
        raise ArgumentError(
            "on_bad_row: 'reject' finds bad rows by the constraints of the destination, which the stage of "
            "write_mode='replace_atomic' has not. Use 'replace', or on_bad_row='fail'."
        )
    if given.get("separate_checkpoint"):
        raise ArgumentError(
            "on_bad_row: 'reject' keeps bad rows beside the checkpoint, where with checkpoint_conn_id they cannot "
            "commit together with the good ones. Keep the checkpoint in the destination, or use on_bad_row='fail'."
        )


def _check_publish(given: Mapping[str, Any]) -> None:
    if given.get("publish") is not False:
        return
    if given.get("write_mode") not in (None, "replace_atomic"):
        raise ArgumentError("publish: only write_mode='replace_atomic' has something to publish.")
    unkept = given.get("checkpoint_enabled") is False or given.get("strategy") == "none"
    if unkept or given.get("separate_checkpoint"):
        raise ArgumentError(
            "publish: CheckpointPublishOperator goes by checkpoints in the destination, so with publish=False one has "
            "to be kept there: without checkpoint_conn_id, checkpoint_enabled=False and strategy='none'."
        )


def _check_partition(given: Mapping[str, Any]) -> None:
    if given.get("strategy") in ("python", "none"):
        raise ArgumentError(
            f"partition: a part is read by key, which strategy={given['strategy']!r} does not do."
        )
    if given.get("checkpoint_enabled") is False:
        raise ArgumentError(
            "partition: a part is read by key and keeps a checkpoint; leave checkpoint_enabled True."
        )
    if given.get("scope") == "task":
        raise ArgumentError(
            "partition: the parts are those of one run; scope='task' goes on from run to run."
        )
    if given.get("write_mode") == "replace_atomic" and given.get("publish", False) is not False:
        raise ArgumentError(
            "partition: with write_mode='replace_atomic' each part would put itself in the place of all; set "
            "publish=False, and let a CheckpointPublishOperator publish the parts together."
        )
    Part.of_plan(given["partition"])


def _check_verify(given: Mapping[str, Any]) -> None:
    reasons = {
        "rows_processor": "with rows_processor, what is written is not what was read",
        "partition": "a part of a load is not compared",
    }
    for name, reason in reasons.items():
        if given.get(name):
            raise ArgumentError(f"verify: {reason}; leave one of them out.")
    if given.get("on_bad_row") == "reject":
        raise ArgumentError(
            "verify: with on_bad_row='reject', the destination has not all rows of the source; leave one of them out."
        )


def _check_separate(given: Mapping[str, Any]) -> None:
    mode = given.get("write_mode")
    if mode in ("append", "replace", "replace_atomic") and given.get("allow_duplicates") is False:
        raise ArgumentError(
            "checkpoint_conn_id: a checkpoint in another database than the rows cannot commit together with "
            f"them, so delivery is at-least-once and write_mode={mode!r} may write a batch twice. Use 'upsert', "
            "keep the checkpoint in the destination, or accept it with allow_duplicates=True."
        )
