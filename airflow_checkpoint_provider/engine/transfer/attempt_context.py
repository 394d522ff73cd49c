"""The context that the steps of an attempt share."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_checkpoint_provider.engine.model.checkpoint import Attempt, Load
from airflow_checkpoint_provider.engine.model.events.batch_times import Stopwatch
from airflow_checkpoint_provider.engine.store.protocol import CheckpointStore
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns
from airflow_checkpoint_provider.engine.transfer.late_key.choice import KeyPlan
from airflow_checkpoint_provider.engine.transfer.schema_changes.plan import SchemaChange
from airflow_checkpoint_provider.engine.transfer.session import Session
from airflow_checkpoint_provider.engine.transfer.staging.stage import Stage
from airflow_checkpoint_provider.engine.transfer.starting.new_table import NewTable
from airflow_checkpoint_provider.engine.transfer.strategies.choose import Strategy


@dataclass(frozen=True, slots=True)
class AttemptContext:
    """
    The values and connections of an attempt before it claims the checkpoint; valid as long as the connections are.

    :param spec: the arguments of the transfer
    :param columns: which columns of the query are written, and where
    :param load: the load, which a later attempt must find unchanged
    :param stage: the stage of the rows, if they do not go to the destination at once
    :param new_table: the destination's table, where it is to be created
    :param watch: measures the batches of the attempt, across its connections
    :param change: what is to become of the destination's table, where columns are new at the source
    :param key: when the primary key of the destination's table is built, where it was created without
    :param by_values: why the remaining rows travel as Python values, whatever the source could write
    """

    spec: TransferSpec
    session: Session
    strategy: Strategy
    columns: Columns
    load: Load
    store: CheckpointStore
    stage: Stage | None
    attempt: Attempt
    by_values: str = ""
    new_table: NewTable | None = None
    watch: Stopwatch = field(default_factory=Stopwatch)
    change: SchemaChange | None = None
    key: KeyPlan = field(default_factory=KeyPlan)

    @property
    def is_settled(self) -> bool:
        """Whether the destination's table is there as it will be written."""
        return not (self.spec.preoperator or self.new_table or self.change or self.key.is_first)

    @property
    def may_lack_key(self) -> bool:
        """Whether the destination's table may lack its key: another session may create it, too, and without."""
        return self.key.lacking is not None or self.new_table is not None

    @property
    def awaits_key(self) -> bool:
        """Whether the destination's table cannot be checked before its key is built."""
        return self.key.is_first and self.key.needed

    @property
    def published_stage(self) -> Stage | None:
        """The stage that this task publishes by itself."""
        return self.stage if self.spec.publish else None
