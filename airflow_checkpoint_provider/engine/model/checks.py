"""Checks of arguments: each returns the value, or raises an error that names the argument."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.stored_text import shown, written

ID_LENGTH = 250
"""The most characters of a DAG's, a task's and a run's id, as in Airflow's own tables."""

NO_NAME = "-"
"""The stored form of an empty checkpoint name (an empty string would be NULL in Oracle)."""

LARGEST = 2**31 - 1
"""The largest numeric argument: some drivers and databases take no larger one."""

MOST_ROWS = 2**63 - 1
"""The largest number of rows that the columns for it can hold."""

_TRUE = {"true", "t", "yes", "y", "on", "1"}
_FALSE = {"false", "f", "no", "n", "off", "0", "none", ""}

_SHOWN = 200  # characters of a value in a message


def refuse(name: str, value: Any, wanted: str) -> ArgumentError:
    """Return the error that names an argument's value, and the wanted kind of value."""
    given = written(value)
    given = given if len(given) <= _SHOWN else f"{given[:_SHOWN]}..."
    # Text that is not valid Unicode could not be logged, or stored as the reason.
    return ArgumentError(f"{name}: {given.encode(errors='backslashreplace').decode()} is not {wanted}.")


def is_text(value: Any) -> bool:
    """Return whether a value is text that every database accepts: Unicode, without the character NUL."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def text(name: str, value: Any, *, optional: bool = False, most: int | None = None) -> Any:
    """Check a text; ``optional`` lets ``None`` pass."""
    if (value is None and optional) or (is_text(value) and (most is None or len(value) <= most)):
        return value
    limit = f" of at most {most} characters" if most else ""
    raise refuse(name, value, f"text{limit}")


def identifier(name: str, value: Any, *, optional: bool = False) -> Any:
    """Check one of Airflow's ids: a text that is not empty."""
    if optional and value is None:
        return value
    if not value or not isinstance(value, str):
        raise refuse(name, value, "an id: a text that is not empty")
    return text(name, value, most=ID_LENGTH)


def checkpoint_name(name: str, value: Any) -> Any:
    """Check a name of a checkpoint."""
    wanted = f"a name: 1 to {ID_LENGTH} characters that can be seen, without a blank at either end, and not {NO_NAME!r}"
    if not is_text(value) or not 0 < len(value) <= ID_LENGTH:
        raise refuse(name, value, wanted)
    if value.strip() != value or not value.isprintable() or value == NO_NAME:
        raise refuse(name, value, wanted)
    return value


def whole_number(
    name: str, value: Any, least: int = 0, most: int = LARGEST, *, optional: bool = False
) -> Any:
    """Check a whole number in a range."""
    if optional and value is None:
        return value
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise refuse(name, value, f"a whole number from {least} to {most}")
    return value


def seconds(name: str, value: Any) -> Any:
    """Check a number of seconds, or a timedelta, if there is one."""
    if value is None or isinstance(value, timedelta):
        return value
    if not is_number(value) or not 0 <= value <= LARGEST:
        raise refuse(name, value, "a number of seconds or a timedelta")
    return value


def boolean(name: str, value: Any) -> Any:
    """Check ``True`` or ``False``."""
    if not isinstance(value, bool):
        raise refuse(name, value, "True or False")
    return value


def flag(name: str, value: Any) -> bool:
    """Read a flag: a boolean, 1 or 0, or a text such as ``Y`` and ``N``; nothing is ``False``."""
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _TRUE | _FALSE:
            return word in _TRUE
    elif value is None or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise ArgumentError(f"{name}: {shown(value)} is neither true nor false.")


def moment(name: str, value: Any) -> Any:
    """Check a time."""
    if not isinstance(value, datetime):
        raise refuse(name, value, "a time (a datetime)")
    return value


def is_number(value: Any) -> bool:
    """Return whether a value is a number: finite, and not a boolean."""
    if isinstance(value, Decimal):
        return value.is_finite()
    if isinstance(value, float):
        return isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def is_names(value: Any) -> bool:
    """Return whether a value is a list of names."""
    return isinstance(value, (list, tuple)) and all(is_text(name) and name for name in value)


def words_among(argument: str, given: Any, known: Sequence[str]) -> list[str] | None:
    """
    Read one word, or a collection of words; ``None`` stays as it is.

    :raises ArgumentError: when one is not known
    """
    if given is None:
        return None
    found = list(given) if isinstance(given, (list, tuple, set, frozenset)) else [given]
    for word in found:
        if not isinstance(word, str) or word not in known:
            raise ArgumentError(f"{argument}: {word!r} is not one of {', '.join(known)}.")
    return found
