"""The report of a campaign: a table for readers, and JSON."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from tests.chaos.figures import Figures, totals

_HEADER = (
    *("path", "key", "mode", "loads", "attempts", "kills", "other kills", "server kills", "cuts", "zombies"),
    *("reconnects", "resumed", "rows saved", "swaps hit", "rejected", "lost", "doubled"),
)
_WORDS = 3  # columns of text; the others hold numbers


def table(results: Sequence[Figures]) -> str:
    """Return the figures of each kind of load as a Markdown table."""
    total = totals(results)
    lines = [[one.case.path, one.case.key, one.case.mode, *_numbers(one.__dict__)] for one in results]
    lines.append(["all", "", "", *_numbers(total)])
    widths = [max(map(len, cells)) for cells in zip(_HEADER, *lines, strict=True)]
    rule = ["-" * w if i < _WORDS else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    return "\n".join(_line(cells, widths) for cells in (_HEADER, rule, *lines))


def as_json(results: Sequence[Figures], **about: Any) -> dict[str, Any]:
    """Return all figures, with the settings of the campaign."""
    return {
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "airflow": version("apache-airflow"),
        "psycopg": version("psycopg"),
        "python": platform.python_version(),
        **about,
        "totals": totals(results),
        "cases": [one.as_dict() for one in results],
    }


def _numbers(figures: Any) -> list[str]:
    done = ("loads", "attempts", "kills", "other_kills", "server_kills", "cuts", "zombies")
    outcome = ("reconnects", "resumed", "saved", "swaps", "rejected", "lost", "doubled")
    return [f"{figures[name]:,}" for name in (*done, *outcome)]


def _line(cells: Iterable[str], widths: Sequence[int]) -> str:
    sized = zip(cells, widths, strict=True)
    return (
        "| " + " | ".join(c.ljust(w) if i < _WORDS else c.rjust(w) for i, (c, w) in enumerate(sized)) + " |"
    )
