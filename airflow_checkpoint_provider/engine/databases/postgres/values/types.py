"""The types of the columns that are written, as the catalog has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PostgresType:
    """
    The type of a written column; of a domain, what it is made of.

    :param kind: its name in the catalog
    :param family: the catalog's ``typtype``: ``b`` for a base type, ``e`` for an enum, ``r`` for a range
    :param modifier: the catalog's, -1 for none
    :param declared: as SQL names it
    """

    oid: int
    kind: str
    family: str
    modifier: int
    declared: str

    @property
    def scale(self) -> int | None:
        """Digits behind the point of a ``numeric`` that is declared with some."""
        return scale_of(self.modifier) if self.kind == "numeric" else None

    @property
    def length(self) -> int | None:
        """Characters that a text may have."""
        return self.modifier - 4 if self.kind in ("varchar", "bpchar") and self.modifier >= 4 else None

    @property
    def fraction(self) -> int:
        """Digits of a second."""
        return self.modifier if 0 <= self.modifier <= 6 else 6


def scale_of(modifier: int) -> int | None:
    """Read the scale of a ``numeric`` out of its modifier, where it has one."""
    if modifier < 4:
        return None
    scale = (modifier - 4) & 0x7FF
    return scale - 0x800 if scale >= 0x400 else scale


_OF_COLUMNS = """
WITH RECURSIVE known AS (
    SELECT attname, atttypid AS oid, atttypmod AS modifier FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT attname, typbasetype, CASE WHEN typtypmod = -1 THEN modifier ELSE typtypmod END
    FROM known JOIN pg_type ON pg_type.oid = known.oid WHERE typtype = 'd'
)
SELECT attname, known.oid, typname, typtype::text, modifier, format_type(known.oid, modifier)
FROM known JOIN pg_type ON pg_type.oid = known.oid WHERE typtype <> 'd'
"""


def types_of(cursor: Any, table: str) -> dict[str, PostgresType]:
    """
    Ask the catalog for the types of a table's columns.

    :param table: as it stands in a statement
    """
    cursor.execute(_OF_COLUMNS, [table])
    return {name: PostgresType(oid, *rest) for name, oid, *rest in cursor.fetchall()}
