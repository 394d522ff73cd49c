"""The arguments of a transfer: the combinations that are refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow_checkpoint_provider.engine.model.checks import checkpoint_name, is_number
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.partition import Partition


def check_combinations(given: Mapping[str, Any]) -> None:
    """
    Check arguments against each other, as far as they are known.

    :raises ArgumentError: when two contradict each other
    """
    _check_source(given)
    _check_key(given)
    _check_scope(given)
    _check_rejecting(given)
    _check_publish(given)
    if given.get("checkpoint_name") is not None:
        _check_name(given)
    if given.get("partition") is not None:
        _check_partition(given)
    if given.get("as_of"):
        _check_as_of(given)
    elif given.get("as_of_task_id") and "as_of" in given:
        raise ArgumentError(
            "as_of_task_id: it names the task whose moment as_of='now' means; give as_of, too."
        )
    _check_creation(given)
    if given.get("on_new_column", "fail") != "fail":
        _check_new_columns(given)
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
    _check_part_of_table(given)
    columns = given.get("destination_columns")
    if columns is not None and (isinstance(columns, str) or not columns):
        raise ArgumentError(
            "destination_columns: give a list of columns, or a mapping of source to destination."
        )
    if isinstance(given.get("conflict_columns"), str):
        raise ArgumentError("conflict_columns: give a list of columns.")


def _check_part_of_table(given: Mapping[str, Any]) -> None:
    columns, where = given.get("columns"), given.get("where")
    for name, value in (("columns", columns), ("where", where)):
        if value is not None and given.get("sql"):
            raise ArgumentError(
                f"{name}: it goes with source_table; a query has columns and a WHERE of its own."
            )
    if columns is not None and (isinstance(columns, str) or not columns):
        raise ArgumentError("columns: give a list of columns; without it, all of them are read.")
    if columns is not None and len(set(columns)) < len(columns):
        raise ArgumentError("columns: a column is named twice.")
    if where is not None and not where.strip():
        raise ArgumentError("where: the condition is empty; without it, all rows are read.")


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


def _check_name(given: Mapping[str, Any]) -> None:
    checkpoint_name("checkpoint_name", given["checkpoint_name"])
    if given.get("partition") is not None or given.get("publish") is False:
        raise ArgumentError(
            "checkpoint_name: the partitions of one load are told apart by their map index; leave out the name."
        )
    if given.get("strategy") == "none" or given.get("checkpoint_enabled") is False:
        raise ArgumentError(
            "checkpoint_name: there is no checkpoint to name with strategy='none' or checkpoint_enabled=False."
        )


def _check_partition(given: Mapping[str, Any]) -> None:
    if given.get("strategy") in ("python", "none"):
        raise ArgumentError(
            f"partition: a partition is read by key, which strategy={given['strategy']!r} does not do."
        )
    if given.get("checkpoint_enabled") is False:
        raise ArgumentError(
            "partition: a partition is read by key and keeps a checkpoint; leave checkpoint_enabled True."
        )
    if given.get("scope") == "task":
        raise ArgumentError(
            "partition: the partitions are those of one run; scope='task' goes on from run to run."
        )
    if given.get("write_mode") == "replace_atomic" and given.get("publish", False) is not False:
        raise ArgumentError(
            "partition: with write_mode='replace_atomic' each partition would put itself in the place of all; set "
            "publish=False, and let a CheckpointPublishOperator publish the partitions together."
        )
    moment = Partition.of_plan(given["partition"]).moment
    if moment and given.get("sql"):
        raise ArgumentError(
            "partition: it was planned with as_of, which goes with source_table; give the table in place of sql."
        )
    if given.get("as_of") and not moment:
        raise ArgumentError(
            "as_of: the partitions were planned without a moment that they share; give as_of to the "
            "CheckpointPartitionOperator."
        )


def _check_creation(given: Mapping[str, Any]) -> None:
    creates = given.get("create_table", "missing") is not None or given.get("on_new_column", "add") == "add"
    if given.get("column_types") and not creates:
        raise ArgumentError(
            "column_types: they are those of a table or a column that is created; set create_table='missing', or "
            "on_new_column='add'."
        )


def _check_new_columns(given: Mapping[str, Any]) -> None:
    if given.get("columns") is not None:
        raise ArgumentError(
            f"on_new_column: {given['on_new_column']!r} is about columns that the task does not name, and columns "
            "names them; leave one of them out."
        )
    columns, adds = given.get("destination_columns"), given["on_new_column"] == "add"
    if isinstance(columns, Mapping) or (adds and columns is not None):
        raise ArgumentError(
            f"on_new_column: {given['on_new_column']!r} is about columns that the task does not name, and "
            "destination_columns names them; leave one of them out."
        )
    if adds and given.get("rows_processor"):
        raise ArgumentError(
            "on_new_column: 'add' writes a new column as it is read, and with rows_processor, what is written is not "
            "what was read; use 'ignore', or 'fail'."
        )


def _check_as_of(given: Mapping[str, Any]) -> None:
    if given.get("sql"):
        raise ArgumentError(
            "as_of: it goes with source_table; a query names a moment behind each of its tables by itself."
        )
    if given.get("strategy") == "none" or given.get("checkpoint_enabled") is False:
        raise ArgumentError(
            "as_of: the moment is kept with the checkpoint, and there is none with strategy='none' or "
            "checkpoint_enabled=False."
        )


def _check_verify(given: Mapping[str, Any]) -> None:
    reasons = {
        "rows_processor": "with rows_processor, what is written is not what was read",
        "partition": "a partition of a load is not compared",
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
