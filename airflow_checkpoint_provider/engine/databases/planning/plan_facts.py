"""What a server knows about the reading of a query before it is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CREATE = "CREATE"
"""The right to create a table, beside the actions of ``table_facts``."""


@dataclass(frozen=True, slots=True)
class KeyAccess:
    """
    How a server returns the rows of a query in the order of a key.

    :param serves: whether an index has them in that order, so that no batch waits for a sort
    :param how: the index, or what the server does without one
    """

    serves: bool
    how: str


SORTED = KeyAccess(False, "all rows are read and sorted for each attempt")
"""No index has the order of the key."""


@dataclass(frozen=True, slots=True)
class KeyStatistics:
    """
    The values of a key, as far as statistics know them.

    :param rows_per_key: how many rows have the same key on average
    :param most: how many have the most common one; ``None`` where it is not known
    """

    rows_per_key: float
    most: float | None = None

    @classmethod
    def of(cls, rows: Any, distinct: Any, most: float | None = None) -> KeyStatistics | None:
        """
        Take the figures of a server; ``None`` where it has none.

        :param rows: with a key
        :param distinct: the number of different keys
        """
        known = rows is not None and distinct is not None and float(rows) > 0 and float(distinct) > 0
        return cls(max(float(rows) / float(distinct), 1), most) if known else None


@dataclass(frozen=True, slots=True)
class Amount:
    """
    The rows of a query, as far as statistics know them.

    :param rows: their number
    :param size: in bytes; ``None`` where it is not known
    :param by: whose estimate it is
    """

    rows: float
    size: float | None
    by: str
