"""The arguments of a transfer, as one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from airflow_checkpoint_provider.engine.databases.rows.blocks import Row
from airflow_checkpoint_provider.engine.databases.statements.query import Parameters
from airflow_checkpoint_provider.engine.model.checkpoint import DEFAULT_TABLE
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.engine.transfer.arguments.checks import check_arguments


@dataclass(frozen=True, kw_only=True)
class TransferSpec:
    """
    The arguments of ``CheckpointedTransferOperator``, rendered.

    :param moment: the moment that ``as_of`` means, where several loads share one
    :raises ArgumentError: when one is wrong, or two contradict each other
    """

    destination_table: str
    sql: str | None = None
    source_table: str | None = None
    columns: Sequence[str] | None = None
    where: str | None = None
    parameters: Parameters = None
    destination_columns: Sequence[str] | Mapping[str, str] | None = None
    strategy: str = "auto"
    checkpoint_column: str | Sequence[str] | None = None
    checkpoint_enabled: bool = True
    batch_size: int = 100_000
    write_mode: str = "append"
    conflict_columns: Sequence[str] | None = None
    create_table: str | None = None
    column_types: Mapping[str, str] | None = None
    on_new_column: str = "fail"
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
    checkpoint_name: str | None = None
    allow_duplicates: bool = False
    max_reconnects: int = 5
    lock_timeout: float = 60
    resume_proof: str = "last_row"
    verify: str | None = None
    as_of: str | None = None
    as_of_task_id: str | None = None
    moment: str = ""
    auto_create: bool = True
    partition: Mapping[str, Any] | None = None
    key: tuple[str, ...] = field(init=False)
    part: Partition | None = field(init=False)

    def __post_init__(self) -> None:
        check_arguments(vars(self))
        key = self.checkpoint_column or ()
        object.__setattr__(self, "key", (key,) if isinstance(key, str) else tuple(key))
        part = Partition.of_plan(self.partition) if self.partition is not None else None
        object.__setattr__(self, "part", part)

    @property
    def facts(self) -> LoadFacts:
        """The facts of the load that the arguments give."""
        return LoadFacts(
            source_table=self.source_table or "",
            columns=LoadFacts.shown_query(", ".join(self.columns or ())),
            where=LoadFacts.shown_query(self.where or ""),
            query=LoadFacts.shown_query(self.sql or ""),
            write_mode=self.write_mode,
            conflict_columns=tuple(self.conflict_columns or ()) if self.write_mode == "upsert" else (),
            empties=self.write_mode in ("replace", "replace_atomic"),
            batch_size=self.batch_size,
            scope=self.scope,
            publishes=self.publish or not self.stages,
            max_rejected_rows=(self.max_rejected_rows or 0) if self.on_bad_row == "reject" else 0,
        )

    @property
    def stages(self) -> bool:
        """Whether rows go to a stage before the destination."""
        return self.write_mode == "replace_atomic"

    @property
    def reads_all_columns(self) -> bool:
        """Whether the source decides which columns are read, and not the task."""
        return self.columns is None and not isinstance(self.destination_columns, Mapping)

    @property
    def keeps_checkpoint(self) -> bool:
        return self.checkpoint_enabled and self.strategy != "none"

    @property
    def may_begin_again(self) -> bool:
        """Whether a load that begins again writes no row twice, or may write it twice."""
        return self.write_mode != "append" or bool(self.preoperator) or self.allow_duplicates

    @property
    def replaces_by_part(self) -> bool:
        """Whether a part of a source's table takes the place of all rows of the destination."""
        return bool(self.columns or self.where) and (
            self.stages or (self.write_mode == "replace" and not self.part)
        )

    @property
    def commits_at_once(self) -> bool:
        """Whether all rows are one batch: without a checkpoint, appended rows are committed with the last one."""
        return not self.keeps_checkpoint and not self.may_begin_again
