"""Types whose values a source writes as text though they are none: what that text is, for a column that reads it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class WrittenKind(StrEnum):
    """What the text of a value is, whatever the server that writes it."""

    JSON = "JSON"
    SPAN = "a span of time"
    ADDRESS = "an address, or a network"
    BITS = "bits"
    XML = "XML"
    STRUCTURE = "values within brackets"
    OTHER = "a form of its own"

    @property
    def hides_no_number(self) -> bool:
        """Whether no server finds another number in such text: only JSON may be one, and is that one."""
        return self not in (WrittenKind.BITS, WrittenKind.XML, WrittenKind.OTHER)


@dataclass(frozen=True, slots=True)
class WrittenType:
    """
    The type of a column whose values are written as text.

    :param declared: as the source names it
    """

    declared: str
    kind: WrittenKind
