"""Values of two databases in one form: equal text where a column of the destination keeps both for the same."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import sqlalchemy as sa

Form = Callable[[Any], str | None]

_KINDS: dict[type, str] = {
    bool: "boolean",
    int: "number",
    float: "number",
    Decimal: "number",
    str: "text",
    UUID: "uuid",
    bytes: "bytes",
    bytearray: "bytes",
    memoryview: "bytes",
    datetime: "moment",
    date: "day",
    time: "time",
    timedelta: "span",
}
_TRUE, _FALSE = (
    frozenset(("t", "true", "1", "y", "yes", "on")),
    frozenset(("f", "false", "0", "n", "no", "off")),
)
_SPAN = re.compile(r"(?:(-?\d+) days?,? ?)?(?:([+-]?)(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?")
_REWRITTEN = frozenset(("XMLTYPE", "INTERVAL_YM"))
_WIDE = Context(prec=2_000)


@dataclass(frozen=True, slots=True)
class Kept:
    """
    What a column of the destination keeps of a value.

    :param bits: 32 or 64 for a column of floats
    :param scale: digits behind the point
    :param second_digits: of a moment
    :param rewrites: text that goes in is not the text that comes out, such as in a range
    """

    dialect: str
    padded: bool = False
    zeros: bool = False
    json: bool = False
    bits: int = 0
    scale: int | None = None
    second_digits: int | None = None
    rewrites: bool = False

    @classmethod
    def of(cls, dialect: str, type_: Any) -> Kept:
        """Take it from the catalog's type, which in Oracle is the driver's description of the column."""
        if dialect == "oracle":
            name = type_[1].name.removeprefix("DB_TYPE_")
            bits = {"BINARY_FLOAT": 32, "BINARY_DOUBLE": 64}.get(name, 0)
            return cls(
                dialect,
                padded=name in ("CHAR", "NCHAR"),
                json=name == "JSON",
                bits=bits,
                rewrites=name in _REWRITTEN,
            )
        is_float = isinstance(type_, sa.Float)
        if dialect == "sqlite":
            return cls(dialect, bits=64 if is_float else 0)
        name = str(type_.__visit_name__).upper()
        return cls(
            dialect,
            padded=name in ("CHAR", "NCHAR"),
            zeros=name == "BINARY",
            json=isinstance(type_, sa.JSON),
            bits=(32 if name in ("REAL", "FLOAT") else 64) if is_float else 0,
            scale=type_.scale if isinstance(type_, sa.Numeric) and not is_float else None,
            rewrites=dialect == "postgresql" and not isinstance(type_, (sa.String, sa.JSON)),
            second_digits=getattr(type_, "precision", None) if name in ("TIMESTAMP", "TIME") else None,
        )

    @property
    def changes(self) -> bool:
        """Tell whether a value may be another one afterwards."""
        return bool(self.bits == 32 or self.scale is not None or self.second_digits is not None)


def kind_of(value: Any) -> str | None:
    """Name what a value is; ``None`` for NULL."""
    return None if value is None else _KINDS.get(type(value), type(value).__name__)


def form_of(read: Any, written: Any, kept: Kept) -> Form | str:
    """
    Choose the form in which both sides of a column are compared.

    :param read: a value of the source; ``None`` if it has none
    :param written: a value of the destination
    :return: the form, or why the column cannot be judged
    """
    kinds = {kind for kind in (kind_of(read), kind_of(written)) if kind}
    kind = _common(kinds, kind_of(written) or "")
    if kind is None or (kinds == {"bytes", "text"} and kept.dialect == "postgresql"):
        return f"{' and '.join(sorted(kinds))} have no common form"
    if kept.rewrites and kinds == {"text"}:
        return "the destination writes it in a form of its own"
    if _zones_differ(read, written) and kept.dialect != "mysql":
        return "a time zone is on one side only, and what it means there is the session's matter"
    if kind in ("time", "span") and kept.second_digits is not None:
        return f"the column rounds to {kept.second_digits} digits of a second"
    if kept.json and kinds <= {"text"}:
        return lambda value: _json(value, as_floats=kept.dialect == "mysql")
    if kind == "number":
        short = kept.dialect == "sqlite" and {type(read), type(written)} == {float, str}
        return lambda value: _number(value, kept, short)
    forms: dict[str, Form] = {
        "text": lambda value: _text(value, kept),
        "bytes": lambda value: _bytes(value, kept),
        "moment": lambda value: _moment(value, kept.second_digits),
        "boolean": _boolean,
        "day": _day,
        "time": _time,
        "span": _span,
        "uuid": _uuid,
    }
    return forms[kind]


def _common(kinds: set[str], written: str) -> str | None:
    """Return the kind as which values of two kinds can be compared."""
    if not kinds <= set(_KINDS.values()):
        return None
    if len(kinds) == 2:
        kinds = kinds - {"text"}
    if kinds == {"moment", "day"}:
        return written
    if kinds == {"number", "boolean"}:
        return "number"
    if kinds == {"time", "span"}:
        return "span"
    return next(iter(kinds), "text") if len(kinds) < 2 else None


def _zones_differ(one: Any, other: Any) -> bool:
    both = isinstance(one, datetime) and isinstance(other, datetime)
    return both and (one.tzinfo is None) != (other.tzinfo is None)


def _text(value: Any, kept: Kept) -> str | None:
    text = value if isinstance(value, str) else str(value)
    if kept.padded:
        text = text.rstrip(" ")
    return None if not text and kept.dialect == "oracle" else text


def _bytes(value: Any, kept: Kept) -> str | None:
    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)
    if kept.zeros:
        data = data.rstrip(b"\0")
    return None if not data and kept.dialect == "oracle" else data.hex()


def _number(value: Any, kept: Kept, short: bool = False) -> str:
    if type(value) is int and not kept.bits:
        return str(value)
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, TypeError, ValueError):
        return str(value)  # text in a column of SQLite, which takes anything
    if number.is_finite():
        if kept.bits:
            number = _as_float(number, kept.bits)
        elif short:
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


def _json(value: Any, *, as_floats: bool) -> str:
    def number(text: str) -> str:
        exact = Decimal(text)
        whole = exact == exact.to_integral_value() and abs(exact) < 2**63
        # A character that no JSON text can hold unescaped, so that 1 and "1" differ.
        return f"\0{_plain(_as_float(exact, 64) if as_floats and not whole else exact)}"

    try:
        parsed = json.loads(value, parse_float=number, parse_int=number, parse_constant=number)
    except (ValueError, ArithmeticError, TypeError):
        return str(value)
    return json.dumps(parsed, sort_keys=True, ensure_ascii=False)


def _boolean(value: Any) -> str:
    text = str(value).lower()
    return "true" if text in _TRUE else "false" if text in _FALSE else str(value)


def _moment(value: Any, digits: int | None) -> str:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return str(value)
    if not isinstance(value, datetime):
        return str(value) if not isinstance(value, date) else f"{value.isoformat()} 00:00:00.000000"
    if value.tzinfo:
        value = value.astimezone(UTC).replace(tzinfo=None)
    if digits is not None and digits < 6:
        unit = 10 ** (6 - digits)
        since = (value - datetime(2000, 1, 1)) // timedelta(microseconds=1)
        whole = (abs(since) + unit // 2) // unit * unit  # as Postgres rounds, away from its epoch
        value = datetime(2000, 1, 1) + timedelta(microseconds=whole if since >= 0 else -whole)
    return str(value.isoformat(" ", "microseconds"))


def _day(value: Any) -> str:
    return str(value)[:10]


def _time(value: Any) -> str:
    if isinstance(value, str):
        with suppress(ValueError):
            value = time.fromisoformat(value)
    return value.isoformat() if isinstance(value, time) else str(value)


def _span(value: Any) -> str:
    if isinstance(value, time):
        value = value.isoformat()
    if isinstance(value, str):
        found = _SPAN.fullmatch(value)
        if not found or not value:
            return value
        days, sign, hours, minutes, seconds, fraction = found.groups(default="0")
        clock = timedelta(
            hours=int(hours),
            minutes=int(minutes),
            seconds=int(seconds),
            microseconds=int(fraction.ljust(6, "0")),
        )
        value = timedelta(days=int(days)) + (-clock if sign == "-" else clock)
    return f"{value // timedelta(microseconds=1)} us" if isinstance(value, timedelta) else str(value)


def _uuid(value: Any) -> str:
    with suppress(ValueError):
        return str(UUID(str(value)))
    return str(value)
