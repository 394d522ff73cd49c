"""How the columns of a table in Oracle are written: by which bind type and conversion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from airflow_checkpoint_provider.engine.databases.oracle.driver import BOUND_MOMENT, SECOND_DIGITS
from airflow_checkpoint_provider.engine.databases.oracle.values.kept_values import (
    to_boolean,
    to_bytes,
    to_date,
    to_float,
    to_json,
    to_number,
    to_single,
    to_text,
    to_with_zone,
    to_without_zone,
    to_year_month,
)
from airflow_checkpoint_provider.engine.databases.values.text_forms import places, to_duration, to_moment
from airflow_checkpoint_provider.engine.databases.values.written_types import WrittenKind


@dataclass(frozen=True)
class Column:
    """
    How values are bound for a type.

    :param in_insert: the driver's type in an INSERT; LONG is how LOBs of any size go without a locator
    :param in_merge: the same in a MERGE, where Oracle takes no LONG
    :param size: most characters, or bytes, of a value; 0 for types of a fixed size, and for those without a limit
    :param convert: turns a value into one that the driver takes; a ``ValueError`` names what is wrong with it
    :param as_they_are: Python types that need no conversion
    :param form: the SQL around the placeholder
    :param pads: the column fills up text with blanks
    """

    in_insert: str
    in_merge: str
    convert: Callable[[Any], Any]
    as_they_are: frozenset[Any]
    form: str = "{}"
    size: int = 0
    pads: bool = False


def column_of(described: Any) -> Column | None:
    """
    Return how a column is written; ``None`` where it cannot be.

    Oracle itself rounds a value with more decimal places, or of a second, than its column has.

    :param described: the column in the driver's ``cursor.description``
    """
    name, precision, scale = described[1].name, described[4], described[5] or 0
    column = _COLUMNS.get(name)
    if column is None:
        return None
    if name in _SIZED:
        column = replace(column, size=described[2] or 0)
    if name == "DB_TYPE_NUMBER" and (precision or scale) and scale >= 0:
        return replace(column, convert=_without_rounding(scale), as_they_are=_NUMBERS)
    if name in ("DB_TYPE_CHAR", "DB_TYPE_NCHAR"):
        return replace(column, convert=_padded_to(described[2]), as_they_are=_NULLS, pads=True)
    if name.startswith(_FRACTIONS) and scale < SECOND_DIGITS:
        return replace(column, convert=_no_finer(column.convert, scale), as_they_are=_NULLS)
    return column


def reads(type_: str, kind: WrittenKind) -> bool:
    """Return whether a column reads another server's text of a value as that value."""
    return type_ in _TEXTS or _READ.get(type_) is kind


def in_character_set(column: Column, codec: str) -> Column:
    """Refuse text with a character that the database lacks, and would replace by a question mark."""
    if column.in_merge not in _IN_CHARACTER_SET or not column.as_they_are <= _STR:
        return column

    def convert(value: Any) -> Any:
        text = column.convert(value)
        try:
            text.encode(codec)
        except UnicodeError:
            raise ValueError(
                f"has a character that the character set of the database ({codec}) lacks"
            ) from None
        return text

    return replace(column, convert=convert, as_they_are=_NULLS)


def _without_rounding(scale: int) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        number = to_number(value)
        # The repr of a float is the shortest number that reads the same.
        if places(Decimal(repr(number) if isinstance(number, float) else number)) > scale:
            raise ValueError(f"would be rounded to {scale} decimal places")
        return number

    return convert


def _padded_to(length: int | None) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        text = to_text(value)
        if text.endswith(" ") and len(text) != length:  # else it reads the same afterwards
            raise ValueError("would lose which blanks at the end are its own, as the column is padded")
        return text

    return convert


def _no_finer(convert: Callable[[Any], Any], digits: int) -> Callable[[Any], Any]:
    unit: int = 10 ** (SECOND_DIGITS - digits)
    fraction = _fraction_of_span if convert is to_duration else _fraction_of_moment

    def checked(value: Any) -> Any:
        if fraction(value) % unit:
            raise ValueError(f"has a fraction of a second with more digits than the {digits} of the column")
        return convert(value)

    return checked


def _fraction_of_span(value: Any) -> int:
    return to_duration(value).microseconds


def _fraction_of_moment(value: Any) -> int:
    return to_moment(value).microsecond


