"""A destination's reasons for refusing rows, grouped: reasons that differ only in values are the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MOST_READ = 10_000
"""The most rejected rows whose reasons are read, from the first one on."""

_DETAIL = re.compile(r"\s*(DETAIL|CONTEXT|HINT):.*", re.DOTALL)
# Quotes are around names, too: these stay unless a word announces a value. Codes stay: ORA-01400, (1048, ...
_QUOTED = r"""((?:entry|value:?|syntax[^:"]*:|input)\s+)(?:'[^']*'|"[^"]*")"""
_NUMBER = r"(?<![\w.-])(?<!\A\()-?\d(?:[\d.,:-]*\d)?(?!\w)"
_VALUES = re.compile(f"{_QUOTED}|{_NUMBER}")


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """
    A reason for which rows were refused.

    :param reason: the destination's error, without the values of the row
    :param rows: the number of rows
    :param first: the number of the first of them
    """

    reason: str
    rows: int
    first: int


def reason_of(error: str) -> str:
    """Return an error without the values of one row."""
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
