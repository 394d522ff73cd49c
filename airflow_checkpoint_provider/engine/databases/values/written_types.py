"""Non-text types whose values a source writes as text: the kind of that text, for a column that reads it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class WrittenKind(StrEnum):
    """The kind of a value's text, whichever server writes it."""

    JSON = "JSON"
    SPAN = "a span of time"
    ADDRESS = "an address, or a network"
    BITS = "bits"
    XML = "XML"
    STRUCTURE = "values within brackets"
    OTHER = "a form of its own"

    @property
    def hides_no_number(self) -> bool:
        """Whether no server reads another number in such text: only JSON may be a number, and is then the same one."""
        return self not in (WrittenKind.BITS, WrittenKind.XML, WrittenKind.OTHER)


@dataclass(frozen=True, slots=True)
class WrittenType:
    """
    The type of a column whose values are written as text.

    :param declared: as the source names it
    """

    declared: str
    kind: WrittenKind
