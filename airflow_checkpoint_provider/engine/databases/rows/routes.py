"""The route of rows from one database to another: chosen once, and never changed."""

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
    :param form: the form in which the source writes them; ``None`` for the values of its driver
    :param columns: the columns of a row on its way; ``None`` for those of the query
    :param silent: the source runs no other statement while rows come, so keys are compared in Python
    :param plain: each value is a whole number, text, bytes or ``None``
    :param texts: places of text in a plain row; the text of a number or a time does not count
    :param padded: places in a row of text whose trailing blanks are only padding
    :param kept: places in a row of values that the destination keeps, by the types of both sides
    :param provisional: when a row cannot be written so, or is refused, the rest of the load travels as values
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
"""Python values, of a source that can run other statements meanwhile: right for any pair of databases."""


@dataclass(frozen=True, slots=True)
class PackedForm:
    """
    A form of whole rows that a destination passes on to its server unread.

    :param name: as the log has it; source and destination know the form by it
    :param types: of the written columns, in the terms of the form; empty where it takes any
    :param read: how its server reads a row, as the end of the route's reason, such as ``INSERT reads it``
    """

    name: str
    types: tuple[Any, ...] = ()
    read: str = ""


@dataclass(frozen=True, slots=True)
class RowUse:
    """
    How a load uses rows on their way; the source has to provide for it.

    :param read: the written columns, in the order of the destination's
    :param keys: columns whose values are compared
    :param seen: columns whose Python values are used, ``keys`` among them
    :param ahead: nothing waits for the destination's server, so rows are best sent before they are requested
    :param digits: by column, how many digits the destination keeps of a number given as text. Empty where it has types
        for numbers and times; elsewhere it takes a date and a timestamp as text, too.
    """

    read: tuple[str, ...]
    keys: tuple[str, ...]
    seen: tuple[str, ...]
    ahead: bool = False
    digits: Mapping[str, float] = field(default_factory=dict)
