"""What a column keeps of the values written to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

_BITS = {"REAL": 32, "FLOAT": 32}
_REWRITTEN = frozenset(("XMLTYPE", "INTERVAL_YM"))


class BoundKind(StrEnum):
    """The kind of a value that ends a range of keys."""

    NUMBER = "a number"
    DAY = "a date"
    MOMENT = "a time"
    ZONED = "a time with a zone"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredType:
    """
    The properties of a column's type that decide what becomes of a value.

    :param padded: text is filled up with blanks
    :param zeros: bytes are filled up with zeros
    :param json: the column holds JSON, and writes it in a form of its own
    :param json_doubles: fractions in JSON are doubles there
    :param bits: 32 or 64 for a column of floats
    :param scale: decimal places
    :param second_digits: of a moment
    :param rewrites: text is returned in another form than it was written in, such as a range
    :param empty_is_null: empty text and empty bytes are NULL
    :param bytes_for_text: bytes may be written to a column of text
    :param zones_are_utc: a moment without a zone means UTC
    :param floats_as_text: a float may be kept as text, with fifteen digits
    """

    padded: bool = False
    zeros: bool = False
    json: bool = False
    json_doubles: bool = False
    bits: int = 0
    scale: int | None = None
    second_digits: int | None = None
    rewrites: bool = False
    empty_is_null: bool = False
    bytes_for_text: bool = True
    zones_are_utc: bool = False
    floats_as_text: bool = False

    @classmethod
    def of(cls, type_: Any) -> StoredType:
        """Derive the properties from a type of the catalog, as SQLAlchemy describes it."""
        name = str(type_.__visit_name__).upper()
        bits = _BITS.get(name, 64 if isinstance(type_, sa.Float) else 0)
        return cls(
            padded=name in ("CHAR", "NCHAR"),
            zeros=name == "BINARY",
            json=name == "JSON" or isinstance(type_, sa.JSON),
            bits=bits,
            scale=type_.scale if isinstance(type_, sa.Numeric) and not bits else None,
            second_digits=getattr(type_, "precision", None) if name in ("TIMESTAMP", "TIME") else None,
            rewrites=name in _REWRITTEN,
        )

    @property
    def changes(self) -> bool:
        """Whether the column may change a value."""
        return bool(self.bits == 32 or self.scale is not None or self.second_digits is not None)
