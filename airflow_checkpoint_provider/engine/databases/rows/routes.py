"""How rows travel from one database to another: chosen once, and changed by nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class RowRoute:
    """
    How the rows of a load travel.

    :param name: as the log has it
    :param reason: why they travel so
    :param form: what the source makes of them, a value of its own; ``None`` for what its driver makes of them
    :param columns: the columns of a row on its way; ``None`` for those of the query
    :param silent: the source answers nothing while rows come, so keys are compared in Python
    :param plain: each value is a whole number, text, bytes or ``None``
    :param texts: places in a row of what is text, in a plain row; that of a number or a time is none
    :param padded: places in a row of text at whose end blanks are only padding
    :param kept: places in a row of what the destination keeps, by the types of both sides
    :param provisional: where a row cannot be written so, or is refused, what is left of the load travels as values
    """

    name: str
    reason: str
    form: Any = None
    columns: tuple[str, ...] | None = None
    silent: bool = False
    plain: bool = False
    texts: frozenset[int] = frozenset()
    padded: frozenset[int] = frozenset()
    kept: frozenset[int] = frozenset()
    provisional: bool = False


VALUES = RowRoute("rows", "")
"""Python values, of a source that can be asked meanwhile: right for any pair of databases."""


@dataclass(frozen=True, slots=True)
class PackedForm:
    """
    A form of whole rows that a destination passes on to its server unread.

    :param name: as the log has it; source and destination know the form by it
    :param types: of the columns that are written, in the terms of the form; empty where it takes any
    """

    name: str
    types: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class RowUse:
    """
    What a load does with rows on their way, which the source has to leave possible.

    :param read: columns that are written, in the order of the destination's
    :param keys: columns whose values are compared
    :param seen: columns whose Python values are looked at, ``keys`` among them
    :param ahead: nothing waits for the destination's server, so rows are best sent before they are asked for
    :param digits: by column, how many digits the destination keeps of a number that it is given as text. Empty where
        it has types for numbers and times; elsewhere it takes a date and a timestamp as text, too.
    """

    read: tuple[str, ...]
    keys: tuple[str, ...]
    seen: tuple[str, ...]
    ahead: bool = False
    digits: Mapping[str, float] = field(default_factory=dict)
