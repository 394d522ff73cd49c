"""Values of two databases in one form: equal text where a column of the destination keeps both for the same."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.values import to_duration, to_moment

_TRUE = frozenset(("t", "true", "1", "y", "yes", "on"))
_FALSE = frozenset(("f", "false", "0", "n", "no", "off"))
_BITS = {"REAL": 32, "FLOAT": 32, "BINARY_FLOAT": 32, "BINARY_DOUBLE": 64}
_REWRITTEN = frozenset(("XMLTYPE", "INTERVAL_YM"))
_WIDE = Context(prec=2_000)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(2000, 1, 1)  # of Postgres, which rounds away from it


@dataclass(frozen=True, slots=True)
class Kept:
    """
    What a column of the destination keeps of a value.

    :param bits: 32 or 64 for a column of floats
    :param scale: digits behind the point
    :param second_digits: of a moment
    :param rewrites: text that goes in is not the text that comes out, such as in a range
    :param short: floats are text there, with fifteen digits
    """

    dialect: str
    padded: bool = False
    zeros: bool = False
    json: bool = False
    bits: int = 0
    scale: int | None = None
    second_digits: int | None = None
    rewrites: bool = False
    short: bool = False

    @classmethod
    def of(cls, dialect: str, type_: Any) -> Kept:
        """Take it from the catalog's type, which in Oracle is the driver's description of the column."""
        if dialect == "oracle":
            name, type_ = type_[1].name.removeprefix("DB_TYPE_"), None
        else:
            name = str(type_.__visit_name__).upper()
        bits = _BITS.get(name, 64 if isinstance(type_, sa.Float) else 0)
        if dialect == "sqlite":
            return cls(dialect, bits=64 if bits else 0)
        return cls(
            dialect,
            padded=name in ("CHAR", "NCHAR"),
            zeros=name == "BINARY",
            json=name == "JSON" or isinstance(type_, sa.JSON),
            bits=bits,
            scale=type_.scale if isinstance(type_, sa.Numeric) and not bits else None,
            second_digits=getattr(type_, "precision", None) if name in ("TIMESTAMP", "TIME") else None,
            rewrites=name in _REWRITTEN
            or (dialect == "postgresql" and not isinstance(type_, (sa.String, sa.JSON))),
        )

    @property
    def changes(self) -> bool:
        """Tell whether a value may be another one afterwards."""
        return bool(self.bits == 32 or self.scale is not None or self.second_digits is not None)


def _text(kept: Kept, value: Any) -> str | None:
    text = str(value).rstrip(" ") if kept.padded else str(value)
    return None if not text and kept.dialect == "oracle" else text


def _bytes(kept: Kept, value: Any) -> str | None:
    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)
    if kept.zeros:
        data = data.rstrip(b"\0")
    return None if not data and kept.dialect == "oracle" else data.hex()


def _number(kept: Kept, value: Any) -> str:
    if type(value) is int and not kept.bits:
        return str(value)
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, TypeError, ValueError):
        return str(value)  # text in a column of SQLite, which takes anything
    if number.is_finite():
        if kept.bits:
            number = _as_float(number, kept.bits)
        elif kept.short:
            number = Decimal(f"{number:.15g}")
        elif kept.scale is not None:
            number = number.quantize(Decimal(1).scaleb(-kept.scale), ROUND_HALF_UP, _WIDE)
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


def _json(kept: Kept, value: Any) -> str:
    def number(text: str) -> str:
        exact = Decimal(text)
        whole = exact == exact.to_integral_value() and abs(exact) < 2**63
        # A character that no JSON text can hold unescaped, so that 1 and "1" differ.
        return f"\0{_plain(exact if whole or kept.dialect != 'mysql' else _as_float(exact, 64))}"

    try:
        parsed = json.loads(value, parse_float=number, parse_int=number, parse_constant=number)
    except (ValueError, ArithmeticError, TypeError):
        return str(value)
    return json.dumps(parsed, sort_keys=True, ensure_ascii=False)


def _boolean(kept: Kept, value: Any) -> str:
    text = str(value).lower()
    return "true" if text in _TRUE else "false" if text in _FALSE else str(value)


def _moment(kept: Kept, value: Any) -> str:
    try:
        moment = to_moment(value)
    except ValueError:
        return str(value)
    if moment.tzinfo:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    if kept.second_digits is not None and kept.second_digits < 6:
        unit = 10 ** (6 - kept.second_digits)
        since = (moment - _EPOCH) // _MICROSECOND
        whole = (abs(since) + unit // 2) // unit * unit
        moment = _EPOCH + (whole if since >= 0 else -whole) * _MICROSECOND
    return moment.isoformat(" ", "microseconds")


def _day(kept: Kept, value: Any) -> str:
    return str(value)[:10]


def _time(kept: Kept, value: Any) -> str:
    if isinstance(value, str):
        with suppress(ValueError):
            value = time.fromisoformat(value)
    return str(value)


def _span(kept: Kept, value: Any) -> str:
    try:
        # Python has a comma behind the days.
        span = to_duration(value if isinstance(value, timedelta) else str(value).replace(",", "", 1))
    except ValueError:
        return str(value)
    return f"{span // _MICROSECOND} us"


def _uuid(kept: Kept, value: Any) -> str:
    with suppress(ValueError):
        return str(UUID(str(value)))
    return str(value)


FORMS: dict[str, Callable[[Kept, Any], str | None]] = {
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
"""By the kind of the values: how one is written."""
