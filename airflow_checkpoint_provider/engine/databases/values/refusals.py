"""What the checks of all destinations say of a value that would not be stored as it is."""

from __future__ import annotations

from typing import Any

from airflow_checkpoint_provider.engine.model.errors import shortened

CAST = "Cast it in the query, or convert it in rows_processor."


class RefusedValueError(Exception):
    """What a value would become: the rest of a sentence that begins with the column, and what to do."""


def unknown(value: Any, keeper: str) -> RefusedValueError:
    """
    Refuse a value of a type that no rule is about.

    :param keeper: what would have to keep it, in words
    """
    return RefusedValueError(
        f"is given {shown(value)}, a value of type {type(value).__name__}: it is not known that {keeper} keeps such "
        f"values as they are. {CAST}"
    )


def shown(value: Any) -> str:
    """Write a value for a message."""
    return shortened(repr(value))
