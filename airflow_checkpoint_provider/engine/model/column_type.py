"""The type of a column in words of no database: what its values are, and their bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_PARENTHESES = re.compile(r"\(([^()]*)\)")


class TypeKind(StrEnum):
    """The values of a type."""

    WHOLE = "a whole number"
    DECIMAL = "a decimal number"
    NUMBER = "a decimal number of any size"
    FLOAT = "a floating-point number"
    BOOLEAN = "a boolean"
    TEXT = "text"
    PADDED = "text filled up with blanks"
    BYTES = "bytes"
    DATE = "a date"
    TIME = "a time of day"
    MOMENT = "a date and time"
    ZONED = "a date and time with a zone"
    SPAN = "a span of time"
    UUID = "a UUID"
    JSON = "JSON"
    WRITTEN = "the text of a type of the source's own"


@dataclass(frozen=True, slots=True)
class ColumnType:
    """
    A type.

    :param size: bits of a whole or floating-point number, digits of a decimal one, characters of text, bytes, or digits
        of a second; ``None`` for no bound
    :param scale: digits after the point of a decimal number
    :param signed: whether a whole number may be negative
    """

    kind: TypeKind
    size: int | None = None
    scale: int = 0
    signed: bool = True

    @classmethod
    def decimal(cls, digits: int, scale: int) -> ColumnType:
        """
        Return the type of decimal numbers.

        :param scale: digits after the point; a negative number for zeros before it, as in Oracle and Postgres
        """
        if scale < 0:
            return cls(TypeKind.DECIMAL, digits - scale)
        return cls(TypeKind.DECIMAL, max(digits, scale), scale)

    def keeps(self, other: ColumnType) -> bool:
        """Return whether each value of another type is a value of this one, and is stored as it is."""
        if self.kind is TypeKind.NUMBER:
            return other.kind in (TypeKind.NUMBER, TypeKind.DECIMAL, TypeKind.WHOLE)
        if self.kind is TypeKind.DECIMAL and other.kind in (TypeKind.DECIMAL, TypeKind.WHOLE):
            whole = other.digits if other.kind is TypeKind.WHOLE else (other.size or 0) - other.scale
            bounded = other.kind is TypeKind.WHOLE or other.size is not None
            fits = self.size is None or (bounded and self.size - self.scale >= whole)
            return fits and (self.size is None or self.scale >= other.scale)
        if self.kind is not other.kind:
            return False
        if self.kind is TypeKind.WHOLE and self.size and other.size:
            # One bit more holds the sign.
            needed = other.size + (self.signed and not other.signed)
            return self.size >= needed and (self.signed or not other.signed)
        return self.size is None or (other.size is not None and self.size >= other.size)

    @property
    def digits(self) -> int:
        """The most digits of a whole number."""
        return len(str(2 ** ((self.size or 64) - self.signed)))

    def holds(self, other: ColumnType) -> bool:
        """Return whether a column of this type keeps every value of another one of the same kind."""
        return self.kind is other.kind and self.keeps(other)


@dataclass(frozen=True, slots=True)
class Declared:
    """
    A type as SQL declares it.

    :param name: its words in lower case, without parentheses
    :param numbers: those in parentheses
    """

    name: str
    numbers: tuple[int, ...] = ()

    @classmethod
    def of(cls, text: str) -> Declared:
        """Read a declaration such as ``numeric(12, 2)`` or ``timestamp(6) with time zone``."""
        within = " ".join(_PARENTHESES.findall(text))
        numbers = tuple(int(number) for number in re.findall(r"-?\d+", within))
        return cls(" ".join(_PARENTHESES.sub(" ", text).lower().split()), numbers)

    def decimal(self, digits: int = 0) -> ColumnType:
        """
        Return the type of decimal numbers that is declared so.

        :param digits: how many they have where none are given
        """
        given, scale = (*self.numbers, *(digits, 0)[len(self.numbers) :])[:2]
        return ColumnType.decimal(given, scale)

    def first(self, default: int | None = None) -> int | None:
        """Return the first number in parentheses."""
        return self.numbers[0] if self.numbers else default
