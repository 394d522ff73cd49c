"""Values of two databases in one form: equal text where a column of the destination stores both as the same."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from airflow_checkpoint_provider.engine.databases.values.stored_type import StoredType
from airflow_checkpoint_provider.engine.databases.values.text_forms import to_duration, to_moment

_TRUE = frozenset(("t", "true", "1", "y", "yes", "on"))
_FALSE = frozenset(("f", "false", "0", "n", "no", "off"))
_WIDE = Context(prec=2_000)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(2000, 1, 1)  # of Postgres, which rounds away from it


def _text(stored: StoredType, value: Any) -> str | None:
    text = str(value).rstrip(" ") if stored.padded else str(value)
    return None if not text and stored.empty_is_null else text


def _bytes(stored: StoredType, value: Any) -> str | None:
    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)
    if stored.zeros:
        data = data.rstrip(b"\0")
    return None if not data and stored.empty_is_null else data.hex()


def _number(stored: StoredType, value: Any) -> str:
    if type(value) is int and not stored.bits:
        return str(value)
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, TypeError, ValueError):
        return str(value)  # text in a column of SQLite, which takes anything
    if number.is_finite():
        if stored.bits:
            number = _as_float(number, stored.bits)
        elif stored.floats_as_text:
            number = Decimal(f"{number:.15g}")
        elif stored.scale is not None:
            number = number.quantize(Decimal(1).scaleb(-stored.scale), ROUND_HALF_UP, _WIDE)
    return _plain(number)


def _as_float(number: Decimal, bits: int) -> Decimal:
    value = float(number)
    if bits == 32:
        with suppress(OverflowError):
            value = struct.unpack("f", struct.pack("f", value))[0]
    return Decimal(repr(value))


def _plain(number: Decimal) -> str:
    if not number.is_finite():
        return str(number.copy_abs() if number.is_nan() else number)
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _json(stored: StoredType, value: Any) -> str:
    def number(text: str) -> str:
        exact = Decimal(text)
        whole = exact == exact.to_integral_value() and abs(exact) < 2**63
        # A character that no JSON text can hold unescaped, so that 1 and "1" differ.
        return f"\0{_plain(exact if whole or not stored.json_doubles else _as_float(exact, 64))}"

    try:
        parsed = json.loads(value, parse_float=number, parse_int=number, parse_constant=number)
    except (ValueError, ArithmeticError, TypeError):
        return str(value)
    return json.dumps(parsed, sort_keys=True, ensure_ascii=False)


def _boolean(stored: StoredType, value: Any) -> str:
    text = str(value).lower()
    return "true" if text in _TRUE else "false" if text in _FALSE else str(value)


def _moment(stored: StoredType, value: Any) -> str:
    try:
        moment = to_moment(value)
    except ValueError:
        return str(value)
    if moment.tzinfo:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    if stored.second_digits is not None and stored.second_digits < 6:
        unit = 10 ** (6 - stored.second_digits)
        since = (moment - _EPOCH) // _MICROSECOND
        whole = (abs(since) + unit // 2) // unit * unit
        moment = _EPOCH + (whole if since >= 0 else -whole) * _MICROSECOND
    return moment.isoformat(" ", "microseconds")


def _day(stored: StoredType, value: Any) -> str:
    return str(value)[:10]


def _time(stored: StoredType, value: Any) -> str:
    if isinstance(value, str):
        with suppress(ValueError):
            value = time.fromisoformat(value)
    return str(value)


def _span(stored: StoredType, value: Any) -> str:
    try:
        # Python writes a comma behind the days.
        span = to_duration(value if isinstance(value, timedelta) else str(value).replace(",", "", 1))
    except ValueError:
        return str(value)
    return f"{span // _MICROSECOND} us"


def _uuid(stored: StoredType, value: Any) -> str:
    with suppress(ValueError):
        return str(UUID(str(value)))
    return str(value)


FORMS: dict[str, Callable[[StoredType, Any], str | None]] = {
    "text": _text,
    "bytes": _bytes,
    "number": _number,
    "json": _json,
    "boolean": _boolean,
    "moment": _moment,
    "day": _day,
    "time": _time,
    "span": _span,
    "uuid": _uuid,
}
"""The function that writes a value, by the kind of the values."""
