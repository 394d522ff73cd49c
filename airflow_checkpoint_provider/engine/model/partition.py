"""One part of a table that many tasks load: a range of keys, as one task hands it to another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.key import decode_key, encode_key

MOST_PARTS = 1024
"""What Airflow maps a task over unless it is told otherwise."""

_TYPES = {"plan": str, "index": int, "of": int, "column": str, "nulls": bool, "rows": int, "rows_in_all": int}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """
    The rows whose ``column`` is greater than ``lower`` and not greater than ``upper``.

    :param plan: a digest of the whole plan: parts of different plans do not fit together
    :param index: from 0 to ``of - 1``
    :param of: how many parts the plan has
    :param column: a column of the query
    :param lower: exclusive, encoded as a position; ``None`` in the part that has no lower bound
    :param upper: inclusive; ``None`` in a part that has no rows with a value
    :param nulls: whether the rows without a value are in this part, too
    :param rows: about how many rows it has
    :param rows_in_all: about how many all parts have
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

    @classmethod
    def of_plan(cls, given: Any) -> Part:
        """
        Read what :meth:`as_dict` wrote.

        :raises ArgumentError: when it is something else
        """
        try:
            if not isinstance(given, Mapping):
                raise TypeError(f"it is {type(given).__name__}, and not a mapping")
            part = cls(**given)
            for name, kind in _TYPES.items():
                if not isinstance(getattr(part, name), kind):
                    raise TypeError(f"{name} is {getattr(part, name)!r}")
            for bound in (part.lower, part.upper):
                if bound is not None:
                    decode_key(bound)
        except (TypeError, ValueError) as error:
            raise ArgumentError(
                f"partition: {given!r} is not a part of a plan of CheckpointPartitionOperator ({error}). Map the task "
                "over its output: .expand(partition=plan.output)."
            ) from error
        return part

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON, and so XCom, can hold."""
        return {name: getattr(self, name) for name in self.__slots__}

    def as_text(self) -> str:
        """Write it for the fingerprint of a load, and for :meth:`of_text`."""
        return json.dumps(self.as_dict(), ensure_ascii=False)

    @classmethod
    def of_text(cls, text: str | None) -> Part | None:
        """Read what :meth:`as_text` wrote; ``None`` where it is something else."""
        try:
            return cls.of_plan(json.loads(text)) if text else None
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
        """Say which rows are in it."""
        lower = f"{self.column} > {self.lowest}" if self.lower is not None else ""
        upper = f"{self.column} <= {self.greatest}" if self.upper is not None else ""
        bounds = " and ".join(filter(None, (lower, upper)))
        nulls = f"{self.column} without a value" if self.nulls else ""
        return ", and ".join(filter(None, (bounds, nulls)))

    @property
    def is_last(self) -> bool:
        """Whether nothing of the destination lies behind it."""
        return self.index == self.of - 1


def bound(value: Any) -> str:
    """
    Write a border of a part.

    :raises InvalidCheckpointError: when the value has a type that cannot be a position
    """
    return encode_key((value,))


def check_partitions(number: int) -> None:
    """
    Check how many parts are asked for.

    :raises ArgumentError: when it is not a number of parts
    """
    if not 1 <= number <= MOST_PARTS:
        raise ArgumentError(f"partitions: {number:,} is not a number from 1 to {MOST_PARTS:,}.")


@dataclass(frozen=True, slots=True)
class Border:
    """
    The last value of a part.

    :param rows: about how many rows have this value or a smaller one
    """

    value: Any
    rows: float


@dataclass(frozen=True, slots=True)
class Amount:
    """
    How many rows there are, or about how many.

    :param keyed: with a value in the column
    :param nulls: without
    """

    keyed: int
    nulls: int

    @property
    def rows(self) -> int:
        return self.keyed + self.nulls


@dataclass(frozen=True, slots=True, kw_only=True)
class TableStatistics:
    """
    What a server knows of a table and one of its columns, without reading the table.

    :param rows: about how many there are
    :param pages: that they fill; 0 where they are not counted, ``None`` where a sample is one of rows
    :param changed: rows that have changed since
    :param null_share: of the rows without a value in the column, 0 to 1
    :param values: how many values of the column are known with the share of rows up to each; 0 where none may be used
    """

    rows: float
    pages: float | None = None
    changed: int = 0
    null_share: float = 0.0
    values: int = 0
