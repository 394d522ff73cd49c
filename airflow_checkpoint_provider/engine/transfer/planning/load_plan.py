"""The plan of a load, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What becomes of the values of a column."""

    EXACT = "exact"
    """The destination's type keeps each value of the source's."""
    CONVERTED = "converted"
    """Each value is converted or checked as it is written, and one that would change ends the load."""
    REFUSED = "refused"
    """The load is refused at its start."""


@dataclass(frozen=True, slots=True)
class Problem:
    """
    A reason not to start the load as it is.

    :param about: the part of the load: ``source``, ``destination``, ``checkpoint``, ``arguments`` and the like
    :param text: the cause and the remedy, as the attempt would report them
    :param ends: the attempt would end; otherwise it may, as where a preoperator still changes the table
    """

    about: str
    text: str
    ends: bool = True


@dataclass(frozen=True, slots=True)
class End:
    """
    One of the databases of a load.

    :param conn_id: its Airflow connection
    :param server: its name and version; empty where it cannot be reached
    :param table: the table there, or ``None`` for a query
    :param rights: whether the role has the right to each action, as far as the server reports it
    """

    conn_id: str
    server: str = ""
    table: str | None = None
    rights: Mapping[str, bool] = field(default_factory=dict)

    @property
    def reachable(self) -> bool:
        """Whether a connection could be opened."""
        return bool(self.server)


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """
    A column that is read, and the one that it is written to.

    :param read: of the query
    :param source_type: as its server declares it; empty where that is not known
    :param written: of the destination
    :param note: for a verdict that is not exact, what happens or the cast to write
    """

    read: str
    source_type: str
    written: str
    destination_type: str
    verdict: Verdict
    note: str = ""


@dataclass(frozen=True, slots=True)
class StrategyPlan:
    """
    How the source is read.

    :param columns: of the key; empty where rows are counted
    :param index: the index that has the order of the key, or what the server does without one; empty where that is
        not known
    :param indexed: whether there is such an index; ``None`` where that is not known
    :param nulls: rows without a key, in words
    :param duplicates: rows with an equal key, in words
    """

    name: str
    reason: str
    columns: tuple[str, ...] = ()
    index: str = ""
    indexed: bool | None = None
    nulls: str = ""
    duplicates: str = ""


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """
    What the next attempt does.

    :param action: ``start``, ``resume``, ``next_run`` or ``nothing``
    :param place: where it begins, in words
    :param rows: of this load in the destination by now
    :param range: the keys that it reads, in words; empty without a key
    """

    action: str
    reason: str
    place: str = ""
    rows: int = 0
    range: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """
    How much there is to load, by statistics and by the last runs.

    :param rows: of the whole query; ``None`` where it is not known
    :param bytes: the same
    :param by: whose estimate of rows and bytes it is
    :param seconds: an estimate of the time for the rows that are left, at the speed of the last runs
    :param rows_per_s: that speed
    """

    rows: int | None = None
    bytes: int | None = None
    by: str = ""
    seconds: float | None = None
    rows_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """
    A statement that would run, and what for.

    :param creates: it creates a table that stays, which a DBA may do before
    :param by_hand: what a DBA runs instead, where the load would build a key of the table later; otherwise empty
    """

    purpose: str
    sql: str
    creates: bool = False
    by_hand: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """
    What an attempt would do that began now.

    :param problems: all that would end it, or may
    :param warnings: for a person; the load goes on
    :param table: what the server knows of the destination's table that bears on the load, in words
    :param route: how rows travel, and why; empty where it is not known yet
    :param statements: in the order in which they run
    :param creates_all: whether these have each table that the load lacks; otherwise a problem hides one
    """

    source: End
    destination: End
    checkpoint: End | None = None
    columns: tuple[ColumnPlan, ...] = ()
    table: tuple[str, ...] = ()
    strategy: StrategyPlan | None = None
    route: str = ""
    route_reason: str = ""
    guarantee: str = ""
    guarantee_reason: str = ""
    next: NextAttempt | None = None
    estimate: Estimate = Estimate()
    statements: tuple[Statement, ...] = ()
    warnings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    creates_all: bool = False

    @property
    def would_end(self) -> bool:
        """Whether a problem would end the attempt."""
        return any(problem.ends for problem in self.problems)

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as values that JSON can hold."""
        found = asdict(self)
        for name in ("source", "destination", "checkpoint"):
            if end := getattr(self, name):
                found[name]["reachable"] = end.reachable
        return _plain({**found, "would_end": self.would_end})  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value.value if isinstance(value, StrEnum) else value
