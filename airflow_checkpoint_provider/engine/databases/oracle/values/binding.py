"""How bind variables are made: as small as their values allow, and long ones last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

CHARACTERS = 1_000
"""Characters that always fit into 4,000 bytes, beyond which a bind variable counts as a LONG."""

_BYTES = 2_000  # of a RAW
_IN_PLACE_OF_LOB = {
    "DB_TYPE_CLOB": ("DB_TYPE_VARCHAR", CHARACTERS),
    "DB_TYPE_NCLOB": ("DB_TYPE_NVARCHAR", CHARACTERS),
    "DB_TYPE_BLOB": ("DB_TYPE_RAW", _BYTES),
}
_LONG = frozenset((*_IN_PLACE_OF_LOB, "DB_TYPE_LONG", "DB_TYPE_LONG_NVARCHAR", "DB_TYPE_LONG_RAW"))


def is_long(type_: str) -> bool:
    """Return whether bind variables of a type have to come after those of all others (ORA-24816)."""
    return type_ in _LONG


def sized(cursor: Any, driver: Any, type_: str, size: int, values: Sequence[Any]) -> Any:
    """
    Return what :meth:`setinputsizes` takes for the values of one column.

    Without a size, the driver allocates 16,000 bytes for each text of a block. A LOB takes two round trips for each
    value, and is bound as text or RAW where all values of the block are short.

    :param type_: the driver's
    :param size: most characters, or bytes, of the column's values; 0 for a type that has no size
    """
    if type_ in _IN_PLACE_OF_LOB:
        shorter, most = _IN_PLACE_OF_LOB[type_]
        if _longest(values) <= most:
            type_, size = shorter, most
    elif size > CHARACTERS and _longest(values) <= CHARACTERS:
        size = CHARACTERS
    found = getattr(driver, type_)
    return cursor.var(found, size, len(values)) if size else found


def _longest(values: Sequence[Any]) -> int:
    return max((len(value) for value in values if value is not None), default=0)
