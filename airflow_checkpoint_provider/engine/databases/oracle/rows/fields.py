"""How each type of Oracle is written as a field of a line, so that COPY of Postgres reads the same value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_checkpoint_provider.engine.databases.rows.lines import QUOTE, LineKind, LineType

_QUOTE = f"CHR({ord(QUOTE)})"
_POINT = "'NLS_NUMERIC_CHARACTERS=''.,'''"
# The shortest text of a number has no exponent up to 64 characters. A number has up to 40 digits, so that those between
# these limits are shorter, with no more decimal places than these.
_SHORT, _SMALLEST, _GREATEST, _PLACES = 64, "1E-20", "1E60", 60
_ANY_SCALE = -127
_DAY = "YYYY-MM-DD"
_MOMENT = f"{_DAY} HH24:MI:SS"
_EARLIEST = "DATE '0001-01-01'"  # a year before it would be written without its sign


@dataclass(frozen=True, slots=True)
class LineColumn:
    """
    A column of the query.

    :param name: as it stands in a statement
    :param type_: the name of its type, as the driver has it
    :param size: bytes of a text, at most; 0 where that is not known
    :param precision: digits of a number; 0 where it may have any
    :param scale: its decimal places
    """

    name: str
    type_: str
    size: int
    precision: int
    scale: int


@dataclass(frozen=True, slots=True)
class Field:
    """
    A column as a field of the line.

    :param text: NULL, for which ``||`` writes nothing, where the column is
    :param most: bytes of it
    :param condition: that a value which is not NULL has an exact field
    :param quoted: it stands between two quotes
    """

    text: str
    most: int
    condition: str = ""
    quoted: bool = False


def line_columns(
    description: Sequence[Sequence[Any]], types: Mapping[str, str], quote: Callable[[str], str]
) -> dict[str, LineColumn]:
    """
    Describe the columns of the query.

    :param description: the cursor's
    :param types: the names of their types
    """
    return {
        name: LineColumn(quote(name), types[name], size or 0, precision or 0, scale or 0)
        for name, _, _, size, precision, scale, _ in map(tuple, description)
    }


def field_of(column: LineColumn, type_: LineType | None) -> Field | None:
    """
    Write a column of the query as a field.

    :param type_: what the column of the destination reads
    :return: ``None`` where no exact field is known
    """
    write = _WRITERS.get(column.type_, {}).get(type_.kind) if type_ else None
    return write(column, type_) if write and type_ else None


_Writer = Callable[[LineColumn, LineType], Field | None]


def _number(column: LineColumn, type_: LineType) -> Field:
    name, places, conditions = column.name, column.scale, []
    most = 2 + max(column.precision, column.scale, column.precision - column.scale)
    if not column.precision or column.scale == _ANY_SCALE or most > _SHORT:
        most, places = _SHORT, _PLACES
        conditions.append(f"({name} = 0 OR ABS({name}) BETWEEN {_SMALLEST} AND {_GREATEST})")
    if type_.most is not None and type_.most < places:
        conditions.append(f"{name} = ROUND({name}, {type_.most})")
    return Field(f"TO_CHAR({name}, 'TM9', {_POINT})", most, " AND ".join(conditions))


def _text(column: LineColumn, type_: LineType) -> Field | None:
    if not column.size:
        return None
    # Looked for in the line: what the server finds in a text depends on collations, in which a quote may be ignored.
    written = f"NVL2({column.name}, {_QUOTE} || {column.name} || {_QUOTE}, NULL)"
    longer = type_.most is not None and type_.most < column.size
    condition = f"LENGTH({column.name}) <= {type_.most}" if longer else ""
    return Field(written, column.size + 2, condition, quoted=True)


def _bytes(column: LineColumn, type_: LineType) -> Field | None:
    if not column.size:
        return None
    written = rf"NVL2({column.name}, '\x' || RAWTOHEX({column.name}), NULL)"
    return Field(written, 2 * column.size + 2)


def _day(column: LineColumn, type_: LineType) -> Field:
    condition = f"{column.name} >= {_EARLIEST} AND {column.name} = TRUNC({column.name})"
    return Field(f"TO_CHAR({column.name}, '{_DAY}')", 10, condition)


def _second(column: LineColumn, type_: LineType) -> Field:
    return Field(f"TO_CHAR({column.name}, '{_MOMENT}')", 19, f"{column.name} >= {_EARLIEST}")


def _moment(column: LineColumn, type_: LineType) -> Field:
    return Field(f"TO_CHAR({column.name}, '{_MOMENT}.FF6')", 26, f"{column.name} >= {_EARLIEST}")


def _instant(column: LineColumn, type_: LineType) -> Field:
    zoned, earliest = column.name, ""
    if column.type_ == "DB_TYPE_TIMESTAMP_LTZ":
        zoned = f"CAST({zoned} AS TIMESTAMP(6) WITH TIME ZONE)"
    else:  # whose year may be another one than in UTC
        earliest = f" AND CAST({zoned} AS TIMESTAMP) >= {_EARLIEST}"
    utc = f"SYS_EXTRACT_UTC({zoned})"
    return Field(f"TO_CHAR({utc}, '{_MOMENT}.FF6\"+00\"')", 29, f"{utc} >= {_EARLIEST}{earliest}")


# By the source's type, the kinds in which every value arrives as on the route of values, or is refused.
_WRITERS: Mapping[str, Mapping[LineKind, _Writer]] = {
    "DB_TYPE_NUMBER": {LineKind.WHOLE: _number, LineKind.NUMBER: _number},
    "DB_TYPE_VARCHAR": {LineKind.TEXT: _text},
    "DB_TYPE_CHAR": {LineKind.TEXT: _text, LineKind.PADDED: _text},
    "DB_TYPE_RAW": {LineKind.BYTES: _bytes},
    "DB_TYPE_DATE": {LineKind.DAY: _day, LineKind.MOMENT: _second},
    "DB_TYPE_TIMESTAMP": {LineKind.MOMENT: _moment},
    "DB_TYPE_TIMESTAMP_TZ": {LineKind.INSTANT: _instant},
    "DB_TYPE_TIMESTAMP_LTZ": {LineKind.INSTANT: _instant},
}
