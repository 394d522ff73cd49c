"""Transfer events, which the engine reports to an observer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_checkpoint_provider.engine.model.events.failure import Failed
from airflow_checkpoint_provider.engine.model.events.steps import (
    KeyBuilding,
    KeyBuilt,
    LoadDescribed,
    PreoperatorRun,
    RangeFixed,
    RowsDeleted,
    SchemaChanged,
    StepBegun,
)


@dataclass(frozen=True, slots=True)
class StrategyChosen:
    """The strategy to read the source, and the reason for it."""

    strategy: str
    reason: str
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning for a person; the load goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class RouteChosen:
    """The route of the rows, and the reason for it."""

    path: str
    reason: str

    @property
    def line(self) -> str:
        """The same in words."""
        return f"Rows travel as {self.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class GuaranteeStated:
    """The delivery guarantee, and the reason for it."""

    guarantee: str
    reason: str

    @property
    def line(self) -> str:
        """The same in words."""
        return f"Delivery is {self.guarantee}: {self.reason}"


@dataclass(frozen=True, slots=True)
class TablesMatched:
    """
    The tables and columns that are read and written.

    :param source_table: the table that is read whole, or ``None`` for a query
    :param source_schema: the source's schema for table names without one
    :param query: the query, without its parameters
    :param read: columns of the query whose values are written
    :param destination_table: with its schema, where the database has schemas
    :param written: destination columns, one for each column that is read
    """

    source_table: str | None
    source_schema: str | None
    query: str
    read: tuple[str, ...]
    destination_table: str
    written: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Started:
    """
    The decision of an attempt, and the reason for it.

    :param again: there was a checkpoint before
    """

    action: str
    reason: str
    place: str
    try_number: int
    rows: int
    rows_expected: int | None
    again: bool = False


@dataclass(frozen=True, slots=True)
class BatchCommitted:
    """
    A batch is in the destination.

    :param rows: rows written with this batch
    :param attempt_rows: rows written in this attempt
    :param place: the position after it, in words
    :param seconds: since the attempt began to transfer
    :param done: the share of the load that is transferred (0 to 1), where it can be known
    :param at_start: that share when this attempt began
    """

    number: int
    rows: int
    attempt_rows: int
    rows_total: int
    place: str
    seconds: float
    done: float | None
    at_start: float


@dataclass(frozen=True, slots=True)
class RowsRejected:
    """
    Rows of a batch are not in the destination but among the rejects.

    :param total: rejected since the load began
    :param number: the number of the first of them among the rows of the load
    :param error: the destination's error for that row
    """

    rows: int
    total: int
    table: str
    number: int
    error: str


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """A connection was lost and will be opened again."""

    error: str
    number: int
    most: int
    wait: float


@dataclass(frozen=True, slots=True)
class Published:
    """
    The staged rows have replaced the rows of the destination.

    :param before: rows of the destination before, where the driver counts them
    """

    rows: int
    table: str
    before: int | None

    @property
    def line(self) -> str:
        """The same in words."""
        before = "" if self.before is None else f" ({self.before:,} rows before)"
        return f"Published {self.rows:,} rows into {self.table}{before}"


@dataclass(frozen=True, slots=True)
class Completed:
    """The load is complete."""

    rows: int
    rows_total: int
    batches: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Verified:
    """
    The destination has the rows of the source.

    :param rows: rows of the source that were compared
    :param unjudged: columns that were left out, and why
    """

    method: str
    rows: int
    seconds: float
    unjudged: tuple[str, ...] = ()


Event = (
    LoadDescribed
    | StrategyChosen
    | RouteChosen
    | GuaranteeStated
    | TablesMatched
    | Warned
    | StepBegun
    | PreoperatorRun
    | RowsDeleted
    | SchemaChanged
    | KeyBuilding
    | KeyBuilt
    | Started
    | RangeFixed
    | BatchCommitted
    | RowsRejected
    | Reconnecting
    | Verified
    | Published
    | Completed
    | Failed
)
Observer = Callable[[Event], None]


def all_of(*observers: Observer) -> Observer:
    """Return an observer that passes each event to all the given ones, in order."""

    def observe(event: Event) -> None:
        for observer in observers:
            observer(event)

    return observe
