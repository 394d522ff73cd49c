"""Numbers and bits as a MySQL column keeps them, or refused."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

from airflow_checkpoint_provider.engine.databases.mysql.values.column_facts import ColumnFacts
from airflow_checkpoint_provider.engine.databases.mysql.values.moment_values import NULL_INSTEAD
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

_YEAR = re.compile(r"0000|19[0-9]{2}|20[0-9]{2}|21[0-9]{2}")


INTEGERS = ("tinyint", "smallint", "mediumint", "int", "integer", "bigint")


def as_whole(facts: ColumnFacts, value: Any) -> Any:
    """Return a whole number as the column keeps it."""
    if isinstance(value, (int, bool)):
        return value
    if isinstance(value, (float, Decimal)):
        if not math.isfinite(value):
            raise RefusedValueError(f"cannot hold {value}: MySQL has no such number. {NULL_INSTEAD}")
        if value == int(value):
            return int(value)
    if isinstance(value, (float, Decimal, str)):
        if isinstance(value, str) and WHOLE_TEXT.fullmatch(value):
            return int(value)
        raise RefusedValueError(
            f"would round {value!r}, or read something else in it, as it is an integer. Declare it DECIMAL, DOUBLE "
            "or TEXT, or cast it in the query."
        )
    raise unknown(value, facts.kind)


def as_bits(facts: ColumnFacts, value: Any) -> Any:
    """Return bits as the column keeps them."""
    if isinstance(value, str):  # MySQL would take its bytes
        raise unknown(value, facts.kind)
    number = as_whole(facts, value)
    if number < 0:
        raise RefusedValueError(f"would read another number in {value}, as bits have no sign. {CAST}")
    return number


def number_of(value: Any, kind: str) -> Decimal:
    """Read a number."""
    if isinstance(value, (int, bool, Decimal)):
        number = Decimal(value)
    elif isinstance(value, float):
        number = Decimal(repr(value))  # the shortest number that reads the same
    elif isinstance(value, str) and NUMBER_TEXT.fullmatch(value):
        number = Decimal(value)
    elif isinstance(value, str):
        raise RefusedValueError(
            f"would read something else in {shown(value)}, which is not a number as MySQL writes it. {CAST}"
        )
    else:
        raise unknown(value, kind)
    if not number.is_finite():
        raise RefusedValueError(f"cannot hold {value}: MySQL has no such number. {NULL_INSTEAD}")
    return number


def as_decimal(facts: ColumnFacts, value: Any) -> Any:
    """Return a number with all its digits."""
    scale = facts.scale or 0
    if places(number_of(value, "decimal")) > scale:
        raise RefusedValueError(
            f"would round {value} to {scale} decimal places. Declare it with more, or round it in the query."
        )
    return value


def as_float(facts: ColumnFacts, value: Any) -> Any:
    """Return a floating-point number as the column keeps it."""
    single, scale = facts.kind == "float", facts.scale
    if type(value) is float and not single and scale is None and math.isfinite(value):
        return value
    number = number_of(value, "float")
    double = float(number)
    if not math.isinf(double):  # else the server reports that it is out of range
        kept = single_precision(double) if single else (double,)
        if number not in {form for one in kept for form in (Decimal(one), Decimal(repr(one)))}:
            wider = "DOUBLE or DECIMAL" if single else "DECIMAL"
            raise RefusedValueError(f"would round {value}. Declare it {wider}, or round it in the query.")
    if scale is not None and places(number) > scale:
        raise RefusedValueError(
            f"would round {value} to {scale} decimal places. Declare it with more, or round it in the query."
        )
    return number if isinstance(value, str) else value


def as_year(facts: ColumnFacts, value: Any) -> Any:
    """Return a year as the column keeps it."""
    if isinstance(value, str) and _YEAR.fullmatch(value):
        return value
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        if value in (0, *range(1901, 2156)):
            return f"{int(value):04}"
        raise RefusedValueError(f"would read another year in {value}: it holds 1901 to 2155, and 0. {CAST}")
    raise unknown(value, "year")
