"""The figures of a campaign."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.chaos.cases import Case


@dataclass
class Figures:
    """
    The disturbances of one kind of load, and their results.

    :param kills: of attempts while they were copying
    :param other_kills: of attempts before their first row, or after their last
    :param server_kills: of the destination's server, while an attempt was copying
    :param cuts: of connections, in the middle of a message or at a COMMIT
    :param zombies: attempts frozen, replaced by another one, woken up, and fenced
    :param resumed: attempts that resumed from a checkpoint
    :param saved: rows not copied again by resumed attempts
    :param swaps: attempts that found all rows staged, because the previous one was hit during the swap
    :param rejected: rejected bad rows
    :param lost: rows missing at the end, from the table or from the rejects
    :param doubled: surplus rows at the end
    """

    case: Case
    loads: int = 0
    attempts: int = 0
    kills: int = 0
    other_kills: int = 0
    server_kills: int = 0
    cuts: int = 0
    zombies: int = 0
    reconnects: int = 0
    resumed: int = 0
    saved: int = 0
    swaps: int = 0
    rejected: int = 0
    lost: int = 0
    doubled: int = 0
    faults: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "case": str(self.case)}


def totals(results: Iterable[Figures]) -> Counter[str]:
    """Add up the figures of all cases."""
    total: Counter[str] = Counter()
    for figures in results:
        total.update({name: value for name, value in asdict(figures).items() if isinstance(value, int)})
        total["faults"] += len(figures.faults)
    return total
