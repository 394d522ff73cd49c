"""The types of the written columns, as the catalog has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FIRST_OWN_OID = 16384  # below it are the types that every server has


@dataclass(frozen=True, slots=True)
class PostgresType:
    """
    The type of a written column; for a domain, its base type.

    :param kind: its name in the catalog
    :param family: the catalog's ``typtype``: ``b`` for a base type, ``e`` for an enum, ``r`` for a range
    :param modifier: the catalog's, -1 for none
    :param declared: as SQL names it
    :param parts: the types that an array, a range or a composite type is made of
    """

    oid: int
    kind: str
    family: str
    modifier: int
    declared: str
    parts: tuple[PostgresType, ...] = ()

    @property
    def made_of(self) -> tuple[Any, ...]:
        """Its parts, by the names that types have on every server."""
        return tuple((part.kind, part.family, part.modifier, part.made_of) for part in self.parts)

    @property
    def may_have_parts(self) -> bool:
        """Whether the catalog has to be asked for its parts; the name of an array need not begin with an underscore."""
        return self.family != "b" or self.kind.startswith("_") or self.oid >= FIRST_OWN_OID

    @property
    def is_array(self) -> bool:
        """Whether it is an array."""
        return bool(self.parts) and self.family == "b"

    @property
    def scale(self) -> int | None:
        """Digits after the point of a ``numeric`` that is declared with some."""
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
    Read the types of a table's columns from the catalog.

    :param table: as it stands in a statement
    """
    cursor.execute(_OF_COLUMNS, [table])
    return {name: PostgresType(oid, *rest) for name, oid, *rest in cursor.fetchall()}
