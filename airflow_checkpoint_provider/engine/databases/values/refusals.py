"""Refusals, by the checks of all destinations, of values that would not be stored as they are."""

from __future__ import annotations

from typing import Any

from airflow_checkpoint_provider.engine.model.errors import shortened

CAST = "Cast it in the query, or convert it in rows_processor."


class RefusedValueError(Exception):
    """A refused value: the message is the rest of a sentence that begins with the column, and the remedy."""


def unknown(value: Any, keeper: str) -> RefusedValueError:
    """
    Return the error for a value of a type without a rule.

    :param keeper: the column or type that would have to keep it, in words
    """
    return RefusedValueError(
        f"is given {shown(value)}, a value of type {type(value).__name__}: it is not known that {keeper} keeps such "
        f"values as they are. {CAST}"
    )


def shown(value: Any) -> str:
    """Write a value for a message."""
    return shortened(repr(value))
