"""Transfer events before and after the batches: the facts of the load, and steps that may take long."""

from __future__ import annotations

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
    def created(cls, table: object) -> StepBegun:
        """Return the notice that the table is there, and what it has not."""
        return cls(
            f"Created {table}. Defaults, comments, foreign keys and further indexes are not those of the source; the "
            "preoperator can add them"
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
class RangeFixed:
    """The range of keys that is read, in words."""

    range: str

    @property
    def line(self) -> str:
        """The same in words."""
        return f"Range: {self.range}"


def _part_of(table: object, *, partition: bool) -> str:
    return f"this partition in {table}" if partition else str(table)
