"""Checks of days, times and spans: refused where Postgres would store another one."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any

from airflow_checkpoint_provider.engine.databases.postgres.values.types import PostgresType
from airflow_checkpoint_provider.engine.databases.values.refusals import (
    CAST,
    RefusedValueError,
    unknown,
)

_DAY = r"(?:[0-9]{4,}-[0-9]{2}-[0-9]{2}"


_CLOCK = r"[0-9]{2}:[0-5][0-9]:[0-5][0-9](?:\.(?P<f>[0-9]{1,9}))?"


_ENDS = r"|-?infinity)"


_OFFSET = r"(?:Z|[-+][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2})?)?)"


_DATE = re.compile(rf"{_DAY}(?: BC)?{_ENDS}")


_MOMENT = re.compile(rf"{_DAY}(?:[ T]{_CLOCK})?(?: BC)?{_ENDS}")


_ZONED = re.compile(rf"{_DAY}[ T]{_CLOCK}{_OFFSET}(?: BC)?{_ENDS}")


_TIME = re.compile(_CLOCK)


_TIME_ZONED = re.compile(rf"{_CLOCK}{_OFFSET}")


_UNITS = r"(?:years?|mons?|months?|weeks?|days?|hours?|minutes?|mins?|seconds?|secs?)"


# Whole numbers of units and a time, as Postgres writes them, those of ISO 8601, and years with months as in the SQL
# standard; fractions of a unit may be rounded.
_SPAN = re.compile(
    rf"(?:[-+]?[0-9]+ {_UNITS} ?)*(?:[-+]?[0-9]{{2,}}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{{1,6}})?)?"
    r"|[-+]?[0-9]+-(?:0?[0-9]|1[01])"
    r"|P(?:-?[0-9]+[YMWD])*(?:T(?:-?[0-9]+[HM])*(?:-?[0-9]+(?:\.[0-9]{1,6})?S)?)?"
)


def check_date(type_: PostgresType, value: Any, padded: bool) -> None:
    """Check a value for a date."""
    if isinstance(value, datetime):
        if value.time() != time() or value.tzinfo:
            raise RefusedValueError(
                f"would lose the time of {value}, as it is a date. Declare it timestamp. {CAST}"
            )
    elif isinstance(value, str):
        if _MOMENT.fullmatch(value) and not _DATE.fullmatch(value):
            raise RefusedValueError(
                f"would lose the time of {value}, as it is a date. Declare it timestamp. {CAST}"
            )
        if not _DATE.fullmatch(value):  # the server also reads words, such as "today"
            raise unknown(value, "the column")
    elif not isinstance(value, date):
        raise unknown(value, "the column")


def check_moment(type_: PostgresType, value: Any, padded: bool) -> None:
    """Check a value for a timestamp."""
    zoned = type_.kind == "timestamptz"
    if isinstance(value, datetime):
        _check_zone(zoned, value.tzinfo is not None, value)
        _check_fraction(type_, value, f"{value.microsecond:06}")
    elif isinstance(value, str):
        form = _ZONED if zoned else _MOMENT
        match = form.fullmatch(value)
        if match:
            _check_fraction(type_, value, match["f"] or "")
            return
        _check_zone(zoned, bool(_ZONED.fullmatch(value)), value)
        raise unknown(value, "the column")
    elif isinstance(value, date):
        _check_zone(zoned, False, value)
    else:
        raise unknown(value, "the column")


def check_time(type_: PostgresType, value: Any, padded: bool) -> None:
    """Check a value for a time of day."""
    zoned = type_.kind == "timetz"
    if isinstance(value, time):
        _check_zone(zoned, value.tzinfo is not None, value)
        _check_fraction(type_, value, f"{value.microsecond:06}")
    elif isinstance(value, timedelta) and not zoned:
        if not timedelta(0) <= value < timedelta(days=1):
            raise RefusedValueError(f"would read another time in {value}, which is not a time of day. {CAST}")
        _check_fraction(type_, value, f"{value.microseconds:06}")
    elif isinstance(value, str):
        if match := (_TIME_ZONED if zoned else _TIME).fullmatch(value):
            _check_fraction(type_, value, match["f"] or "")
            return
        _check_zone(zoned, bool(_TIME_ZONED.fullmatch(value)), value)
        raise unknown(value, "the column")
    else:
        raise unknown(value, "the column")


def _check_zone(wanted: bool, given: bool, value: Any) -> None:
    if given and not wanted:
        raise RefusedValueError(f"would lose the time zone of {value}. Declare it with time zone. {CAST}")
    if wanted and not given:
        raise RefusedValueError(
            f"would give {value} the time zone of the session, as it has none. Give it one in the query, such as by "
            "AT TIME ZONE or an offset behind the text, or in rows_processor."
        )


def _check_fraction(type_: PostgresType, value: Any, fraction: str) -> None:
    if len(fraction.rstrip("0")) > type_.fraction:
        raise RefusedValueError(
            f"would round the fraction of a second of {value} to {type_.fraction} digits. Declare it with more, or "
            "round it in the query."
        )


def check_interval(type_: PostgresType, value: Any, padded: bool) -> None:
    """Check a value for an interval."""
    known = isinstance(value, timedelta) or (isinstance(value, str) and _SPAN.fullmatch(value))
    if type_.modifier != -1 or not known:
        raise unknown(value, "the column")
