"""What Postgres would round, cut or read as something else without a word: found in the types, or in the values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from airflow_checkpoint_provider.engine.databases.postgres.columns import PostgresColumn
from airflow_checkpoint_provider.engine.databases.postgres.quick_checks import keeps_all
from airflow_checkpoint_provider.engine.databases.postgres.types import PostgresType, scale_of
from airflow_checkpoint_provider.engine.databases.refusals import CAST, RefusedValueError, shown, unknown
from airflow_checkpoint_provider.engine.databases.values import (
    NUMBER_TEXT,
    WHOLE_TEXT,
    places,
    single_precision,
)
from airflow_checkpoint_provider.engine.model.errors import BadRowsError

_NULL = type(None)
_BYTES = (bytes, bytearray, memoryview)
_WHOLE = ("int2", "int4", "int8", "oid")
_DAY = r"(?:[0-9]{4,}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.(?P<f>[0-9]{1,9}))?"
_ENDS = r"|-?infinity)"
_OFFSET = r"(?:Z|[-+][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2})?)?)"
_DATE = re.compile(rf"{_DAY}(?: BC)?{_ENDS}")
_MOMENT = re.compile(rf"{_DAY}(?:[ T]{_CLOCK})?(?: BC)?{_ENDS}")
_ZONED = re.compile(rf"{_DAY}[ T]{_CLOCK}{_OFFSET}(?: BC)?{_ENDS}")
_TIME = re.compile(_CLOCK)
_TIME_ZONED = re.compile(rf"{_CLOCK}{_OFFSET}")
_MONEY = re.compile(r"-?\$?[0-9][0-9,]*(?:\.[0-9]{1,2})?")
_BITS = re.compile("[01]*")
_TRUTHS = frozenset(("t", "f", "true", "false", "0", "1"))
_NAME_BYTES = 63
_SELF = frozenset((bool, int, float, Decimal, bytes, bytearray, memoryview, date, datetime, time, timedelta))
# Of which the server keeps text as it is, or writes the same value in its own way.
_FROM_TEXT = frozenset(
    (
        *(
            "uuid",
            "json",
            "xml",
            "inet",
            "cidr",
            "macaddr",
            "macaddr8",
            "interval",
            "citext",
            "hstore",
            "ltree",
        ),
        *(
            "point",
            "line",
            "lseg",
            "box",
            "path",
            "polygon",
            "circle",
            "geometry",
            "geography",
            "pg_lsn",
            "jsonpath",
        ),
    )
)


_EXACT_TEXT = frozenset(
    (*_WHOLE, "numeric", "float4", "float8", "uuid", "json", "jsonb", "name", "citext", "xml")
)
_TEXTS = frozenset(("text", "varchar", "bpchar"))
# By the type that is written, those whose every value it keeps or refuses.
_KEEPS = {
    **dict.fromkeys(_WHOLE, frozenset((*_WHOLE, "numeric", "float4", "float8"))),
    "numeric": frozenset((*_WHOLE, "numeric", "float4", "float8")),
    "float8": frozenset(("int2", "int4", "float4", "float8")),
    "float4": frozenset(("int2", "float4")),
    "timestamp": frozenset(("timestamp", "date")),
    "json": frozenset(("json", "jsonb")),
    "interval": frozenset(("interval",)),
}
_MOMENTS = frozenset(("timestamp", "timestamptz", "time", "timetz"))


def keeps(column: PostgresColumn, type_: PostgresType) -> bool:
    """Tell by the types alone whether every value arrives as it is, or is refused by the server."""
    kind, modifier = column.kind, column.modifier
    if type_.family == "e":
        return column.is_own or kind in _TEXTS
    if type_.kind in _TEXTS:
        if kind in ("bool", "bytea"):
            return False
        if type_.length is None and type_.kind != "bpchar":
            return True
        if kind == "bpchar" and type_.kind == "bpchar":
            return True
        known = kind in ("varchar", "bpchar") and modifier >= 4
        return known and type_.kind == "varchar" and modifier - 4 <= (type_.length or 0)
    if kind not in _KEEPS.get(type_.kind, {type_.kind}):
        return False
    if type_.modifier == -1 or kind == "date" or (type_.kind == kind and type_.modifier == modifier):
        return True
    if type_.kind == "numeric":
        scale, most = scale_of(modifier) if kind == "numeric" else None, type_.scale or 0
        return (most >= 0 and kind in _WHOLE) or (scale is not None and scale <= most)
    return type_.kind in _MOMENTS and 0 <= modifier <= type_.modifier


class ValueCheck:
    """
    Looks at the values of one column before they are sent.

    :param column: which one, for messages
    """

    def __init__(self, column: str, type_: PostgresType) -> None:
        self._column = column
        self._type = type_
        self._as_they_are, self._check = _rule(type_)

    def check(self, values: Sequence[Any], *, padded: bool) -> None:
        """
        Look at values.

        :param padded: blanks at the end are only padding
        :raises BadRowsError: for one that would be another one there
        """
        kinds = set(map(type, values))
        if kinds <= self._as_they_are:
            return
        known = [value for value in values if value is not None] if _NULL in kinds else values
        if keeps_all(self._type, known, kinds - {_NULL}):
            return
        try:
            for value in known:
                self._check(value, padded)
        except RefusedValueError as refused:
            reason = f"{self._column} ({self._type.declared}) {refused}"
            raise BadRowsError(f"{reason} Nothing of the batch is committed.", reason) from None


Check = Callable[[Any, bool], None]


def _rule(type_: PostgresType) -> tuple[frozenset[type], Check]:
    """Return the Python types whose values need no look, and what looks at the others."""
    if type_.kind in _TEXTS or type_.kind == "name":
        unlimited = type_.kind in ("text", "varchar") and type_.length is None
        known = (str, int, float, Decimal, UUID, date, datetime, time, timedelta, _NULL)
        return frozenset(known if unlimited else (int, _NULL)), partial(_text, type_)
    if type_.kind == "numeric" and type_.scale is None:
        return frozenset((int, float, Decimal, _NULL)), partial(_numeric, type_)
    if type_.kind in _RULES:
        as_they_are, check = _RULES[type_.kind]
        return as_they_are, partial(check, type_)
    return frozenset((_NULL,)), partial(_other, type_)


def _text(type_: PostgresType, value: Any, padded: bool) -> None:
    if isinstance(value, _BYTES):
        raise RefusedValueError(
            "is text, and the batch has bytes for it. Decode them in the query or in rows_processor."
        )
    if isinstance(value, bool):
        raise unknown(value, "the column")
    if not isinstance(value, str):
        return
    if type_.kind == "name" and len(value.encode(errors="replace")) > _NAME_BYTES:
        raise RefusedValueError(f"would cut {shown(value)} to {_NAME_BYTES} bytes. Declare it text.")
    if not value.endswith(" ") or type_.kind == "name":
        return
    if (
        type_.kind == "bpchar" and not padded and len(value) != type_.length
    ):  # else it reads the same afterwards
        raise RefusedValueError(
            f"would lose which blanks stand at the end of {shown(value)}. Declare it varchar. {CAST}"
        )
    if type_.kind == "varchar" and len(value) > (type_.length or len(value)):
        raise RefusedValueError(f"would lose blanks at the end of {shown(value)}, which is too long. {CAST}")


def _whole(type_: PostgresType, value: Any, padded: bool) -> None:
    if isinstance(value, str) and not WHOLE_TEXT.fullmatch(value) and _is_like_a_number(value):
        raise RefusedValueError(
            f"would read another number in {shown(value)}, or write it in another way. {CAST}"
        )
    if not isinstance(value, (int, float, Decimal, str)):
        raise unknown(value, "the column")


def _is_like_a_number(text: str) -> bool:
    return bool(re.search("[0-9]", text))


def _numeric(type_: PostgresType, value: Any, padded: bool) -> None:
    if isinstance(value, str):
        if value in ("NaN", "Infinity", "-Infinity"):
            return
        if not NUMBER_TEXT.fullmatch(value):
            if not _is_like_a_number(value):
                return  # no number, says the server
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
            f"would round {value} to {type_.scale} digits behind the point. Declare it with more, or round it in the "
            "query."
        )


def _float(type_: PostgresType, value: Any, padded: bool) -> None:
    if isinstance(value, float) and (type_.kind == "float8" or not math.isfinite(value)):
        return
    if isinstance(value, str) and value in ("NaN", "Infinity", "-Infinity"):
        return
    if isinstance(value, Decimal) and not value.is_finite():
        return
    if isinstance(value, str) and not NUMBER_TEXT.fullmatch(value):
        if not _is_like_a_number(value):
            return  # no number, says the server
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


def _bool(type_: PostgresType, value: Any, padded: bool) -> None:
    if (isinstance(value, str) and value not in _TRUTHS) or not isinstance(
        value, (bool, int, str, Decimal, float)
    ):
        raise unknown(value, "the column")


def _date(type_: PostgresType, value: Any, padded: bool) -> None:
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
        if not _DATE.fullmatch(value) and _is_like_a_number(value):
            raise unknown(value, "the column")
    elif not isinstance(value, date):
        raise unknown(value, "the column")


def _moment(type_: PostgresType, value: Any, padded: bool) -> None:
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
        if _is_like_a_number(value):
            raise unknown(value, "the column")
    elif isinstance(value, date):
        _check_zone(zoned, False, value)
    else:
        raise unknown(value, "the column")


def _time(type_: PostgresType, value: Any, padded: bool) -> None:
    zoned = type_.kind == "timetz"
    if isinstance(value, time):
        _check_zone(zoned, value.tzinfo is not None, value)
        _check_fraction(type_, value, f"{value.microsecond:06}")
    elif isinstance(value, timedelta) and not zoned:
        if not timedelta(0) <= value < timedelta(days=1):
            raise RefusedValueError(f"would read another time in {value}, which is no time of day. {CAST}")
        _check_fraction(type_, value, f"{value.microseconds:06}")
    elif isinstance(value, str):
        if match := (_TIME_ZONED if zoned else _TIME).fullmatch(value):
            _check_fraction(type_, value, match["f"] or "")
            return
        _check_zone(zoned, bool(_TIME_ZONED.fullmatch(value)), value)
        if _is_like_a_number(value):
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


def _interval(type_: PostgresType, value: Any, padded: bool) -> None:
    if type_.modifier != -1 or not isinstance(value, (timedelta, str)):
        raise unknown(value, "the column")


def _bytes(type_: PostgresType, value: Any, padded: bool) -> None:
    if not isinstance(value, _BYTES):
        raise unknown(value, "the column")


def _bits(type_: PostgresType, value: Any, padded: bool) -> None:
    if not isinstance(value, str) or not _BITS.fullmatch(value):
        raise unknown(value, "the column")


def _money(type_: PostgresType, value: Any, padded: bool) -> None:
    fits = isinstance(value, Decimal) and value.is_finite() and places(value) <= 2
    if not fits and not (isinstance(value, str) and _MONEY.fullmatch(value)):
        raise unknown(value, "the column")


def _jsonb(type_: PostgresType, value: Any, padded: bool) -> None:
    if isinstance(value, str):
        with suppress(ValueError):  # no JSON, says the server
            json.loads(value, object_pairs_hook=_once, parse_float=str, parse_int=str)
    elif type(value) in _SELF:
        raise unknown(value, "the column")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise RefusedValueError(
            f"would lose one of two values of a name that an object has twice, among {', '.join(names)}. Declare it "
            "json, which keeps JSON as it is written."
        )
    return names


def _other(type_: PostgresType, value: Any, padded: bool) -> None:
    from_text = type_.family in ("e", "r", "m", "c") or type_.kind in _FROM_TEXT or type_.kind.startswith("_")
    elements = type_.kind.startswith("_") and type_.modifier != -1
    if type(value) in _SELF or elements or (isinstance(value, str) and not from_text):
        raise unknown(value, "the column")


_RULES: dict[str, tuple[frozenset[type], Callable[[PostgresType, Any, bool], None]]] = {
    **dict.fromkeys(_WHOLE, (frozenset((int, _NULL)), _whole)),
    "numeric": (frozenset((_NULL,)), _numeric),
    "float8": (frozenset((float, _NULL)), _float),
    "float4": (frozenset((_NULL,)), _float),
    "bool": (frozenset((bool, int, _NULL)), _bool),
    "date": (frozenset((date, _NULL)), _date),
    **dict.fromkeys(("timestamp", "timestamptz"), (frozenset((_NULL,)), _moment)),
    **dict.fromkeys(("time", "timetz"), (frozenset((_NULL,)), _time)),
    "interval": (frozenset((_NULL,)), _interval),
    "bytea": (frozenset((bytes, bytearray, memoryview, _NULL)), _bytes),
    **dict.fromkeys(("bit", "varbit"), (frozenset((_NULL,)), _bits)),
    "money": (frozenset((_NULL,)), _money),
    "jsonb": (frozenset((_NULL,)), _jsonb),
}
