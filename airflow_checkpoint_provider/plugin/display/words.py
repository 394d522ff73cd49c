"""Numbers and times as people read them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from markupsafe import Markup, escape

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.key import Unreadable
from airflow_checkpoint_provider.engine.model.position import describe_position
from airflow_checkpoint_provider.engine.model.status import Status

_UTC = re.compile(r"\b(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC\b")


def number(value: float | None) -> str:
    """Write a whole number with separators."""
    return "" if value is None else f"{value:,.0f}"


def state_word(name: str) -> str:
    """Write the state of a load."""
    return "staged, not yet published" if name == Status.STAGED else name


def short(value: float) -> str:
    """Write a number for an axis: 250K, 1.5M."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def duration(span: timedelta | float) -> str:
    """Write a time span by its two largest units."""
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    for unit, smaller, size, part in (("d", "h", 86400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit} {rest} {smaller}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def ago(then: datetime, now: datetime) -> str:
    """Return roughly how long ago something was."""
    seconds = (now - then).total_seconds()
    if seconds < 2:
        return "now"
    for unit, size, most in (("s", 1, 100), ("min", 60, 100), ("h", 3600, 48)):
        if seconds < size * most:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds / 86400:.0f} d ago"


def clock(text: str) -> Markup:
    """Mark the times of a text, so that the page shows them in the time zone of all its other times."""
    marked = _UTC.sub(r'<time datetime="\1T\2+00:00">\1 \2 UTC</time>', str(escape(text)))
    return Markup(marked)  # noqa: S704


def percent(share: float | None) -> str:
    """Write a share as a percentage, never rounded up."""
    return "" if share is None else f"{int(share * 1000) / 10:g}%"


def position(checkpoint: Checkpoint) -> str:
    """Describe a checkpoint's position."""
    key = checkpoint.position.key
    if key and isinstance(key[0], Unreadable):
        return str(key[0])
    if key is None and not checkpoint.position.rows:
        return "at the beginning"
    return describe_position(checkpoint.key_columns, checkpoint.position)
