"""Values that Postgres would round, cut or change without an error: found by their types, or one by one."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import Any
from uuid import UUID

from airflow_checkpoint_provider.engine.databases.postgres.values.kept_types import TEXTS, WHOLE
from airflow_checkpoint_provider.engine.databases.postgres.values.moment_checks import (
    check_date,
    check_interval,
    check_moment,
    check_time,
)
from airflow_checkpoint_provider.engine.databases.postgres.values.number_checks import (
    check_bits,
    check_bool,
    check_float,
    check_money,
    check_numeric,
    check_oid,
    check_whole,
)
from airflow_checkpoint_provider.engine.databases.postgres.values.quick_checks import keeps_all
from airflow_checkpoint_provider.engine.databases.postgres.values.structured_text import parts_of
from airflow_checkpoint_provider.engine.databases.postgres.values.text_checks import CHECKS, SHAPES
from airflow_checkpoint_provider.engine.databases.postgres.values.types import PostgresType
from airflow_checkpoint_provider.engine.databases.values.refusals import (
    CAST,
    RefusedValueError,
    shown,
    unknown,
)
from airflow_checkpoint_provider.engine.model.errors import BadRowsError

_NULL = type(None)


_BYTES = (bytes, bytearray, memoryview)


_NAME_BYTES = 63


_SELF = frozenset((bool, int, float, Decimal, bytes, bytearray, memoryview, date, datetime, time, timedelta))


_NETWORKS = frozenset(("inet", "cidr"))
_OF_KINDS: dict[type, frozenset[str]] = {
    UUID: frozenset(("uuid",)),
    **dict.fromkeys(
        (IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network), _NETWORKS
    ),
    **dict.fromkeys((dict, list, tuple), frozenset(("json", "jsonb", "hstore"))),
}
"""By Python's type, the types that keep its values."""


# Types that keep text as it is, or write the same value in a form of their own.
FROM_TEXT = frozenset(
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
        *SHAPES,
        *("geometry", "geography", "pg_lsn", "jsonpath"),
    )
)


class ValueCheck:
    """
    Checks the values of one column before they are sent.

    :param column: the column, for messages
    """

    def __init__(self, column: str, type_: PostgresType) -> None:
        self._column = column
        self._type = type_
        self._as_they_are, self._check = _rule(type_)

    def check(self, values: Sequence[Any], *, padded: bool) -> None:
        """
        Check values.

        :param padded: blanks at the end are only padding
        :raises BadRowsError: for a value that the column would change
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


@lru_cache(maxsize=256)  # called for each value within an array
def _rule(type_: PostgresType) -> tuple[frozenset[type], Check]:
    """Return the Python types whose values need no check, and the check of the others."""
    if type_.kind in TEXTS or type_.kind == "name":
        unlimited = type_.kind in ("text", "varchar") and type_.length is None
        known = (str, int, float, Decimal, UUID, date, datetime, time, _NULL)
        few = (_NULL,) if type_.kind == "name" else (int, _NULL)
        return frozenset(known if unlimited else few), partial(_text, type_)
    if type_.kind == "numeric" and type_.scale is None:
        return frozenset((int, float, Decimal, _NULL)), partial(check_numeric, type_)
    if type_.kind in _RULES:
        as_they_are, check = _RULES[type_.kind]
        return as_they_are, partial(check, type_)
    return frozenset((_NULL,)), partial(_other, type_)


def _text(type_: PostgresType, value: Any, padded: bool) -> None:
    if isinstance(value, _BYTES):
        raise RefusedValueError(
            "is text, and the batch has bytes for it. Decode them in the query or in rows_processor."
        )
    if isinstance(value, (bool, timedelta)):  # which databases and Python write in several ways
        raise unknown(value, "the column")
    if type_.kind == "name":
        _name(value)
        return
    if not isinstance(value, str) or not value.endswith(" "):
        return
    if (
        type_.kind == "bpchar" and not padded and len(value) != type_.length
    ):  # else it reads the same afterwards
        raise RefusedValueError(
            f"would lose which blanks stand at the end of {shown(value)}. Declare it varchar. {CAST}"
        )
    if type_.kind == "varchar" and len(value) > (type_.length or len(value)):
        raise RefusedValueError(f"would lose blanks at the end of {shown(value)}, which is too long. {CAST}")


def _name(value: Any) -> None:
    if not isinstance(value, (str, int)):
        raise unknown(value, "the column")
    if len(str(value).encode(errors="replace")) > _NAME_BYTES:
        raise RefusedValueError(f"would cut {shown(value)} to {_NAME_BYTES} bytes. Declare it text.")


def _bytes(type_: PostgresType, value: Any, padded: bool) -> None:
    if not isinstance(value, _BYTES):
        raise unknown(value, "the column")


def _jsonb(type_: PostgresType, value: Any, padded: bool) -> None:
    if isinstance(value, str):
        with suppress(ValueError):  # not JSON: left to the server
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
    if type_.parts:
        _structured(type_, value)
        return
    if isinstance(value, str) and type_.kind in CHECKS:
        CHECKS[type_.kind](type_, value)
    from_text = type_.family == "e" or type_.kind in FROM_TEXT
    of_its_own = _OF_KINDS.get(type(value), frozenset((type_.kind,)))
    if type(value) in _SELF or type_.kind not in of_its_own or (isinstance(value, str) and not from_text):
        raise unknown(value, "the column")


def _structured(type_: PostgresType, value: Any) -> None:
    """Check each part of an array, a range or a composite value as a value of its own."""
    parts = parts_of(type_, value)
    if parts is None:
        raise unknown(value, "the column")
    for part, one in parts:
        as_they_are, check = _rule(part)
        if type(one) not in as_they_are:
            check(one, False)


_RULES: dict[str, tuple[frozenset[type], Callable[[PostgresType, Any, bool], None]]] = {
    **dict.fromkeys(WHOLE, (frozenset((int, _NULL)), check_whole)),
    "oid": (frozenset((_NULL,)), check_oid),
    "numeric": (frozenset((_NULL,)), check_numeric),
    "float8": (frozenset((float, _NULL)), check_float),
    "float4": (frozenset((_NULL,)), check_float),
    "bool": (frozenset((bool, int, _NULL)), check_bool),
    "date": (frozenset((date, _NULL)), check_date),
    **dict.fromkeys(("timestamp", "timestamptz"), (frozenset((_NULL,)), check_moment)),
    **dict.fromkeys(("time", "timetz"), (frozenset((_NULL,)), check_time)),
    "interval": (frozenset((_NULL,)), check_interval),
    "bytea": (frozenset((bytes, bytearray, memoryview, _NULL)), _bytes),
    **dict.fromkeys(("bit", "varbit"), (frozenset((_NULL,)), check_bits)),
    "money": (frozenset((_NULL,)), check_money),
    "jsonb": (frozenset((_NULL,)), _jsonb),
}
