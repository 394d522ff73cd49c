"""Days and times as a MySQL column keeps them, or refused."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any

from airflow_checkpoint_provider.engine.databases.mysql.drivers import as_parameter
from airflow_checkpoint_provider.engine.databases.mysql.values.column_facts import ColumnFacts
from airflow_checkpoint_provider.engine.databases.values.refusals import (
    CAST,
    RefusedValueError,
    unknown,
)
from airflow_checkpoint_provider.engine.databases.values.text_forms import (
    time_text,
)
from airflow_checkpoint_provider.engine.model.errors import BadRowsError

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.(?P<f>[0-9]{1,9}))?)?")


_TIME = re.compile(r"-?[0-9]{2,3}:[0-9]{2}:[0-9]{2}(?:\.(?P<f>[0-9]{1,9}))?")


NULL_INSTEAD = "Have the query, or rows_processor, return NULL instead."


def as_date(facts: ColumnFacts, value: Any) -> Any:
    """Return a day as the column keeps it."""
    if isinstance(value, datetime):
        if value.time() != time():
            raise RefusedValueError(
                f"would lose the time of {value}, as it is a DATE. Declare it DATETIME(6), or cast it in the query."
            )
        if value.tzinfo:
            raise RefusedValueError(f"would lose the time zone of {value}, as it is a DATE. {CAST}")
        return value.date()
    if isinstance(value, date) or (isinstance(value, str) and _DATE.fullmatch(value)):
        return value
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        raise RefusedValueError(
            f"would lose the time of {value}, as it is a DATE. Declare it DATETIME(6), or cast it in the query."
        )
    raise unknown(value, "date")


def as_moment(facts: ColumnFacts, value: Any) -> Any:
    """Return a day and time as the column keeps them."""
    if isinstance(value, datetime):
        check_fraction(facts, value, f"{value.microsecond:06}")
        return as_parameter(value)
    if isinstance(value, date):
        return value
    if isinstance(value, str) and (match := _MOMENT.fullmatch(value)):
        check_fraction(facts, value, match["f"] or "")
        return value
    raise unknown(value, facts.kind)


def as_time(facts: ColumnFacts, value: Any) -> Any:
    """Return a span of time as the column keeps it."""
    if isinstance(value, time):
        if value.tzinfo:
            raise BadRowsError(f"MySQL has no time of day with a time zone ({value}). Cast it in the query.")
        check_fraction(facts, value, f"{value.microsecond:06}")
        return value.isoformat()
    if isinstance(value, timedelta):
        check_fraction(facts, value, f"{value.microseconds:06}")
        return time_text(value)
    if isinstance(value, str) and (match := _TIME.fullmatch(value)):
        check_fraction(facts, value, match["f"] or "")
        return value
    raise unknown(value, facts.kind)


def check_fraction(facts: ColumnFacts, value: Any, fraction: str) -> None:
    """Refuse a fraction of a second that would be rounded."""
    if len(fraction.rstrip("0")) > facts.fraction:
        raise RefusedValueError(
            f"would lose fractions of a second of {value}, as it keeps {facts.fraction} digits of them. Declare it "
            f"{facts.kind.upper()}(6), or cut them off in the query."
        )
