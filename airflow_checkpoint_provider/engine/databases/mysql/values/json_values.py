"""JSON as MySQL keeps it, or refused."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise
from typing import Any

from airflow_checkpoint_provider.engine.databases.mysql.values.column_facts import ColumnFacts
from airflow_checkpoint_provider.engine.databases.values.refusals import RefusedValueError, unknown


def as_json(facts: ColumnFacts, value: Any) -> str:
    """Return JSON that the column keeps."""
    text = value if isinstance(value, str) else None
    if isinstance(value, (dict, list, tuple)):
        text = json.dumps(value, ensure_ascii=False, default=str)
    if text is None:
        raise unknown(value, "json")
    with suppress(ValueError):  # not JSON: left to the server
        json.loads(
            text, object_pairs_hook=_once, parse_float=_double, parse_int=_long, parse_constant=_no_constant
        )
    return text


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        twice = next(one for one, other in pairwise(sorted(name for name, _ in pairs)) if one == other)
        raise RefusedValueError(
            f"would lose one of the values of {twice!r}, which an object has twice. {_AS_TEXT}"
        )
    return names


def _double(text: str) -> float:
    if Decimal(repr(float(text))) != Decimal(text):
        raise RefusedValueError(f"would round {text}, as it keeps fractions as doubles. {_AS_TEXT}")
    return float(text)


def _long(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**64:
        _double(text)
    return number


def _no_constant(text: str) -> Any:
    raise ValueError(text)


_AS_TEXT = "Declare it LONGTEXT, which keeps JSON as it is written."
