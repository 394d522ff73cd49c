"""Values as literals of SQL, many at a time, each as mysqlclient writes it by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

_NULL = b"NULL"
_NONE = type(None)
_BETWEEN = "\x1f"
"""Stands between texts that are escaped together; it is not escaped itself."""


def tuples_of(raw: Any, rows: Sequence[Sequence[Any]]) -> bytes:
    """
    Write rows as tuples, with a comma between them.

    :param raw: a connection of mysqlclient, whose character set is UTF-8
    """
    columns = [_literals(raw, values) for values in zip(*rows, strict=True)]
    return b"".join((b"(", b"),(".join(map(b",".join, zip(*columns, strict=True))), b")"))


def _literals(raw: Any, values: Sequence[Any]) -> Iterable[bytes]:
    kinds = set(map(type, values))
    if _NONE not in kinds:
        return _of_one_type(raw, values, kinds)
    written = iter(_of_one_type(raw, [value for value in values if value is not None], kinds - {_NONE}))
    return [_NULL if value is None else next(written) for value in values]


def _of_one_type(raw: Any, values: Sequence[Any], kinds: set[type]) -> Iterable[bytes]:
    if kinds == {str}:
        return _texts(raw, values)
    if kinds == {int}:
        return " ".join(map(str, values)).encode().split()
    if kinds == {float}:
        return _floats(raw, values)
    if kinds == {Decimal}:
        return " ".join([format(value, "f") for value in values]).encode().split()
    if kinds == {date} or (kinds == {datetime} and not any(value.tzinfo for value in values)):
        return _texts(raw, list(map(str, values)))
    return map(raw.literal, values)


def _texts(raw: Any, values: Sequence[str]) -> Iterable[bytes]:
    joined = _BETWEEN.join(values)
    if joined.count(_BETWEEN) != len(values) - 1:
        return map(raw.literal, values)
    try:
        encoded = joined.encode()
    except UnicodeEncodeError:  # which the driver raises for the one value
        return map(raw.literal, values)
    between = _BETWEEN.encode()
    escaped: bytes = raw.escape_string(encoded).replace(between, b"'" + between + b"'")
    return b"".join((b"'", escaped, b"'")).split(between)


def _floats(raw: Any, values: Sequence[float]) -> Iterable[bytes]:
    texts = " ".join(map(repr, values))
    if "n" in texts:  # inf and nan, which the driver refuses
        return map(raw.literal, values)
    return [text if b"e" in text else text + b"e0" for text in texts.encode().split()]
