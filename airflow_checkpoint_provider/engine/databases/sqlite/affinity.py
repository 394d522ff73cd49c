"""What SQLite converts values to in a column."""

from __future__ import annotations

from enum import StrEnum


class Affinity(StrEnum):
    """What SQLite converts values to in a column, by the words of its declared type."""

    INTEGER = "integer"
    TEXT = "text"
    NONE = "none"
    REAL = "real"
    NUMERIC = "numeric"


def affinity_of(declared: str, *, strict: bool = False) -> Affinity:
    """Return the affinity of a declared type, by SQLite's rules in their order."""
    name = declared.upper()
    if "INT" in name:
        return Affinity.INTEGER
    if any(word in name for word in ("CHAR", "CLOB", "TEXT")):
        return Affinity.TEXT
    if not name or "BLOB" in name or (strict and name == "ANY"):
        return Affinity.NONE
    if any(word in name for word in ("REAL", "FLOA", "DOUB")):
        return Affinity.REAL
    return Affinity.NUMERIC
