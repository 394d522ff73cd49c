"""Times as the driver binds and the server writes them."""

from __future__ import annotations

from datetime import UTC, datetime

SECOND_DIGITS = 6
"""Digits of a second that a datetime and a timedelta hold; Oracle may have 9."""

BOUND_MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.FF6TZH:TZM'
"""A time with its zone's offset, as :func:`moment_text` writes it."""

READ_MOMENT = f"S{BOUND_MOMENT}"
"""The same with a sign or a blank, which keeps 44 BC from being read as 44."""


READ_IN_UTC = 'SYYYY-MM-DD"T"HH24:MI:SS.FF6"+00:00"'
"""The same for a time without a zone, which is in UTC."""


def moment_text(value: datetime) -> str:
    """Write a time with its zone's offset; the driver would bind the time without the zone."""
    offset = value.utcoffset()
    if offset is not None and offset.seconds % 60:
        value = value.astimezone(UTC)
    return value.isoformat(timespec="microseconds")
