"""One partition of a table that many tasks load: a range of keys, in the form that one task passes to another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from airflow_checkpoint_provider.engine.model.checks import is_text
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.key import decode_key, encode_key
from airflow_checkpoint_provider.engine.model.position import value_in_words
from airflow_checkpoint_provider.engine.model.stored_text import LONGEST_NAME, LONGEST_PART, json_of, shown

MOST_PARTS = 1024
"""Airflow's default of ``max_map_length``."""

_FIELDS = ("plan", "index", "of", "column", "lower", "upper", "nulls", "rows", "rows_in_all", "moment")

_TYPES = {"plan": str, "index": int, "of": int, "column": str, "nulls": bool, "rows": int, "rows_in_all": int}


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """
    The rows whose ``column`` is greater than ``lower`` and not greater than ``upper``.

    :param plan: a digest of the whole plan: partitions of different plans do not fit together
    :param index: from 0 to ``of - 1``
    :param of: the number of partitions in the plan
    :param column: a column of the query
    :param lower: exclusive, encoded as a position; ``None`` in the partition without a lower bound
    :param upper: inclusive; ``None`` in a partition that has no rows with a value
    :param nulls: whether the rows without a value are in this partition, too
    :param rows: an estimate of its rows
    :param rows_in_all: an estimate of the rows of all partitions
    :param moment: the moment of the source that all partitions read, in the notation of its database; empty where each
        reads the present rows
    """

    plan: str
    index: int
    of: int
    column: str
    lower: str | None
    upper: str | None
    nulls: bool
    rows: int
    rows_in_all: int
    moment: str = ""

    @classmethod
    def of_plan(cls, given: Any) -> Partition:
        """
        Read the output of :meth:`as_dict`.

        :raises ArgumentError: when ``given`` is anything else
        """
        try:
            if not isinstance(given, Mapping):
                raise TypeError(f"it is {type(given).__name__}, and not a mapping")
            if not given.keys() <= set(_FIELDS):
                raise TypeError("it has other values than one")
            part: Partition = cls(**given)
            part._check()
        except (TypeError, ValueError) as error:
            raise ArgumentError(
                f"partition: {_shown(given)} is not a partition of a plan of CheckpointPartitionOperator "
                f"({error}). Map the task over its output: .expand(partition=plan.output)."
            ) from error
        return part

    def _check(self) -> None:
        for name, kind in _TYPES.items():
            value = getattr(self, name)
            if type(value) is not kind:  # True is not a number
                raise TypeError(f"{name} is {shown(value)}")
            if kind is str and not (is_text(value) and len(str(value)) <= LONGEST_NAME):
                raise ValueError(f"{name} is {shown(value)}")
        most = MOST_PARTS + 1  # one more for the rows without a key
        if not 1 <= self.of <= most:
            raise ValueError(f"of is {shown(self.of)}, and not a number from 1 to {most}")
        if not 0 <= self.index < self.of:
            raise ValueError(f"index is {shown(self.index)}, and not a number from 0 to {self.of - 1}")
        for name in ("rows", "rows_in_all"):
            if not 0 <= getattr(self, name) < 2**63:
                raise ValueError(f"{name} is {shown(getattr(self, name))}")
        if not isinstance(self.moment, str) or len(self.moment) > LONGEST_NAME or not is_text(self.moment):
            raise ValueError(f"moment is {shown(self.moment)}")
        for name in ("lower", "upper"):
            place = getattr(self, name)
            if place is not None and (len(place) > LONGEST_PART or len(decode_key(place)) != 1):
                raise ValueError(f"{name} is {shown(place)}")

    def as_dict(self) -> dict[str, Any]:
        """Return a form that JSON, and so XCom, can hold."""
        given = {name: getattr(self, name) for name in self.__slots__}
        return given if self.moment else {name: given[name] for name in given if name != "moment"}

    def as_text(self) -> str:
        """Return the form for the fingerprint of a load, which :meth:`of_text` reads."""
        return json.dumps(self.as_dict(), ensure_ascii=False)

    @classmethod
    def of_text(cls, text: str | None) -> Partition | None:
        """Read the output of :meth:`as_text`; return ``None`` for any other text."""
        try:
            return cls.of_plan(json_of(text)) if text else None
        except (ValueError, ArgumentError):
            return None

    @property
    def lowest(self) -> Any:
        """The value of ``lower``."""
        return None if self.lower is None else decode_key(self.lower)[0]

    @property
    def greatest(self) -> Any:
        """The value of ``upper``."""
        return None if self.upper is None else decode_key(self.upper)[0]

    def as_words(self) -> str:
        """Return the condition of its rows in words."""
        lower = f"{self.column} > {value_in_words(self.lowest)}" if self.lower is not None else ""
        upper = f"{self.column} <= {value_in_words(self.greatest)}" if self.upper is not None else ""
        bounds = " and ".join(filter(None, (lower, upper)))
        nulls = f"{self.column} without a value" if self.nulls else ""
        return ", and ".join(filter(None, (bounds, nulls)))

    def overlaps(self, other: Partition) -> bool:
        """Return whether a row may be in both; true where Python cannot order the bounds as a database does."""
        if self.plan == other.plan:
            return self.index == other.index
        if self.column.casefold() != other.column.casefold() or (self.nulls and other.nulls):
            return True
        return not (self._ends_before(other) or other._ends_before(self))

    def _ends_before(self, other: Partition) -> bool:
        if any(part.upper is None and not part.is_last for part in (self, other)):
            return True  # one has no rows with a value
        if self.is_last or other.lower is None:
            return False
        if self.upper == other.lower:
            return True
        try:
            return not isinstance(self.greatest, str) and bool(self.greatest <= other.lowest)
        except TypeError:
            return False

    @property
    def is_last(self) -> bool:
        """Whether it is the last one of its plan."""
        return self.index == self.of - 1


