"""Transfer events before and after the batches: the facts of the load, and steps that may take long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts


@dataclass(frozen=True, slots=True)
class LoadDescribed:
    """
    The load, as known before any connection is opened.

    :param facts: the facts of the load
    :param source_conn_id: the source's connection
    :param destination_conn_id: the destination's connection
    :param partition: the range of one partition, in words; empty for a whole load
    """

    facts: LoadFacts
    source_conn_id: str
    destination_conn_id: str
    destination_table: str
    partition: str = ""

    @property
    def line(self) -> str:
        """The same in words."""
        facts = self.facts
        read, written = f"{facts.reads} of {self.source_conn_id!r}", f"of {self.destination_conn_id!r}"
        partition = f", partition {self.partition}" if self.partition else ""
        return (
            f"Loading {read} into {self.destination_table} {written}: write_mode {facts.write_mode}, "
            f"batches of {facts.batch_size:,} rows, scope {facts.scope}{partition}"
        )


@dataclass(frozen=True, slots=True)
class StepBegun:
    """A step begins that may take long: ``line`` names it, as in "Verifying by digest"."""

    line: str

    @classmethod
    def publishing(cls, rows: int, table: object) -> StepBegun:
        """Return the step that swaps the staged rows in."""
        return cls(f"Publishing {rows:,} staged rows into {table}")

    @classmethod
    def creating(cls, table: object, statement: str) -> StepBegun:
        """
        Return the step that creates the destination's table.

        :param statement: the statement for it
        """
        return cls(f"Creating {table}: {' '.join(statement.split())}")

    @classmethod
    def created(cls, table: object, late_key: Sequence[str] = ()) -> StepBegun:
        """
        Return the notice that the table is there, and what it has not.

        :param late_key: columns of its primary key, where that is built after the rows
        """
        later = f" Its primary key ({', '.join(late_key)}) is built after the last row." if late_key else ""
        return cls(
            f"Created {table}.{later} Defaults, comments, foreign keys and further indexes are not those of the "
            "source; the preoperator can add them"
        )

    @classmethod
    def replacing_by_part(cls, table: object, part: str) -> StepBegun:
        """
        Return the notice that a table loses all of its rows, and gets a part of another one.

        :param part: what is read, in words
        """
        return cls(f"Replacing all rows of {table} by a part of the source: {part}")

    @classmethod
    def deleting(cls, table: object, *, partition: bool) -> StepBegun:
        """
        Return the step that empties the table.

        :param partition: only the range of one partition
        """
        return cls(f"Deleting the rows of {_part_of(table, partition=partition)}")


@dataclass(frozen=True, slots=True)
class PreoperatorRun:
    """
    The preoperator has run, and is committed.

    :param statements: the first word of each, and the rows changed by it where the driver counts them
    """

    statements: tuple[tuple[str, int | None], ...]
    seconds: float

    @property
    def line(self) -> str:
        """The same in words."""
        done = (verb if rows is None else f"{verb} of {rows:,} rows" for verb, rows in self.statements)
        return f"The preoperator has run in {self.seconds:.1f} s: {', '.join(done) or 'nothing'}"


@dataclass(frozen=True, slots=True)
class RowsDeleted:
    """
    ``write_mode="replace"`` has deleted the earlier rows, which is committed.

    :param rows: how many, where the driver counts them
    :param partition: only those of one partition
    """

    table: str
    rows: int | None
    seconds: float
    partition: bool = False

    @property
    def line(self) -> str:
        """The same in words."""
        rows = "the rows" if self.rows is None else f"{self.rows:,} rows"
        return f"Deleted {rows} of {_part_of(self.table, partition=self.partition)} in {self.seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """
    A change to a column of the destination.

    :param before: its type before; empty where it was not there
    :param after: its type now
    """

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before:
            return f"{self.name} {self.after} is added"
        if self.before == self.after:
            return f"{self.name} {self.after} was there, and is filled from now on"
        return f"{self.name} was {self.before}, is {self.after}"


@dataclass(frozen=True, slots=True)
class SchemaChanged:
    """
    The destination's table has got columns that are new at the source, which is committed.

    :param table: the destination's table
    :param who: the host and process of the attempt
    """

    table: str
    columns: tuple[ColumnChange, ...]
    who: str

    @property
    def line(self) -> str:
        """The same in words."""
        if not self.columns:
            return f"Another session has changed {self.table} as the load needs it"
        new = [column.name for column in self.columns if not column.before or column.before == column.after]
        nulls = f". Rows loaded before have no value in {', '.join(new)}" if new else ""
        return f"Changed {self.table}: {'; '.join(map(str, self.columns))}{nulls}"


@dataclass(frozen=True, slots=True)
class KeyBuilding:
    """
    The primary key of the destination's table is being built, which a load has created without it.

    :param table: the destination's table
    :param columns: of the key
    :param seconds: since it began
    :param progress: how far it has come, in words; empty where that is not known
    """

    table: str
    columns: tuple[str, ...]
    seconds: float = 0
    progress: str = ""

    @property
    def line(self) -> str:
        """The same in words."""
        far = f": {self.progress}" if self.progress else ""
        since = f" ({self.seconds:.0f} s)" if self.seconds else ""
        return f"Building the primary key ({', '.join(self.columns)}) of {self.table}{far}{since}"


@dataclass(frozen=True, slots=True)
class KeyBuilt:
    """The primary key of the destination's table is built, which is committed."""

    table: str
    columns: tuple[str, ...]
    seconds: float

    @property
    def line(self) -> str:
        """The same in words."""
        return f"Built the primary key ({', '.join(self.columns)}) of {self.table} in {self.seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class RangeFixed:
    """The range of keys that is read, in words."""

    range: str

    @property
    def line(self) -> str:
        """The same in words."""
        return f"Range: {self.range}"


def _part_of(table: object, *, partition: bool) -> str:
    return f"this partition in {table}" if partition else str(table)
