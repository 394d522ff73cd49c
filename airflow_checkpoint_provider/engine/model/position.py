"""
A position in the source, exact enough to resume from.

Values are stored with their type, so that a value read back is the one that the source returned: an ``int`` of any
size, a ``Decimal`` with its digits, a time with its microseconds. Python compares keys for equality; the order of
text is decided by the source database and its collation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from airflow_checkpoint_provider.engine.model.errors import on_one_line
from airflow_checkpoint_provider.engine.model.key import Key


@dataclass(frozen=True, slots=True)
class Position:
    """
    The end of the rows transferred so far.

    :param key: the last committed key, or ``None`` before the first one and for the python strategy
    :param rows: source rows read up to here
    :param digest: the python strategy's proof: digest of the last row, or of all rows
    :param nulls_done: the rows without a key have been transferred as well
    """

    key: Key | None = None
    rows: int = 0
    digest: str | None = None
    nulls_done: bool = False


BEGINNING = Position()


def earlier(value: Any, distance: float | Decimal | timedelta) -> Any:
    """
    Go back by ``distance`` from a number or a time; a time may be ISO text, as SQLite keeps it.

    :raises TypeError: when the two do not go together
    :raises ValueError: when text is not a time
    """
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        text = earlier(moment, distance).isoformat(sep=value[10:11] or " ")
        return text if len(value) > 10 else text[:10]
    if isinstance(value, date) and not isinstance(value, datetime):
        if not isinstance(distance, timedelta):
            raise TypeError("a date needs a timedelta")
        return value - timedelta(days=math.ceil(distance / timedelta(days=1)))
    if isinstance(value, Decimal) and isinstance(distance, float):
        distance = Decimal(str(distance))
    return value - distance


def fraction(lower: Key | None, key: Key | None, upper: Key | None) -> float | None:
    """Return how far ``key`` is from ``lower`` to ``upper`` (0 to 1), if the first column is a number or a time."""
    if not (lower and key and upper):
        return None
    low, here, high = (_as_number(values[0]) for values in (lower, key, upper))
    if low is None or here is None or high is None or not high > low:
        return None
    share = (here - low) / (high - low)
    return min(max(share, 0.0), 1.0) if math.isfinite(share) else None


def _as_number(value: Any) -> float | None:
    if isinstance(value, datetime):
        return value.timestamp() if value.tzinfo else (value - datetime(1970, 1, 1)).total_seconds()
    if isinstance(value, date):
        return float(value.toordinal())
    if isinstance(value, (int, float, Decimal)):
        try:
            return float(value)
        except OverflowError:
            return None
    return None


def position_as_dict(columns: Sequence[str], position: Position) -> dict[str, Any] | None:
    """Return a position by column, or by row number; numbers and booleans stay what they are."""
    if position.key is not None:
        values = (
            value if isinstance(value, (int, str)) or _is_finite(value) else str(value)
            for value in position.key
        )
        return dict(zip(columns, values, strict=False))
    return {"row": position.rows} if position.rows else None


def value_in_words(value: Any) -> str:
    """Return a value of a key for a sentence: on one line, and cut where it is long."""
    text = str(value)
    return on_one_line(text if len(text) <= 200 else f"{text[:197]}...")


def _is_finite(value: Any) -> bool:
    """Return whether a value is a float that JSON can hold."""
    return isinstance(value, float) and math.isfinite(value)


def describe_position(columns: Sequence[str], position: Position) -> str:
    """Return a position in words: ``order_id = 101765``, or ``row 12,000``."""
    if position.key is None:
        return f"row {position.rows:,}"
    place = ", ".join(f"{c} = {value_in_words(v)}" for c, v in zip(columns, position.key, strict=False))
    return f"{place} and the rows without a key" if position.nulls_done else place


def describe_range(columns: Sequence[str], start: Position, upper: Key) -> str:
    """Return the keys that a load reads in words: ``id up to 8850000``, or ``behind id = 100 up to id = 200``."""
    end = Position(upper)
    if start.key:
        return f"behind {describe_position(columns, start)} up to {describe_position(columns, end)}"
    if len(columns) == 1:
        return f"{columns[0]} up to {value_in_words(upper[0])}"
    return f"up to {describe_position(columns, end)}"