def _shown(given: Any) -> str:
    if isinstance(given, Mapping):
        return (
            f"{{{', '.join(f'{shown(name)}: {shown(value)}' for name, value in islice(given.items(), 10))}}}"
        )
    return shown(given)


def bound(value: Any) -> str:
    """
    Encode a bound of a partition.

    :raises InvalidCheckpointError: when the value has a type that cannot be a position
    """
    return encode_key((value,))


def check_partitions(number: int) -> None:
    """
    Check a number of partitions.

    :raises ArgumentError: when it is out of range
    """
    if not 1 <= number <= MOST_PARTS:
        raise ArgumentError(f"partitions: {number:,} is not a number from 1 to {MOST_PARTS:,}.")


@dataclass(frozen=True, slots=True)
class Boundary:
    """
    The last value of a partition.

    :param rows: an estimate of the rows with this value or a smaller one
    """

    value: Any
    rows: float


@dataclass(frozen=True, slots=True)
class Amount:
    """
    A number of rows, exact or estimated.

    :param keyed: rows with a value in the column
    :param nulls: rows without one
    """

    keyed: int
    nulls: int

    @property
    def rows(self) -> int:
        return self.keyed + self.nulls


@dataclass(frozen=True, slots=True)
class StoragePlaces:
    """
    Boundaries that cut a table by its storage.

    :param how: how they were found, in a few words
    :param column: stands in a partition for the name of a column
    :param rows: an estimate of the table's rows; 0 where there is none
    :param size: the size of the table, in the unit of the boundaries
    :param boundaries: in ascending order, each with the size of the storage before it
    """

    how: str
    column: str
    rows: int
    size: float
    boundaries: list[Boundary]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableStatistics:
    """
    A server's statistics of a table and one of its columns, known without reading the table.

    :param rows: an estimate of the table's rows
    :param pages: pages that the rows fill; 0 where they are not counted, ``None`` where a sample is one of rows
    :param changed: rows that have changed since
    :param null_share: the share of rows without a value in the column, 0 to 1
    :param values: the number of values that are known with the share of rows up to each; 0 where none may be used
    """

    rows: float
    pages: float | None = None
    changed: int = 0
    null_share: float = 0.0
    values: int = 0
