"""Checks of text for types with a form of their own: refused where Postgres would add to it, round or drop."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from airflow_checkpoint_provider.engine.databases.postgres.values.types import PostgresType
from airflow_checkpoint_provider.engine.databases.values.refusals import (
    CAST,
    RefusedValueError,
    shown,
    unknown,
)

SHAPES = frozenset(("point", "line", "lseg", "box", "path", "polygon", "circle"))
"""Types made of numbers of double precision."""
_NUMBER = re.compile(r"[0-9.]+(?:[eE][-+]?[0-9]+)?")
# The server completes an address of fewer numbers by the historical classes of networks.
_NETWORK = re.compile(r"[0-9]+(?:\.[0-9]+){3}(?:/[0-9]+)?|[^.]*:.*")
_MAC = re.compile(r"(?:[0-9a-fA-F]{2}[-:.]?){5}[0-9a-fA-F]{2}")
_MAC8 = re.compile(r"(?:[0-9a-fA-F]{2}[-:.]?){7}[0-9a-fA-F]{2}")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")
_TEXT = r'"((?:[^"\\]|\\.)*)"'
_PAIR = re.compile(rf"{_TEXT}=>(?:{_TEXT}|NULL)(?:, |\Z)", re.DOTALL)


def check_network(type_: PostgresType, text: str) -> None:
    """Check that an address of version 4 has its four numbers."""
    if not _NETWORK.fullmatch(text):
        raise RefusedValueError(f"would add to {shown(text)}, which is not a complete address. {CAST}")


def check_shape(type_: PostgresType, text: str) -> None:
    """Check that the numbers of a shape are kept with all their digits."""
    for number in _NUMBER.findall(text):
        try:
            exact, kept = Decimal(number), float(number)
        except (ArithmeticError, ValueError):  # not a number: left to the server
            continue
        if exact not in (Decimal(kept), Decimal(repr(kept))):
            raise RefusedValueError(f"would round {number} in {shown(text)}. Declare it text. {CAST}")


def check_mac(type_: PostgresType, text: str) -> None:
    """Check that a MAC address has six bytes of two digits: the server also reads a date as one."""
    if not _MAC.fullmatch(text):
        raise RefusedValueError(f"would add to {shown(text)}, which has not six bytes of two digits. {CAST}")


def check_mac8(type_: PostgresType, text: str) -> None:
    """Check that a MAC address has eight bytes: the server would add two to one of six."""
    if not _MAC8.fullmatch(text):
        raise RefusedValueError(f"would add to {shown(text)}, which has not eight bytes. {CAST}")


def check_geometry(type_: PostgresType, text: str) -> None:
    """Check that the numbers of a geometry are kept, where they are written as numbers."""
    if not _HEXADECIMAL.fullmatch(text):
        check_shape(type_, text)


def check_pairs(type_: PostgresType, text: str) -> None:
    """Check that each name in an hstore, as the server writes it, has one value."""
    names, at = [], 0
    while pair := _PAIR.match(text, at):
        names.append(pair[1])
        at = pair.end()
    if at < len(text):
        raise unknown(text, "the column")
    if len(set(names)) < len(names):
        raise RefusedValueError(
            f"would lose one of two values of a name in {shown(text)}. Declare it text. {CAST}"
        )


CHECKS: Mapping[str, Callable[[PostgresType, str], None]] = {
    "cidr": check_network,
    "macaddr": check_mac,
    "macaddr8": check_mac8,
    "hstore": check_pairs,
    **dict.fromkeys(SHAPES, check_shape),
    **dict.fromkeys(("geometry", "geography"), check_geometry),
}
"""By the type of the column."""
