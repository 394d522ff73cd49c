"""How many bytes columns take of a row and of a key, of which both have few."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from airflow_checkpoint_provider.engine.model.column_type import Declared

_KEY = 3_072
_ROW = 65_535
_CHARACTER = 4
"""Bytes of a character, whatever it is, in an index and in the sum of a row."""
_OUTSIDE = 12
"""Bytes that a row has of a value that is stored outside of it."""
_OTHERS = 16
"""At least as many as any type of a fixed width has."""
_LONG = {"varchar": "longtext", "varbinary": "longblob", "char": "longtext", "binary": "longblob"}
_DIGITS = 9  # of a DECIMAL, which take four bytes


def row_width(text: str) -> int:
    """Return the bytes of a row that a column takes, at most."""
    declared = Declared.of(text)
    name = declared.name.split(" ")[0]
    if name in _LONG:
        length = _bytes(declared, name)
        return length + (0 if name in ("char", "binary") else 1 + (length > 255))
    if name == "decimal":
        return 4 * ((declared.first(10) or 0) // _DIGITS + 2)
    return _OUTSIDE if name.endswith(("text", "blob", "json")) else _OTHERS


def key_width(text: str) -> int:
    """Return the bytes of a key that a column takes, at least."""
    declared = Declared.of(text)
    name = declared.name.split(" ")[0]
    return _bytes(declared, name) if name in _LONG else 1


def _bytes(declared: Declared, name: str) -> int:
    return (declared.first(1) or 0) * (_CHARACTER if name in ("char", "varchar") else 1)


def fitted(declared: Sequence[str], free: Collection[int]) -> list[str]:
    """
    Return types of columns that fit into a row together: where they are too wide, the widest of them without a length.

    :param free: places of the types that may be changed
    """
    types = list(declared)
    nulls = len(types) // 8 + 1
    while sum(map(row_width, types)) + nulls > _ROW:
        long = [index for index in free if Declared.of(types[index]).name.split(" ")[0] in _LONG]
        if not long:
            break  # the server gives its reason
        widest = max(long, key=lambda index: row_width(types[index]))
        types[widest] = _LONG[Declared.of(types[widest]).name.split(" ")[0]]
    return types


def why_too_wide(declared: Sequence[str]) -> str:
    """Return why no index takes some columns together; empty where one does."""
    width = sum(map(key_width, declared))
    return f"takes {_KEY:,} bytes, and they need {width:,}" if width > _KEY else ""
