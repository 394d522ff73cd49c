"""The table of all cases, and their summaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.harness.contest import Figures

About = Mapping[str, Mapping[str, Any]]
_HEADER = ("case", "against", "ours", "the peer's", "ratio", "goal", "met")
_DIGITS = {"rows/s": ",.0f", "s": ",.3f", "MB": ",.0f"}


def table(results: Sequence[Figures]) -> str:
    """Return the table, in a form that is Markdown as well."""
    lines = [_HEADER, *map(_line, results)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(_HEADER))]
    left = len(("case", "against"))
    rule = ["-" * width if place < left else "-" * (width - 1) + ":" for place, width in enumerate(widths)]
    return "\n".join(
        "| "
        + " | ".join(
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in (lines[0], rule, *lines[1:])
    )


def summary(figures: Figures) -> str:
    """Return a case's outcome in one line."""
    if figures.skipped:
        return f"skipped: {figures.skipped}"
    if figures.failed:
        return f"failed: {figures.failed}"
    _, _, ours, peer, value, goal, met = _line(figures)
    return f"{ours} to {peer}: {value}, goal {goal}{'' if met == 'yes' else ', not met'}"


def describe(about: About) -> str:
    """Return the machine, the versions and the settings, a line each."""
    return "\n".join(
        f"{title}: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())
        for title, facts in about.items()
    )


def _line(figures: Figures) -> tuple[str, ...]:
    case = figures.case
    if figures.skipped or figures.failed:
        why = "skipped" if figures.skipped else "failed"
        return (case.title, case.against, "", "", "", str(case.goal), why)
    digits = _DIGITS[case.unit]
    ours, peer = (f"{median(runs):{digits}} {case.unit}" for runs in (figures.ours, figures.peer))
    met = "yes" if case.goal.met(figures.value) else "no"
    return (case.title, case.against, ours, peer, case.goal.style.format(figures.value), str(case.goal), met)