_NULL = type(None)
_SIZED = frozenset(("DB_TYPE_VARCHAR", "DB_TYPE_CHAR", "DB_TYPE_NVARCHAR", "DB_TYPE_NCHAR", "DB_TYPE_RAW"))
_TEXTS = frozenset(
    (
        "DB_TYPE_VARCHAR",
        "DB_TYPE_CHAR",
        "DB_TYPE_NVARCHAR",
        "DB_TYPE_NCHAR",
        "DB_TYPE_LONG",
        "DB_TYPE_CLOB",
        "DB_TYPE_NCLOB",
    )
)
_READ = {
    "DB_TYPE_JSON": WrittenKind.JSON,
    "DB_TYPE_XMLTYPE": WrittenKind.XML,
    "DB_TYPE_INTERVAL_DS": WrittenKind.SPAN,
    "DB_TYPE_INTERVAL_YM": WrittenKind.SPAN,
}
_LONGEST_MOMENT = 40  # characters, as is an interval
_LONGEST_ROWID = 4_000
_FRACTIONS = ("DB_TYPE_TIMESTAMP", "DB_TYPE_INTERVAL_DS")
_NULLS = frozenset((_NULL,))
_STR = frozenset((str, _NULL))
_RAW = frozenset((bytes, _NULL))
_NUMBERS = frozenset((int, _NULL))
_IN_CHARACTER_SET = frozenset(("DB_TYPE_VARCHAR", "DB_TYPE_CHAR", "DB_TYPE_LONG", "DB_TYPE_CLOB"))
_ZONED = f"TO_TIMESTAMP_TZ({{}}, '{BOUND_MOMENT}')"


def _same(name: str, convert: Callable[[Any], Any], as_they_are: frozenset[Any]) -> Column:
    return Column(name, name, convert, as_they_are)


def _text(form: str, convert: Callable[[Any], Any], as_they_are: frozenset[Any], size: int) -> Column:
    return Column("DB_TYPE_VARCHAR", "DB_TYPE_VARCHAR", convert, as_they_are, form, size)


_COLUMNS = {
    "DB_TYPE_NUMBER": _same("DB_TYPE_NUMBER", to_number, _NUMBERS),
    "DB_TYPE_BINARY_DOUBLE": _same("DB_TYPE_BINARY_DOUBLE", to_float, frozenset((float, _NULL))),
    "DB_TYPE_BINARY_FLOAT": _same("DB_TYPE_BINARY_DOUBLE", to_single, _NULLS),
    "DB_TYPE_VARCHAR": _same("DB_TYPE_VARCHAR", to_text, _STR),
    "DB_TYPE_CHAR": _same("DB_TYPE_CHAR", to_text, _NULLS),
    "DB_TYPE_NVARCHAR": _same("DB_TYPE_NVARCHAR", to_text, _STR),
    "DB_TYPE_NCHAR": _same("DB_TYPE_NCHAR", to_text, _NULLS),
    "DB_TYPE_ROWID": _text("{}", to_text, _STR, _LONGEST_ROWID),
    "DB_TYPE_UROWID": _text("{}", to_text, _STR, _LONGEST_ROWID),
    "DB_TYPE_LONG": Column("DB_TYPE_LONG", "DB_TYPE_VARCHAR", to_text, _STR),
    "DB_TYPE_CLOB": Column("DB_TYPE_LONG", "DB_TYPE_CLOB", to_text, _STR),
    "DB_TYPE_NCLOB": Column("DB_TYPE_LONG_NVARCHAR", "DB_TYPE_NCLOB", to_text, _STR),
    "DB_TYPE_JSON": Column("DB_TYPE_CLOB", "DB_TYPE_CLOB", to_json, _STR, "JSON({})"),
    # The server does not convert a LOB to XML by itself; XMLTYPE() would refuse a NULL.
    "DB_TYPE_XMLTYPE": Column("DB_TYPE_CLOB", "DB_TYPE_CLOB", to_text, _STR, "XMLPARSE(DOCUMENT {})"),
    "DB_TYPE_RAW": _same("DB_TYPE_RAW", to_bytes, _RAW),
    "DB_TYPE_LONG_RAW": Column("DB_TYPE_LONG_RAW", "DB_TYPE_RAW", to_bytes, _RAW),
    "DB_TYPE_BLOB": Column("DB_TYPE_LONG_RAW", "DB_TYPE_BLOB", to_bytes, _RAW),
    "DB_TYPE_DATE": _same("DB_TYPE_DATE", to_date, _NULLS),
    "DB_TYPE_TIMESTAMP": _same("DB_TYPE_TIMESTAMP", to_without_zone, _NULLS),
    "DB_TYPE_TIMESTAMP_TZ": _text(_ZONED, to_with_zone, _NULLS, _LONGEST_MOMENT),
    "DB_TYPE_TIMESTAMP_LTZ": _text(_ZONED, to_with_zone, _NULLS, _LONGEST_MOMENT),
    "DB_TYPE_INTERVAL_DS": _same("DB_TYPE_INTERVAL_DS", to_duration, frozenset((timedelta, _NULL))),
    "DB_TYPE_INTERVAL_YM": _text("TO_YMINTERVAL({})", to_year_month, _NULLS, _LONGEST_MOMENT),
    "DB_TYPE_BOOLEAN": _same("DB_TYPE_BOOLEAN", to_boolean, frozenset((bool, _NULL))),
}
