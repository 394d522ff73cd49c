"""Checks of numbers, booleans and bits: refused where Postgres would store another value."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from decimal import Decimal
from typing import Any

from airflow_checkpoint_provider.engine.databases.postgres.values.types import PostgresType
from airflow_checkpoint_provider.engine.databases.values.refusals import (
    CAST,
    RefusedValueError,
    shown,
    unknown,
)
from airflow_checkpoint_provider.engine.databases.values.text_forms import (
    NUMBER_TEXT,
    WHOLE_TEXT,
    places,
    single_precision,
)

# Leading zeros, the minus of a zero, and commas elsewhere than at thousands would be lost.
_MONEY = re.compile(
    r"(?!-\$?0(?:\.0+)?\Z)-?\$?(?:0|[1-9][0-9]*|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.[0-9]{1,2})?"
)
_BITS = re.compile("[01]*")
_GREATEST_OID = 2**32 - 1
_TRUTHS = frozenset(("t", "f", "true", "false", "0", "1"))


def check_whole(type_: PostgresType, value: Any, padded: bool) -> None:
    """Check a value for an integer."""
    if isinstance(value, str) and not WHOLE_TEXT.fullmatch(value) and is_like_a_number(value):
        raise RefusedValueError(
            f"would read another number in {shown(value)}, or write it in another way. {CAST}"
        )
    if not isinstance(value, (int, float, Decimal, str)):
        raise unknown(value, "the column")


def check_oid(type_: PostgresType, value: Any, padded: bool) -> None:
    """Check a value for an oid of 32 bits without a sign: the server drops further bits where all are set."""
    check_whole(type_, value, padded)
    text = str(value)
    if text.startswith("-") or (WHOLE_TEXT.fullmatch(text) and (len(text) > 10 or int(text) > _GREATEST_OID)):
        raise RefusedValueError(f"would make another number of {shown(value)}. Declare it numeric. {CAST}")


def is_like_a_number(text: str) -> bool:
    """Return whether a server could read a number in a text."""
    return bool(re.search("[0-9]", text))


def check_numeric(type_: PostgresType, value: Any, padded: bool) -> None:
    """Check a value for a number with all its digits."""
    if isinstance(value, str):
        if value in ("NaN", "Infinity", "-Infinity"):
            return
        if not NUMBER_TEXT.fullmatch(value):
            if not is_like_a_number(value):
                return  # not a number: left to the server
            raise RefusedValueError(
                f"would read another number in {shown(value)}, or write it in another way. {CAST}"
            )
    elif not isinstance(value, (int, float, Decimal)) or isinstance(value, bool):
        raise unknown(value, "the column")
    if not isinstance(value, str) and not math.isfinite(value):
        return
    number = Decimal(repr(value) if isinstance(value, float) else value)
    if type_.scale is not None and places(number) > type_.scale:
        raise RefusedValueError(
            f"would round {value} to {type_.scale} decimal places. Declare it with more, or round it in the "
            "query."
        )


def check_float(type_: PostgresType, value: Any, padded: bool) -> None:
    """Check a value for a floating-point number."""
    if isinstance(value, float) and (type_.kind == "float8" or not math.isfinite(value)):
        return
    if isinstance(value, str) and value in ("NaN", "Infinity", "-Infinity"):
        return
    if isinstance(value, Decimal) and not value.is_finite():
        return
    if isinstance(value, str) and not NUMBER_TEXT.fullmatch(value):
        if not is_like_a_number(value):
            return  # not a number: left to the server
        if type_.kind == "float8" and _is_written_so(value):
            return
        raise RefusedValueError(
            f"would read another number in {shown(value)}, or write it in another way. {CAST}"
        )
    if not isinstance(value, (int, float, Decimal, str)) or isinstance(value, bool):
        raise unknown(value, "the column")
    number = Decimal(repr(value) if isinstance(value, float) else value)
    double = float(number)
    kept = single_precision(double) if type_.kind == "float4" else (double,)
    if not math.isinf(double) and number not in {
        form for one in kept for form in (Decimal(one), Decimal(repr(one)))
    }:
        raise RefusedValueError(f"would round {value}. Declare it numeric, or round it in the query.")


def _is_written_so(text: str) -> bool:
    with suppress(ValueError):
        return repr(float(text)) == text
    return False


def check_bool(type_: PostgresType, value: Any, padded: bool) -> None:
    """Check a value for a boolean."""
    if (isinstance(value, str) and value not in _TRUTHS) or not isinstance(
        value, (bool, int, str, Decimal, float)
    ):
        raise unknown(value, "the column")


def check_bits(type_: PostgresType, value: Any, padded: bool) -> None:
    """Check a value for a string of bits."""
    if not isinstance(value, str) or not _BITS.fullmatch(value):
        raise unknown(value, "the column")


def check_money(type_: PostgresType, value: Any, padded: bool) -> None:
    """Check a value for an amount of money."""
    fits = isinstance(value, Decimal) and value.is_finite() and places(value) <= 2
    if not fits and not (isinstance(value, str) and _MONEY.fullmatch(value)):
        raise unknown(value, "the column")
