"""What MySQL would change without a word, even in its strict mode: written exactly, or refused before it is sent."""

from __future__ import annotations

import ipaddress
import json
import math
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import UUID

from airflow_checkpoint_provider.engine.databases.mysql.drivers import as_parameter
from airflow_checkpoint_provider.engine.databases.refusals import CAST, RefusedValueError, shown, unknown
from airflow_checkpoint_provider.engine.databases.values import (
    NUMBER_TEXT,
    WHOLE_TEXT,
    places,
    single_precision,
    time_text,
)
from airflow_checkpoint_provider.engine.model.errors import BadRowsError

Convert = Callable[[Any], Any]

_NULL = type(None)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.(?P<f>[0-9]{1,9}))?)?")
_TIME = re.compile(r"-?[0-9]{2,3}:[0-9]{2}:[0-9]{2}(?:\.(?P<f>[0-9]{1,9}))?")
_YEAR = re.compile(r"0000|19[0-9]{2}|20[0-9]{2}|21[0-9]{2}")
_BYTES = (bytes, bytearray, memoryview)
_MAX_BYTES = {"tinytext": 2**8 - 1, "text": 2**16 - 1, "mediumtext": 2**24 - 1}
_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "integer", "bigint")
_BLOBS = ("varbinary", "tinyblob", "blob", "mediumblob", "longblob")
_SHAPES = (
    *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"),
    *("geometrycollection", "geomcollection"),
)
_NULL_INSTEAD = "Have the query, or rows_processor, return NULL instead."


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """
    A column, as ``information_schema.columns`` has it.

    :param kind: the type without its length, in lower case
    :param declared: the type with it
    :param length: in characters, or in bytes for what is no text
    :param scale: digits behind the point
    :param fraction: digits of a second
    :param nulls: NULL may be stored
    :param counts: the server numbers the rows (AUTO_INCREMENT)
    :param listed: what an ENUM or a SET may hold
    :param padded: what comes from the source is filled up with blanks there, too
    """

    kind: str
    declared: str
    length: int | None = None
    scale: int | None = None
    fraction: int = 0
    nulls: bool = True
    counts: bool = False
    listed: Sequence[str] = ()
    padded: bool = False


class ColumnWriter:
    """
    Turns the values of one column into what the drivers write without a change.

    :param column: which one, for messages
    """

    def __init__(self, column: str, facts: ColumnFacts) -> None:
        self._column = column
        self._facts = facts
        self._as_they_are, self._convert = _rule(facts)
        # The server would put the time, or a number of its own.
        self._no_null = facts.counts or (facts.kind == "timestamp" and not facts.nulls)

    def converted(self, values: Sequence[Any]) -> Sequence[Any]:
        """
        Convert values.

        :raises BadRowsError: for one that would be another one there
        """
        kinds = set(map(type, values))
        if _NULL in kinds and self._no_null:
            instead = "a number of its own" if self._facts.counts else "the time of the load"
            raise self._refused(
                f"takes no NULL, for which the server would put {instead}. Leave the column out, by a mapping in "
                "destination_columns, or have the query return a value."
            )
        if kinds <= self._as_they_are:
            return values
        try:
            return [None if value is None else self._convert(value) for value in values]
        except RefusedValueError as refused:
            raise self._refused(str(refused)) from None

    def _refused(self, why: str) -> BadRowsError:
        return BadRowsError(f"{self._column} ({self._facts.declared}) {why}")


def _rule(facts: ColumnFacts) -> tuple[frozenset[type], Convert]:
    """Return the types that are written as they are, and what converts the others."""
    _, as_they_are, convert = next(
        (rule for rule in _RULES if facts.kind in rule[0]), ((), frozenset((_NULL,)), _never)
    )
    return as_they_are, partial(convert, facts)


def _never(facts: ColumnFacts, value: Any) -> Any:
    raise unknown(value, facts.kind)


def _whole(facts: ColumnFacts, value: Any) -> Any:
    if isinstance(value, (int, bool)):
        return value
    if isinstance(value, (float, Decimal)):
        if not math.isfinite(value):
            raise RefusedValueError(f"cannot hold {value}: MySQL has no such number. {_NULL_INSTEAD}")
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


def _bits(facts: ColumnFacts, value: Any) -> Any:
    if isinstance(value, str):  # whose bytes would be taken
        raise unknown(value, facts.kind)
    return _whole(facts, value)


