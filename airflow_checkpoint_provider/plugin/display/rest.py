"""The rows that are left of a load, as a condition to run by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint


def left_where(checkpoint: Checkpoint) -> str | None:
    """
    Return the condition of the rows that are left; ``None`` where there are none, or databases write it differently.

    Names are those of the task, and times are in ISO format: some databases need a cast.
    """
    position, columns = checkpoint.position, checkpoint.key_columns
    if not columns or checkpoint.upper is None or position.key == checkpoint.upper:
        return None
    try:
        bounds = [_compared(columns, "<", checkpoint.upper, or_equal=True)]
        if position.key is not None:
            bounds.insert(0, _compared(columns, ">", position.key))
    except ValueError:
        return None
    return f"WHERE {' AND '.join(bounds)}"


def _compared(columns: Sequence[str], operator: str, key: Sequence[Any], *, or_equal: bool = False) -> str:
    """Compare a key of any number of columns without row values, which some databases do not have."""
    column, value = columns[0], _literal(key[0])
    if len(columns) == 1 or len(key) == 1:
        return f"{column} {operator}{'=' if or_equal else ''} {value}"
    rest = _compared(columns[1:], operator, key[1:], or_equal=or_equal)
    return f"({column} {operator} {value} OR ({column} = {value} AND {rest}))"


def _literal(value: Any) -> str:
    """
    Write a value as a literal.

    :raises ValueError: for one that databases write in different ways
    """
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, str, date)):
        raise ValueError(type(value).__name__)
    if isinstance(value, (int, Decimal)):
        return str(value)
    text = value.isoformat(" ") if isinstance(value, datetime) else str(value)
    return "'" + text.replace("'", "''") + "'"
