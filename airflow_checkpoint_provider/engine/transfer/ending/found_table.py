"""The destination's table at the end of an attempt, compared with the one that the attempt has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.registry import open_destination
from airflow_checkpoint_provider.engine.databases.remaining_rows import row_count
from airflow_checkpoint_provider.engine.databases.table_facts import INSERT, UPDATE, TableFacts
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, DestinationError
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.schema_changes.plan import columns_there
from airflow_checkpoint_provider.engine.transfer.starting.committed_rows import lost_meanwhile
from airflow_checkpoint_provider.engine.transfer.starting.table_checks import check_table

_RELOAD = "Clear the task to load from the start"


@dataclass(frozen=True, slots=True)
class _StillWritten:
    """A table whose earlier rows are deleted, where that was asked for."""

    write_mode: str
    part: Partition | None = None


@dataclass(frozen=True, slots=True)
class FoundTable:
    """
    The destination's table as an attempt has found it, before its first row.

    :param types: the columns with their types, where these are known
    """

    facts: TableFacts
    types: Mapping[str, str]

    @classmethod
    def of(cls, destination: Destination) -> FoundTable:
        """Read the types; the facts are known."""
        with reading(destination.connection):
            return cls(destination.facts, columns_there(destination, destination.table))

    def changes(
        self, context: AttemptContext, before: Checkpoint, first: Checkpoint, last: Checkpoint
    ) -> list[str]:
        """
        Return warnings if the table is another one at the end, or would change rows as this attempt has written them.

        A server tells nobody that a table was swapped, emptied, or given another type or a trigger between two
        transactions.

        :param before: as the attempt has begun
        :param first: as committed with the attempt's first batch
        :param last: as committed with its last one
        """
        destination = context.session.destination
        with reading(destination.connection):
            there = columns_there(destination, destination.table)
        if not there:
            return [f"destination_table: {destination.table} is not there any more. {_RELOAD}."]
        now = open_destination(
            destination.connection, destination.table, destination.conn_id, destination.write_mode
        )
        now.columns, now.conflict_columns = destination.columns, destination.conflict_columns
        with reading(destination.connection):
            now.ask_facts()
        if self.facts.identity.table != now.facts.identity.table:
            return [
                f"destination_table: {destination.table} is another table than the one that this attempt has begun "
                "with: somebody has put it in its place while rows were written, and those that were committed before "
                f"are not in it. {_RELOAD}."
            ]
        moved = self.facts.identity != now.facts.identity
        lost = lost_meanwhile(context, first, last, searches=moved)
        return [
            *(lost or (_fewer(context, last.rows - before.rows) if moved else [])),
            *self._refused(context.spec, now),
            *self._hazards(now),
            *([] if context.spec.verify == "digest" else self._values(destination, there, now.facts)),
        ]

    def _refused(self, spec: TransferSpec, now: Destination) -> list[str]:
        """Return what the next attempt would be refused for; what a deletion would do does not matter any more."""
        mode = "upsert" if spec.write_mode == "upsert" else "append"
        try:
            check_table(_StillWritten(mode), now)
        except (ArgumentError, DestinationError) as error:
            return [
                f"{error} The table was changed while rows were written, and may not have taken them as they are."
            ]
        return []

    def _hazards(self, now: Destination) -> list[str]:
        hazard = now.facts.hazard
        if hazard is None or self.facts.hazard is not None:
            return []
        return [
            f"destination_table: {hazard.reason}, which it was not when this attempt began. Rows that were written "
            f"since may be lost, or there twice. {_RELOAD} once it is not so any more."
        ]

    def _values(self, destination: Destination, there: Mapping[str, str], now: TableFacts) -> list[str]:
        """Return what may have changed values of rows as they were written."""
        told = [
            f"destination_table: column {name} of {destination.table} was {self.types[name]} when this attempt began, "
            f"and is {there[name]} now: the server may have changed values of rows that were written, and says "
            f"nothing. {_RELOAD}; verify='digest' compares the values."
            for name in destination.columns
            if name in there
            and name in self.types
            and not destination.dialect.keeps_staged(there[name], self.types[name])
        ]
        new = [
            name
            for deed in (INSERT, UPDATE)
            for name in now.triggers.get(deed, ())
            if name not in self.facts.triggers.get(deed, ())
        ]
        if new:
            told.append(
                f"destination_table: {destination.table} has got triggers while rows were written "
                f"({', '.join(dict.fromkeys(new))}), which may have changed or deleted rows. verify='digest' compares "
                "the rows with those of the source."
            )
        return told


def _fewer(context: AttemptContext, rows: int) -> list[str]:
    """Return a warning if the table, which was stored anew, has fewer rows than this attempt has committed."""
    destination = context.session.destination
    left = None if context.spec.write_mode == "upsert" else row_count(destination)
    if left is None or left >= rows:
        return []
    return [
        f"destination_table: {destination.table} has {left:,} rows, and this attempt has committed {rows:,} to it: it "
        f"was emptied while rows were written. {_RELOAD}."
    ]
