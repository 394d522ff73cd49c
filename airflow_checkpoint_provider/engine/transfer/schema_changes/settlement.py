"""The columns of an attempt, settled before the claim: which are read, which are new, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from airflow_checkpoint_provider.engine.databases.statements.identifiers import match_column
from airflow_checkpoint_provider.engine.model.checkpoint import Attempt, Checkpoint, Load
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, DestinationMismatchError
from airflow_checkpoint_provider.engine.model.known_columns import KnownColumns
from airflow_checkpoint_provider.engine.store.protocol import CheckpointStore
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns, computed_by_both
from airflow_checkpoint_provider.engine.transfer.fingerprint import describe_load
from airflow_checkpoint_provider.engine.transfer.late_key.choice import KeyPlan, plan_key
from airflow_checkpoint_provider.engine.transfer.schema_changes.plan import (
    SchemaChange,
    names_there,
    plan_change,
    source_types,
)
from airflow_checkpoint_provider.engine.transfer.session import Session
from airflow_checkpoint_provider.engine.transfer.starting.new_table import NewTable, plan_table
from airflow_checkpoint_provider.engine.transfer.strategies.base import Strategy


@dataclass(frozen=True, slots=True)
class SettledColumns:
    """
    What an attempt reads and writes, and where it keeps its checkpoint.

    :param new_table: the destination's table, where it is to be created
    :param change: what is to become of it, where columns are new at the source
    :param key: when its primary key is built
    """

    columns: Columns
    new_table: NewTable | None
    change: SchemaChange | None
    load: Load
    store: CheckpointStore
    key: KeyPlan


def settle_columns(
    spec: TransferSpec,
    session: Session,
    strategy: Strategy,
    attempt: Attempt,
    open_store: Callable[[], CheckpointStore],
) -> SettledColumns:
    """
    Settle the columns; nothing is changed but for the metadata tables, which are created.

    :raises CheckpointError: when the columns of the source cannot be written as asked
    """
    # Before the columns only where they depend on it, because a wrong argument is to leave nothing behind.
    early = open_store() if spec.on_new_column != "fail" else None
    stored = early.stored() if early else None
    columns = Columns.of(spec, session, ignored_columns(spec, session, stored))
    refuse_counting(spec, strategy.name, columns.ignored)
    key = plan_key(spec, session, attempt)
    new_table = plan_table(spec, session, strategy, columns, key_waits=key.waits)
    change = plan_change(spec, session, columns, stored)
    load = describe_load(spec, session, strategy, columns, source_types(spec, session))
    return SettledColumns(columns, new_table, change, load, early or open_store(), key)


def ignored_columns(spec: TransferSpec, session: Session, stored: Checkpoint | None) -> frozenset[str]:
    """
    Return the columns of the source that are new, and left out: those that the load has not read so far.

    Before its first attempt, and where they are not known, those that the destination has not.

    :raises DestinationMismatchError: when no column is left
    """
    if spec.on_new_column != "ignore":
        return frozenset()
    columns = session.source.columns
    if stored and (known := KnownColumns.of(stored.fingerprint)):
        # A column that both servers compute is not read, so that the list never has it.
        computed = computed_by_both(session) if spec.destination_columns is None else ()
        return frozenset(known.new(columns)).difference(computed)
    there = names_there(session.destination)
    if not there or spec.destination_columns is not None:
        return frozenset()
    ignored = frozenset(name for name in columns if match_column(name, list(there)) is None)
    if len(ignored) == len(columns):
        raise DestinationMismatchError(
            f"on_new_column: {session.destination.table} has none of the columns of the source, "
            f"{', '.join(columns)}, and 'ignore' would leave out all of them. Check destination_table, or name the "
            "pairs by destination_columns."
        )
    return ignored


def refuse_counting(spec: TransferSpec, strategy: str, ignored: Collection[str]) -> None:
    """
    Refuse to leave out columns where whole rows are the proof of the position.

    :raises ArgumentError: names the columns, and the way out
    """
    if ignored and strategy == "python":
        raise ArgumentError(
            f"on_new_column: 'ignore' leaves out {', '.join(sorted(ignored))}, and rows are counted here, whose proof "
            f"is of all columns that are read. Give a checkpoint_column, or name the columns "
            f"{'by columns' if spec.source_table else 'in the query'}."
        )