def _number(value: Any, kind: str) -> Decimal:
    if isinstance(value, (int, bool, Decimal)):
        number = Decimal(value)
    elif isinstance(value, float):
        number = Decimal(repr(value))  # the shortest number that reads the same
    elif isinstance(value, str) and NUMBER_TEXT.fullmatch(value):
        number = Decimal(value)
    elif isinstance(value, str):
        raise RefusedValueError(
            f"would read something else in {shown(value)}, which is no number as MySQL writes it. {CAST}"
        )
    else:
        raise unknown(value, kind)
    if not number.is_finite():
        raise RefusedValueError(f"cannot hold {value}: MySQL has no such number. {_NULL_INSTEAD}")
    return number


def _decimal(facts: ColumnFacts, value: Any) -> Any:
    scale = facts.scale or 0
    if places(_number(value, "decimal")) > scale:
        raise RefusedValueError(
            f"would round {value} to {scale} digits behind the point. Declare it with more, or round it in the query."
        )
    return value


def _float(facts: ColumnFacts, value: Any) -> Any:
    single, scale = facts.kind == "float", facts.scale
    if type(value) is float and not single and scale is None and math.isfinite(value):
        return value
    number = _number(value, "float")
    double = float(number)
    if not math.isinf(double):  # else the server says that it is out of range
        kept = single_precision(double) if single else (double,)
        if number not in {form for one in kept for form in (Decimal(one), Decimal(repr(one)))}:
            wider = "DOUBLE or DECIMAL" if single else "DECIMAL"
            raise RefusedValueError(f"would round {value}. Declare it {wider}, or round it in the query.")
    if scale is not None and places(number) > scale:
        raise RefusedValueError(
            f"would round {value} to {scale} digits behind the point. Declare it with more, or round it in the query."
        )
    return number if isinstance(value, str) else value


def _year(facts: ColumnFacts, value: Any) -> Any:
    if isinstance(value, str) and _YEAR.fullmatch(value):
        return value
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        if value in (0, *range(1901, 2156)):
            return f"{int(value):04}"
        raise RefusedValueError(f"would read another year in {value}: it holds 1901 to 2155, and 0. {CAST}")
    raise unknown(value, "year")


def _date(facts: ColumnFacts, value: Any) -> Any:
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


def _moment(facts: ColumnFacts, value: Any) -> Any:
    if isinstance(value, datetime):
        _check_fraction(facts, value, f"{value.microsecond:06}")
        return as_parameter(value)
    if isinstance(value, date):
        return value
    if isinstance(value, str) and (match := _MOMENT.fullmatch(value)):
        _check_fraction(facts, value, match["f"] or "")
        return value
    raise unknown(value, facts.kind)


def _time(facts: ColumnFacts, value: Any) -> Any:
    if isinstance(value, time):
        if value.tzinfo:
            raise BadRowsError(f"MySQL has no time of day with a time zone ({value}). Cast it in the query.")
        _check_fraction(facts, value, f"{value.microsecond:06}")
        return value.isoformat()
    if isinstance(value, timedelta):
        _check_fraction(facts, value, f"{value.microseconds:06}")
        return time_text(value)
    if isinstance(value, str) and (match := _TIME.fullmatch(value)):
        _check_fraction(facts, value, match["f"] or "")
        return value
    raise unknown(value, facts.kind)


def _check_fraction(facts: ColumnFacts, value: Any, fraction: str) -> None:
    if len(fraction.rstrip("0")) > facts.fraction:
        raise RefusedValueError(
            f"would lose fractions of a second of {value}, as it keeps {facts.fraction} digits of them. Declare it "
            f"{facts.kind.upper()}(6), or cut them off in the query."
        )


def _char(facts: ColumnFacts, value: Any) -> Any:
    text = value if isinstance(value, str) else _as_text(value, facts.kind)
    if text.endswith(" ") and not facts.padded:
        raise RefusedValueError(
            f"would lose the blanks at the end of {shown(text)}. Declare it VARCHAR. {CAST}"
        )
    return text


def _text(facts: ColumnFacts, value: Any) -> str:
    text = value if isinstance(value, str) else _as_text(value, facts.kind)
    if text.endswith(" ") and _is_too_long(facts, text):
        raise RefusedValueError(f"would lose blanks at the end of {shown(text)}, which is too long. {CAST}")
    return text


def _is_too_long(facts: ColumnFacts, text: str) -> bool:
    """Tell whether text is longer than the column: the server cuts off blanks without a word."""
    if most := _MAX_BYTES.get(facts.kind):
        return len(text) * 4 > most and len(text.encode()) > most
    return facts.length is not None and len(text) > facts.length


