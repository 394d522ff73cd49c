"""Rows over time as an SVG: numbers for a template to draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.history_kind import STARTS, Kind
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.store.checkpoint_store import SAMPLE_EVERY
from airflow_checkpoint_provider.engine.store.history_entry import HistoryEntry
from airflow_checkpoint_provider.plugin.display.words import duration, number, short

WIDTH, HEIGHT = 960, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 26, 26

_MARKS = {
    Kind.STARTED: "started",
    Kind.RESUMED: "resumed",
    Kind.FAILED: "failed",
    Kind.COMPLETED: "completed",
}
_STILL_S = 2 * SAMPLE_EVERY  # a longer span between two samples is a standstill
_LABEL_WIDTH = 70.0
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)


@dataclass(frozen=True, slots=True)
class Mark:
    """An event of the load; the label is empty where it would overlap another one."""

    x: float
    y: float
    kind: str
    label: str
    title: str


@dataclass(slots=True)
class Chart:
    """The drawing: ``lines`` and the ``areas`` below them for each attempt, and the ``gaps`` between attempts."""

    title: str = ""
    lines: list[str] = field(default_factory=list)
    areas: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    x_ticks: list[tuple[float, str]] = field(default_factory=list)
    y_ticks: list[tuple[float, str]] = field(default_factory=list)
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


def chart(entries: Sequence[HistoryEntry], checkpoint: Checkpoint, now: datetime | None) -> Chart | None:
    """
    Draw the load that is under way, or the last one; ``None`` when there is nothing to draw yet.

    :param entries: of the checkpoint, oldest first
    :param now: the end of the chart while an attempt is at work, so that a standstill shows; else ``None``
    """
    load = _last_load(entries)
    if not load:
        return None
    begin = load[0].recorded_at
    points = [(entry.recorded_at, entry.committed) for entry in load]
    last = (checkpoint.committed_at, checkpoint.rows)
    if checkpoint.status is Status.RUNNING and not checkpoint.restarting and last[0] >= points[-1][0]:
        points.append(last)
    if now and now > points[-1][0]:
        points.append((now, points[-1][1]))
    end = points[-1][0]
    seconds = max((end - begin).total_seconds(), 1.0)
    most = max(max(rows for _, rows in points), 1)
    step = _nice(most / 4)
    top = math.ceil(most / step) * step

    def x(when: datetime) -> float:
        share = (when - begin).total_seconds() / seconds
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    def y(rows: float) -> float:
        return round(HEIGHT - _BOTTOM - rows / top * (HEIGHT - _TOP - _BOTTOM), 1)

    drawn = Chart(title=f"{number(most)} rows in {duration(seconds)}")
    drawn.y_ticks = [(y(n * step), short(n * step)) for n in range(int(top / step) + 1)]
    every = next((size for size in _STEPS if seconds / size <= 8), math.ceil(seconds / 8 / 86400) * 86400)
    drawn.x_ticks = [
        (_LEFT + n * every / seconds * (WIDTH - _LEFT - _RIGHT), duration(n * every) if n else "0")
        for n in range(int(seconds / every) + 1)
    ]
    parts = _by_attempt(load, points)
    for before, after in pairwise(parts):
        # Rows that the earlier attempt has committed after its last sample were committed before it died: no slope.
        still = (after[0][0], before[-1][1])
        drawn.gaps.append(" ".join(f"{x(when)},{y(rows)}" for when, rows in (before[-1], still, after[0])))
    for part in parts:
        line = [f"{x(when)},{y(rows)}" for when, rows in _with_steps(part)]
        drawn.lines.append(" ".join(line))
        drawn.areas.append(" ".join([f"{x(part[0][0])},{y(0)}", *line, f"{x(part[-1][0])},{y(0)}"]))
    labelled = -_LABEL_WIDTH
    for entry in load:
        if kind := _MARKS.get(Kind(entry.kind)):
            mark = _mark(entry, kind, x(entry.recorded_at), y(entry.committed), begin)
            if entry.kind in STARTS:
                if mark.x - labelled < _LABEL_WIDTH:
                    mark = replace(mark, label="")
                else:
                    labelled = mark.x
            drawn.marks.append(mark)
    return drawn


def _mark(entry: HistoryEntry, kind: str, x: float, y: float, begin: datetime) -> Mark:
    when = duration(entry.recorded_at - begin)
    title = f"Attempt {entry.try_number} {kind} at {number(entry.committed)} rows, after {when}"
    return Mark(x, y, kind, f"{entry.try_number}", title)


def _last_load(entries: Sequence[HistoryEntry]) -> list[HistoryEntry]:
    """Return the entries since the last start from the beginning."""
    starts = [n for n, entry in enumerate(entries) if entry.kind == Kind.STARTED]
    kept = entries[starts[-1] :] if starts else entries
    return [entry for entry in kept if entry.kind in (*STARTS, Kind.PROGRESS, Kind.FAILED, Kind.COMPLETED)]


def _by_attempt(
    load: Sequence[HistoryEntry], points: Sequence[tuple[datetime, int]]
) -> list[list[tuple[datetime, int]]]:
    """Cut the points where a new attempt begins, so that waiting for it is a gap and not a slope."""
    parts: list[list[tuple[datetime, int]]] = []
    for n, point in enumerate(points):
        if not parts or (n < len(load) and load[n].kind in STARTS):
            parts.append([])
        parts[-1].append(point)
    return parts


def _with_steps(part: Sequence[tuple[datetime, int]]) -> list[tuple[datetime, int]]:
    """Keep the line flat where nothing was committed for long, up to the batch that ended the standstill."""
    spans = [(after[0] - before[0]).total_seconds() for before, after in pairwise(part)]
    if not spans:
        return [*part]
    # Samples of a long load are thinned out: their median span decides.
    longest = max(_STILL_S, 3 * sorted(spans)[len(spans) // 2]) if len(spans) > 2 else _STILL_S
    stepped = [part[0]]
    for (_, rows), (when, more), span in zip(part, part[1:], spans, strict=False):
        if span > longest and more > rows:
            stepped.append((when, rows))
        stepped.append((when, more))
    return stepped


def _nice(value: float) -> int:
    """Return the next 1, 2 or 5 with zeros."""
    size = 10 ** math.floor(math.log10(max(value, 1)))
    return int(next(size * n for n in (1, 2, 5, 10) if size * n >= value))
