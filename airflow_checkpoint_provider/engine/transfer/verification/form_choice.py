"""Choosing the form in which both sides of a column are compared, by the kinds of their values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from airflow_checkpoint_provider.engine.databases.values.stored_type import StoredType
from airflow_checkpoint_provider.engine.transfer.verification.canonical_forms import FORMS

Form = Callable[[Any], str | None]

_KINDS: dict[type, str] = {
    **dict.fromkeys((int, float, Decimal), "number"),
    **dict.fromkeys((bytes, bytearray, memoryview), "bytes"),
    bool: "boolean",
    str: "text",
    UUID: "uuid",
    datetime: "moment",
    date: "day",
    time: "time",
    timedelta: "span",
}


def form_of(read: Any, written: Any, stored: StoredType) -> Form | str:
    """
    Choose a form.

    :param read: a value of the source; ``None`` if it has none
    :param written: a value of the destination
    :return: the form, or why the column cannot be judged
    """
    kinds = {_kind(value) for value in (read, written) if value is not None}
    kind = _common(kinds, _kind(written))
    if kind is None or (kinds == {"bytes", "text"} and not stored.bytes_for_text):
        return f"{' and '.join(sorted(kinds))} have no common form"
    if stored.rewrites and kinds == {"text"}:
        return "the destination writes it in a form of its own"
    if _zones_differ(read, written) and not stored.zones_are_utc:
        return "a time zone is on one side only, and what it means there is the session's matter"
    if kind in ("time", "span") and stored.second_digits is not None:
        return f"the column rounds to {stored.second_digits} digits of a second"
    if stored.json and kinds <= {"text"}:
        kind = "json"
    floats_as_text = stored.floats_as_text and {type(read), type(written)} == {float, str}
    return partial(FORMS[kind], replace(stored, floats_as_text=floats_as_text))


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), type(value).__name__)


def _common(kinds: set[str], written: str) -> str | None:
    """Return the kind as which values of two kinds can be compared."""
    if not kinds <= set(_KINDS.values()):
        return None
    if len(kinds) == 2:
        kinds = kinds - {"text"}
    if kinds == {"moment", "day"}:
        return written
    if kinds == {"number", "boolean"}:
        return "number"
    if kinds == {"time", "span"}:
        return "span"
    return next(iter(kinds), "text") if len(kinds) < 2 else None


def _zones_differ(one: Any, other: Any) -> bool:
    both = isinstance(one, datetime) and isinstance(other, datetime)
    return both and (one.tzinfo is None) != (other.tzinfo is None)
