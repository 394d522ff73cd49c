"""How each type of Oracle is read and compared with a key, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from airflow_checkpoint_provider.engine.databases.oracle.driver import (
    BOUND_MOMENT,
    READ_IN_UTC,
    READ_MOMENT,
    SECOND_DIGITS,
)
from airflow_checkpoint_provider.engine.databases.values.written_types import WrittenKind, WrittenType

ZONED = frozenset(("DB_TYPE_TIMESTAMP_TZ", "DB_TYPE_TIMESTAMP_LTZ"))

# Read as text that the server writes, where the driver's Python value would have lost something.
AS_TEXT = {
    # The driver drops the zone.
    # An offset may have seconds, as local mean times do, and TZH:TZM has none: then the time is written in UTC.
    "DB_TYPE_TIMESTAMP_TZ": (
        "CASE WHEN EXTRACT(SECOND FROM (CAST({0} AS TIMESTAMP) - SYS_EXTRACT_UTC({0}))) <> 0 "
        f"THEN TO_CHAR(SYS_EXTRACT_UTC({{0}}), '{READ_IN_UTC}') ELSE TO_CHAR({{0}}, '{READ_MOMENT}') END"
    ),
    "DB_TYPE_TIMESTAMP_LTZ": (
        f"TO_CHAR(SYS_EXTRACT_UTC(CAST({{}} AS TIMESTAMP(6) WITH TIME ZONE)), '{READ_IN_UTC}')"
    ),
    "DB_TYPE_INTERVAL_YM": "TO_CHAR({})",
    "DB_TYPE_JSON": "JSON_SERIALIZE({} RETURNING CLOB)",
    "DB_TYPE_XMLTYPE": "XMLSERIALIZE(CONTENT {} AS CLOB)",
}
# Of the types read as text, those that are not text.
WRITTEN = {
    "DB_TYPE_INTERVAL_YM": WrittenType("INTERVAL YEAR TO MONTH", WrittenKind.SPAN),
    "DB_TYPE_JSON": WrittenType("JSON", WrittenKind.JSON),
    "DB_TYPE_XMLTYPE": WrittenType("XMLTYPE", WrittenKind.XML),
}
# A bind variable is compared as the column's type: no conversion, so that an index is used, and nothing is rounded.
TYPED = {
    "DB_TYPE_TIMESTAMP_TZ": f"TO_TIMESTAMP_TZ({{}}, '{BOUND_MOMENT}')",
    "DB_TYPE_TIMESTAMP_LTZ": (
        f"CAST(TO_TIMESTAMP_TZ({{}}, '{BOUND_MOMENT}') AS TIMESTAMP(6) WITH LOCAL TIME ZONE)"
    ),
    "DB_TYPE_INTERVAL_YM": "TO_YMINTERVAL({})",
    "DB_TYPE_ROWID": "CHARTOROWID({})",
}
BOUND = frozenset(
    (
        *("DB_TYPE_DATE", "DB_TYPE_TIMESTAMP", "DB_TYPE_BINARY_FLOAT", "DB_TYPE_BINARY_DOUBLE"),
        *("DB_TYPE_CHAR", "DB_TYPE_NCHAR", "DB_TYPE_NVARCHAR"),
    )
)
# LOBs come as whole values and not as locators.
WHOLE = {
    "DB_TYPE_CLOB": "DB_TYPE_LONG",
    "DB_TYPE_NCLOB": "DB_TYPE_LONG_NVARCHAR",
    "DB_TYPE_BLOB": "DB_TYPE_LONG_RAW",
}
UNSORTED = frozenset((*WHOLE, "DB_TYPE_LONG", "DB_TYPE_LONG_RAW", "DB_TYPE_JSON", "DB_TYPE_XMLTYPE"))
REFUSED = {
    "DB_TYPE_BFILE": "the file is not in the database; leave the column out",
    "DB_TYPE_CURSOR": "a cursor is not a value; leave the column out",
    "DB_TYPE_OBJECT": "select its attributes, as in t.{}.attribute",
    "DB_TYPE_VECTOR": "select VECTOR_SERIALIZE({} RETURNING CLOB)",
}


_LARGE = frozenset((*UNSORTED, "DB_TYPE_VECTOR"))
_FEW = 50  # rows, of which each may be large
_MOST = 5_000
_BYTES = 2 * 1024 * 1024
_FIXED_BYTES = 22  # of a number, at most; times have fewer
_SHORT_TEXT = 100  # characters, as most texts of long columns are
_CHARACTER_BYTES = 4


def rows_at_once(columns: Sequence[tuple[str, int]], *, buffers: bool) -> int:
    """
    Return how many rows the driver is to fetch in one round trip: few where values are large, many of narrow rows.

    :param columns: type and size of each, as the driver describes them
    :param buffers: the driver allocates buffers for values of the full size, as its thick mode does
    """
    if any(type_ in _LARGE for type_, _ in columns):
        return _FEW
    texts = [size if buffers else min(size, _SHORT_TEXT) for _, size in columns]
    width = sum(_CHARACTER_BYTES * size or _FIXED_BYTES for size in texts)
    return max(_FEW, min(_MOST, _BYTES // max(width, 1)))


def moment(text: str) -> datetime:
    """Read a time with its offset, as :data:`AS_TEXT` has the server write it."""
    return datetime.fromisoformat(text.strip())


def plain(type_: str) -> str:
    """Name a type for messages."""
    return f"of type {type_.removeprefix('DB_TYPE_')}"


def cast(name: str, type_: str) -> str:
    """Write the cast to as many digits of a second as Python holds."""
    if type_ == "DB_TYPE_INTERVAL_DS":
        return f"CAST({name} AS INTERVAL DAY(9) TO SECOND({SECOND_DIGITS}))"
    zone = {"DB_TYPE_TIMESTAMP_TZ": " WITH TIME ZONE", "DB_TYPE_TIMESTAMP_LTZ": " WITH LOCAL TIME ZONE"}
    return f"CAST({name} AS TIMESTAMP({SECOND_DIGITS}){zone.get(type_, '')})"
