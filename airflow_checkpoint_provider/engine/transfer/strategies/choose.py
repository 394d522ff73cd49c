"""The choice of a strategy: by key, or by counting rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName, match_column
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.events.transfer import StrategyChosen
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.session import Session
from airflow_checkpoint_provider.engine.transfer.strategies.base import Strategy
from airflow_checkpoint_provider.engine.transfer.strategies.counting import CountStrategy
from airflow_checkpoint_provider.engine.transfer.strategies.key import KeyStrategy

__all__ = ("CountStrategy", "KeyStrategy", "Strategy", "choose_strategy")


def choose_strategy(spec: TransferSpec, session: Session) -> tuple[Strategy, StrategyChosen]:
    """Choose the strategy, and return it with the reason."""
    source = session.source
    if not spec.keeps_checkpoint:
        reason = "checkpoint_enabled is False" if not spec.checkpoint_enabled else "as the task says"
        chosen = StrategyChosen("none", f"{reason}; no checkpoint is kept, every attempt starts over")
        return CountStrategy(source, spec.batch_size, proof=None), chosen
    key, reason = list(spec.key), "by checkpoint_column"
    part = spec.part
    table = TableName.parse(spec.source_table, argument="source_table") if spec.source_table else None
    if not key and spec.strategy == "auto" and table:
        key, reason = source.primary_key(table), "the primary key of the source table"
        _check_read(key, source)
    if key and spec.strategy in ("auto", "key"):
        columns = source.find_columns(key, "checkpoint_column")
        if part and source.is_by_storage(part):
            _read_stored(spec, source, table, part)
            reason += f", partition {part.index} of 0 to {part.of - 1} as it is stored"
            part = None
        if part:
            part = replace(part, column=source.find_columns([part.column], "partition")[0])
            reason += f", partition {part.index} of 0 to {part.of - 1}"
        required = source.required_columns(table) if table else ()
        late = (
            source.late_keys(table, columns) if table and spec.scope == "task" and not spec.lookback else ()
        )
        strategy = KeyStrategy(source, columns, spec.batch_size, spec.on_null_key, part, required, late)
        return strategy, StrategyChosen("key", f"by {', '.join(columns)}, {reason}")
    if spec.part:
        raise ArgumentError(
            "partition: a partition is read by key, and there is neither a checkpoint_column nor a primary key of "
            "source_table to go by."
        )
    if spec.scope == "task":
        raise ArgumentError(
            "checkpoint_column: scope='task' keeps a high-water mark of a key, and there is neither a "
            "checkpoint_column nor a primary key of source_table to take it from."
        )
    why = (
        "as the task says"
        if spec.strategy == "python"
        else "there is no checkpoint_column and no primary key"
    )
    warning = None
    if not source.query.ordered:
        warning = (
            "The query has no ORDER BY at its outermost level: the database may return its rows in another "
            "order next time, and an attempt that counts and skips rows would then be refused by its proof, or "
            "miss rows. Add an ORDER BY, or give a checkpoint_column."
        )
    chosen = StrategyChosen("python", f"rows are counted and skipped, {why}", warning)
    return CountStrategy(source, spec.batch_size, proof=spec.resume_proof), chosen


def _check_read(key: Sequence[str], source: Source) -> None:
    """Refuse to leave out the primary key that the rows would be read by."""
    left_out = [name for name in key if match_column(name, source.columns) is None]
    if left_out and source.query.selected:
        raise ArgumentError(
            f"columns: the rows are read by the primary key, and {', '.join(left_out)} of it is not among the columns. "
            "Add it; a mapping in destination_columns keeps it out of the destination. Or give another "
            "checkpoint_column."
        )


def _read_stored(spec: TransferSpec, source: Source, table: TableName | None, part: Partition) -> None:
    planned = "partition: it was planned with split='rowid'"
    if table is None:
        raise ArgumentError(f"{planned}, which goes with source_table; give the table in place of sql.")
    if spec.write_mode == "replace":
        raise ArgumentError(
            f"{planned}, and the destination has no such places to delete the rows of. Empty the table before the plan "
            "and use write_mode='append', or use 'upsert', or 'replace_atomic' with publish=False and a "
            "CheckpointPublishOperator."
        )
    source.read_stored(table, part)
