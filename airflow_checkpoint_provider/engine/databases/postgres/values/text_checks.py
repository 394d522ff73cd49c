"""What Postgres would make of text that is to be a network or a shape: refused where it would guess or round."""

from __future__ import annotations

import re
from decimal import Decimal

from airflow_checkpoint_provider.engine.databases.postgres.values.types import PostgresType
from airflow_checkpoint_provider.engine.databases.values.refusals import CAST, RefusedValueError, shown

SHAPES = frozenset(("point", "line", "lseg", "box", "path", "polygon", "circle"))
"""Made of numbers of double precision."""
_NUMBER = re.compile(r"[0-9.]+(?:[eE][-+]?[0-9]+)?")
# Of fewer numbers it makes a network by the classes of old.
_NETWORK = re.compile(r"[0-9]+(?:\.[0-9]+){3}(?:/[0-9]+)?|[^.]*:.*")


def check_network(type_: PostgresType, text: str) -> None:
    """Check that an address of version 4 has its four numbers."""
    if not _NETWORK.fullmatch(text):
        raise RefusedValueError(f"would add to {shown(text)}, which is no whole address. {CAST}")


def check_shape(type_: PostgresType, text: str) -> None:
    """Check that the numbers of a shape are kept with all their digits."""
    for number in _NUMBER.findall(text):
        try:
            exact, kept = Decimal(number), float(number)
        except (ArithmeticError, ValueError):  # no number, says the server
            continue
        if exact not in (Decimal(kept), Decimal(repr(kept))):
            raise RefusedValueError(f"would round {number} in {shown(text)}. Declare it text. {CAST}")
