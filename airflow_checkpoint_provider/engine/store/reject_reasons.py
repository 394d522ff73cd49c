"""What a destination says of the rows that it has refused, put together: the same reason for other values is one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MOST_READ = 10_000
"""Rejected rows whose reasons are read; of more, the first ones."""

_DETAIL = re.compile(r"\s*(DETAIL|CONTEXT|HINT):.*", re.DOTALL)
# Quotes are around names, too: these stay where nothing says that a value follows. Codes stay: ORA-01400, (1048, ...
_QUOTED = r"""((?:entry|value:?|syntax[^:"]*:|input)\s+)(?:'[^']*'|"[^"]*")"""
_NUMBER = r"(?<![\w.-])(?<!\A\()-?\d(?:[\d.,:-]*\d)?(?!\w)"
_VALUES = re.compile(f"{_QUOTED}|{_NUMBER}")


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """
    A reason for which rows were refused.

    :param reason: what the destination says, without the values of the row
    :param rows: how many rows
    :param first: the number of the first of them
    """

    reason: str
    rows: int
    first: int


def reason_of(error: str) -> str:
    """Return an error without what belongs to one row."""
    return _VALUES.sub(lambda found: f"{found.group(1) or ''}…", _DETAIL.sub("", error)).strip()


def grouped(rejects: Iterable[tuple[int, str]]) -> list[ReasonCount]:
    """
    Count the reasons, the most frequent first.

    :param rejects: number and error of each row, in their order
    """
    found: dict[str, tuple[int, int]] = {}
    for number, error in rejects:
        rows, first = found.get(reason := reason_of(error), (0, number))
        found[reason] = (rows + 1, first)
    counts = [ReasonCount(reason, *counted) for reason, counted in found.items()]
    return sorted(counts, key=lambda one: (-one.rows, one.first))