def _as_text(value: Any, kind: str) -> str:
    if isinstance(value, _BYTES):
        raise RefusedValueError(
            "is text, and the batch has bytes for it. Decode them in the query or in rows_processor."
        )
    if isinstance(value, bool):
        raise unknown(value, kind)
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, (int, UUID)):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return time_text(value)
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    raise unknown(value, kind)


def _bytes(facts: ColumnFacts, value: Any) -> bytes:
    if isinstance(value, _BYTES):
        return bytes(value)
    raise unknown(value, facts.kind)


def _binary(facts: ColumnFacts, value: Any) -> bytes:
    data, length = _bytes(facts, value), facts.length or 1
    if len(data) < length:
        raise RefusedValueError(
            f"would fill up {shown(data)} with zeros to {length} bytes. Declare it VARBINARY."
        )
    return data


def _json(facts: ColumnFacts, value: Any) -> str:
    text = value if isinstance(value, str) else None
    if isinstance(value, (dict, list, tuple)):
        text = json.dumps(value, ensure_ascii=False, default=str)
    if text is None:
        raise unknown(value, "json")
    with suppress(ValueError):  # no JSON, says the server
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


def _member(facts: ColumnFacts, value: Any) -> str:
    if not isinstance(value, str):
        raise RefusedValueError(
            f"is given {shown(value)}, of which MySQL takes numbers for the place of a value in the list. {CAST}"
        )
    if value not in facts.listed:
        raise RefusedValueError(
            f"has no value {shown(value)}, to the letter; it has {', '.join(facts.listed)}."
        )
    return value


def _members(facts: ColumnFacts, value: Any) -> str:
    if isinstance(value, (set, frozenset)):
        value = ",".join(
            sorted(value, key=lambda one: facts.listed.index(one) if one in facts.listed else -1)
        )
    if not isinstance(value, str):
        raise RefusedValueError(
            f"is given {shown(value)}, of which MySQL takes numbers for a sum of places in the list. {CAST}"
        )
    parts = value.split(",") if value else []
    if missing := [part for part in parts if part not in facts.listed]:
        raise RefusedValueError(
            f"has no value {shown(missing[0])}, to the letter; it has {', '.join(facts.listed)}."
        )
    if any(facts.listed.index(one) >= facts.listed.index(other) for one, other in pairwise(parts)):
        raise RefusedValueError(
            f"would write {shown(value)} in another way: each value once, in the order of {', '.join(facts.listed)}."
        )
    return value


def _uuid(facts: ColumnFacts, value: Any) -> str:
    text = str(value) if isinstance(value, (UUID, str)) else ""
    try:
        if str(UUID(text)) == text:
            return text
    except ValueError:
        pass
    raise unknown(value, "uuid")


def _address(facts: ColumnFacts, value: Any) -> str:
    text = str(value)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise unknown(value, facts.kind) from None
    wanted = 4 if facts.kind == "inet4" else 6
    if address.version != wanted or str(address) != text or getattr(address, "ipv4_mapped", None):
        raise unknown(value, facts.kind)
    return text


_RULES: Sequence[tuple[Sequence[str], frozenset[type], Callable[[ColumnFacts, Any], Any]]] = (
    (_INTEGERS, frozenset((int, bool, _NULL)), _whole),
    (("bit",), frozenset((int, bool, _NULL)), _bits),
    (("decimal", "numeric"), frozenset((int, bool, _NULL)), _decimal),
    (("double", "real", "float"), frozenset((_NULL,)), _float),
    (("year",), frozenset((_NULL,)), _year),
    (("date",), frozenset((date, _NULL)), _date),
    (("datetime", "timestamp"), frozenset((date, _NULL)), _moment),
    (("time",), frozenset((_NULL,)), _time),
    (("char",), frozenset((_NULL,)), _char),
    (("longtext",), frozenset((str, _NULL)), _text),
    (("varchar", *_MAX_BYTES), frozenset((_NULL,)), _text),
    (("binary",), frozenset((_NULL,)), _binary),
    ((*_BLOBS, *_SHAPES), frozenset((bytes, _NULL)), _bytes),
    (("json",), frozenset((_NULL,)), _json),
    (("enum",), frozenset((_NULL,)), _member),
    (("set",), frozenset((_NULL,)), _members),
    (("uuid",), frozenset((_NULL,)), _uuid),
    (("inet4", "inet6"), frozenset((_NULL,)), _address),
)
