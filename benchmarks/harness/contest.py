"""A case: two sides that do the same work, measured in turn."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.harness.bench import Bench
from benchmarks.harness.unavailable import UnavailableError


@dataclass(frozen=True)
class Contest:
    """
    The two sides of a case, set up.

    :param ours: runs once and returns the figure, in the case's unit
    :param peer: the same
    :param prepare: before each run, not timed
    :param check: after the last run of each side, raises when the tables are not equal
    """

    ours: Callable[[], float]
    peer: Callable[[], float]
    prepare: Callable[[], None] = lambda: None
    check: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Goal:
    """
    The goal for the two figures.

    :param value: computes it from ours and the peer's
    :param limit: the value to reach, or not to exceed
    :param most: whether the limit is not to be exceeded
    :param style: the format of the value
    """

    value: Callable[[float, float], float]
    limit: float
    most: bool = False
    style: str = "{:.2f}x"

    def met(self, value: float) -> bool:
        """Return whether a value meets the goal."""
        return value <= self.limit if self.most else value >= self.limit

    def __str__(self) -> str:
        return f"{'<=' if self.most else '>='} {self.style.format(self.limit)}"


def at_least(ratio: float) -> Goal:
    """So many times as fast as the peer, in rows per second."""
    return Goal(lambda ours, peer: ours / peer, ratio)


def at_most(ratio: float) -> Goal:
    """So many times as long as the peer, in seconds."""
    return Goal(lambda ours, peer: ours / peer, ratio, most=True)


@dataclass(frozen=True)
class Case:
    """
    One row of the table.

    :param name: what ``--only`` takes
    :param unit: ``rows/s``, ``s`` or ``MB``
    """

    name: str
    title: str
    against: str
    unit: str
    goal: Goal
    set_up: Callable[[Bench], Contest]


@dataclass
class Figures:
    """
    The result of a case.

    :param skipped: why there are no figures, if a peer is not installed
    :param failed: why there are none, if the case has failed
    """

    case: Case
    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)
    skipped: str | None = None
    failed: str | None = None

    @property
    def value(self) -> float:
        """The value for the goal, from the two medians."""
        return self.case.goal.value(median(self.ours), median(self.peer))

    def as_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        case, goal = self.case, self.case.goal
        about = {"name": case.name, "case": case.title, "against": case.against, "goal": str(goal)}
        if self.skipped:
            return {**about, "skipped": self.skipped}
        if self.failed:
            return {**about, "failed": self.failed}
        sides = {
            side: {"median": median(runs), "runs": runs}
            for side, runs in (("ours", self.ours), ("peer", self.peer))
        }
        return {**about, "unit": case.unit, **sides, "value": self.value, "met": goal.met(self.value)}


def measure(case: Case, bench: Bench, rounds: int) -> Figures:
    """Run both sides in turn, so that a slow phase of the machine affects both."""
    figures = Figures(case)
    try:
        _run(case.set_up(bench), figures, rounds)
    except UnavailableError as missing:
        figures.skipped = str(missing)
    except Exception as error:  # the other cases can still be measured
        figures.failed = f"{type(error).__name__}: {error}"
    return figures


def _run(contest: Contest, figures: Figures, rounds: int) -> None:
    for number in range(1, rounds + 1):
        for run, results in ((contest.ours, figures.ours), (contest.peer, figures.peer)):
            contest.prepare()
            results.append(run())
            if number == rounds:
                contest.check()


def progress(text: str) -> None:
    """Print progress to the standard error, where it does not mix with the table."""
    print(text, file=sys.stderr, flush=True)
