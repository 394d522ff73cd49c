"""What the engine tells an observer while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_checkpoint_provider.engine.model.failure import Failed
from airflow_checkpoint_provider.engine.model.steps import (
    LoadDescribed,
    PreoperatorRun,
    RangeFixed,
    RowsDeleted,
    StepBegun,
)


@dataclass(frozen=True, slots=True)
class StrategyChosen:
    """How the source is read, and why."""

    strategy: str
    reason: str
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """What a person should look into, though the load goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class RouteChosen:
    """How rows travel, and why."""

    path: str
    reason: str

    @property
    def line(self) -> str:
        """The same in words."""
        return f"Rows travel as {self.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class GuaranteeStated:
    """What delivery is guaranteed, and why."""

    guarantee: str
    reason: str

    @property
    def line(self) -> str:
        """The same in words."""
        return f"Delivery is {self.guarantee}: {self.reason}"


@dataclass(frozen=True, slots=True)
class TablesMatched:
    """
    What is read and what is written.

    :param source_table: the table that is read whole, or ``None`` for a query
    :param source_schema: where the source looks for tables without a schema
    :param query: what is read, without its parameters
    :param read: columns of the query whose values are written
    :param destination_table: with its schema, where the database has schemas
    :param written: destination columns, one for each
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
    What the attempt decided to do, and why.

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
    :param number: which row of the load was the first of them
    :param error: what the destination says of it
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
    The destination's rows were swapped for those that were staged.

    :param before: rows that it had, where the driver counts them
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
    The destination has what the source has.

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
    """Tell several observers, one after the other."""

    def observe(event: Event) -> None:
        for observer in observers:
            observer(event)

    return observe
