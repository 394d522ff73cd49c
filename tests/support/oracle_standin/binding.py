"""Bind variables: their types, set or derived from the first values, and their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

import oracledb
from oracledb import DbType

from tests.support.oracle_standin.errors import dpy, ora

_TEXT = frozenset(
    (
        *(oracledb.DB_TYPE_VARCHAR, oracledb.DB_TYPE_CHAR, oracledb.DB_TYPE_NVARCHAR, oracledb.DB_TYPE_NCHAR),
        *(
            oracledb.DB_TYPE_LONG,
            oracledb.DB_TYPE_LONG_NVARCHAR,
            oracledb.DB_TYPE_CLOB,
            oracledb.DB_TYPE_NCLOB,
        ),
        *(oracledb.DB_TYPE_ROWID, oracledb.DB_TYPE_UROWID),
    )
)
_BYTES = frozenset((oracledb.DB_TYPE_RAW, oracledb.DB_TYPE_LONG_RAW, oracledb.DB_TYPE_BLOB))
_FLOATS = frozenset((oracledb.DB_TYPE_BINARY_DOUBLE, oracledb.DB_TYPE_BINARY_FLOAT))
_MOMENTS = frozenset(
    (
        *(oracledb.DB_TYPE_DATE, oracledb.DB_TYPE_TIMESTAMP),
        *(oracledb.DB_TYPE_TIMESTAMP_TZ, oracledb.DB_TYPE_TIMESTAMP_LTZ),
    )
)
_OF_PYTHON: list[tuple[type, DbType]] = [
    (bool, oracledb.DB_TYPE_BOOLEAN),
    (int, oracledb.DB_TYPE_NUMBER),
    (float, oracledb.DB_TYPE_NUMBER),
    (Decimal, oracledb.DB_TYPE_NUMBER),
    (str, oracledb.DB_TYPE_VARCHAR),
    (bytes, oracledb.DB_TYPE_RAW),
    (datetime, oracledb.DB_TYPE_TIMESTAMP),
    (date, oracledb.DB_TYPE_DATE),
    (timedelta, oracledb.DB_TYPE_INTERVAL_DS),
    (oracledb.IntervalYM, oracledb.DB_TYPE_INTERVAL_YM),
]
POSTGRES = {
    oracledb.DB_TYPE_NUMBER: "numeric",
    oracledb.DB_TYPE_BINARY_DOUBLE: "float8",
    oracledb.DB_TYPE_BINARY_FLOAT: "float4",
    oracledb.DB_TYPE_CHAR: "bpchar",
    oracledb.DB_TYPE_NCHAR: "bpchar",
    oracledb.DB_TYPE_DATE: "timestamp(0)",
    oracledb.DB_TYPE_TIMESTAMP: "timestamp",
    oracledb.DB_TYPE_TIMESTAMP_TZ: "timestamptz",
    oracledb.DB_TYPE_TIMESTAMP_LTZ: "timestamptz",
    oracledb.DB_TYPE_INTERVAL_DS: "interval",
    oracledb.DB_TYPE_INTERVAL_YM: "interval",
    oracledb.DB_TYPE_BOOLEAN: "boolean",
    oracledb.DB_TYPE_JSON: "json",
    **dict.fromkeys(_TEXT - {oracledb.DB_TYPE_CHAR, oracledb.DB_TYPE_NCHAR}, "text"),
    **dict.fromkeys(_BYTES, "bytea"),
}

LONG = frozenset(
    (
        *(oracledb.DB_TYPE_LONG, oracledb.DB_TYPE_LONG_NVARCHAR, oracledb.DB_TYPE_LONG_RAW),
        *(oracledb.DB_TYPE_CLOB, oracledb.DB_TYPE_NCLOB, oracledb.DB_TYPE_BLOB),
    )
)
_LOCATORS = frozenset((oracledb.DB_TYPE_CLOB, oracledb.DB_TYPE_NCLOB, oracledb.DB_TYPE_BLOB))
_IN_BUFFERS = {  # bytes for each character, and the default number of characters
    oracledb.DB_TYPE_VARCHAR: (4, 4000),
    oracledb.DB_TYPE_NVARCHAR: (4, 4000),
    oracledb.DB_TYPE_CHAR: (4, 2000),
    oracledb.DB_TYPE_NCHAR: (4, 2000),
    oracledb.DB_TYPE_RAW: (1, 4000),
}
_MOST_BYTES = 4000  # a longer bind variable counts as a LONG

NUL = "\ue000"  # stands for the NUL character, which Oracle's text may hold and Postgres's may not


@dataclass
class Var:
    """The result of ``cursor.var``."""

    type: Any
    size: int = 0
    outconverter: Any = None
    values: list[Any] = field(default_factory=lambda: [None])
    bypass_decode: bool = False

    @property
    def db_type(self) -> DbType:
        return db_type(self.type)

    def setvalue(self, pos: int, value: Any) -> None:
        self.values[pos] = checked(self.db_type, value)

    def getvalue(self, pos: int = 0) -> Any:
        return self.values[pos]


def db_type(given: Any) -> DbType:
    """Return the type of an argument of ``setinputsizes`` or ``var``."""
    if isinstance(given, Var):
        return given.db_type
    if isinstance(given, DbType):
        return given
    if isinstance(given, int) and not isinstance(given, bool):
        return oracledb.DB_TYPE_VARCHAR
    for python_type, type_ in _OF_PYTHON:
        if given is python_type:
            return type_
    api = {
        oracledb.STRING: oracledb.DB_TYPE_VARCHAR,
        oracledb.NUMBER: oracledb.DB_TYPE_NUMBER,
        oracledb.DATETIME: oracledb.DB_TYPE_DATE,
        oracledb.BINARY: oracledb.DB_TYPE_RAW,
    }
    return api[given]


def of_value(value: Any) -> DbType:
    """Return the type that the driver derives from a value."""
    for python_type, type_ in _OF_PYTHON:
        if isinstance(value, python_type):
            return type_
    raise dpy(3002, type_name=type(value).__name__)


def checked(type_: DbType, value: Any) -> Any:  # noqa: C901 - one line for each kind of type
    """
    Convert a value to the sent form.

    :raises oracledb.NotSupportedError: when the driver refuses it for the type
    """
    if isinstance(value, Var):
        value = value.getvalue()
    if value is None:
        return None
    good = False
    if type_ is oracledb.DB_TYPE_NUMBER:
        good = isinstance(value, (bool, int, float, Decimal))
        value = _number(value) if good else value
    elif type_ in _FLOATS:
        good = isinstance(value, (bool, int, float, Decimal))
        value = float(value) if good else value
    elif type_ in _TEXT:
        good = isinstance(value, (str, bytes))
        value = value.decode() if isinstance(value, bytes) else value
        value = value.replace("\0", NUL) if good else value
    elif type_ in _BYTES:
        good = isinstance(value, (str, bytes))
        value = value.encode() if isinstance(value, str) else value
    elif type_ in _MOMENTS:
        good = isinstance(value, date)
        if good:
            value = _moment(type_, value)
    elif type_ is oracledb.DB_TYPE_INTERVAL_DS:
        good = isinstance(value, timedelta)
    elif type_ is oracledb.DB_TYPE_INTERVAL_YM:
        good = isinstance(value, oracledb.IntervalYM)
        value = f"{value.years} years {value.months} months" if good else value
    elif type_ is oracledb.DB_TYPE_BOOLEAN:
        good, value = True, bool(value)
    elif type_ is oracledb.DB_TYPE_JSON:
        raise AssertionError("binding values as JSON is not done here")
    if not good:
        raise dpy(3013, py_type_name=type(value).__name__, db_type_name=type_.name)
    # Empty strings and empty bytes are NULL.
    return None if value in ("", b"") else value


def _number(value: Any) -> Any:
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, bool):
        return int(value)
    exact = Decimal(value)
    if not exact.is_finite():
        raise dpy(4004)
    digits = exact.normalize(Context(prec=max(len(exact.as_tuple().digits), 1))).as_tuple().digits
    if len(digits) > 40:
        raise dpy(4003)
    return value


def _moment(type_: DbType, value: date) -> Any:
    """The sent form, a wall time; the driver ignores ``tzinfo``."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    value = value.replace(tzinfo=None)
    if type_ is oracledb.DB_TYPE_DATE:
        return value.replace(microsecond=0)
    if type_ is oracledb.DB_TYPE_TIMESTAMP:
        return value
    # As the driver does: the wall time, marked as UTC.
    return f"{value.isoformat()}+00:00"


class Bound:
    """The bind variables of one execution: a type and a list of values for each place."""

    def __init__(self, names: Sequence[str], sizes: Any) -> None:
        self._names = names
        self._sizes = sizes

    def run(self, rows: Sequence[Any]) -> tuple[list[DbType], list[list[Any]]]:
        """Return the types, and the values of each row in their places."""
        placed = [self._place(row) for row in rows]
        types: list[DbType | None] = [self._size(index) for index in range(len(self._names))]
        for values in placed:
            for index, value in enumerate(values):
                if types[index] is None and value is not None:
                    types[index] = value.db_type if isinstance(value, Var) else of_value(value)
        known = [type_ or oracledb.DB_TYPE_VARCHAR for type_ in types]
        checked_rows = [
            [checked(type_, value) for type_, value in zip(known, values, strict=True)] for values in placed
        ]
        return known, checked_rows

    def check_order(self, types: Sequence[DbType], writes: bool, inserts: bool) -> None:
        """
        Refuse long values where the server does.

        :param writes: the statement is an INSERT, UPDATE or MERGE
        :param inserts: it is an INSERT of VALUES, the only statement that takes a LONG
        """
        for index, type_ in enumerate(types):
            if type_ in LONG - _LOCATORS and not inserts:
                raise ora(1461)
            if writes and self._expands(index, type_) and any(before in LONG for before in types[:index]):
                raise ora(24816)

    def _expands(self, index: int, type_: DbType) -> bool:
        factor, most = _IN_BUFFERS.get(type_, (0, 0))
        given = None if isinstance(self._sizes, Mapping) else self._sizes[index : index + 1]
        if given is None or not given:  # as long as the longest value
            return False
        size = given[0].size if isinstance(given[0], Var) else 0
        return factor * (size or most) > _MOST_BYTES

    def _place(self, row: Any) -> list[Any]:
        if isinstance(row, Mapping):
            given = {self._fold(name): value for name, value in row.items()}
            for name in row:
                if self._fold(name) not in self._names:
                    raise dpy(4008, name=name)
            for name in self._names:
                if name not in given:
                    raise dpy(4010, name=name)
            return [given[name] for name in self._names]
        row = list(row or ())
        if len(row) != len(self._names):
            raise dpy(4009, expected_num=len(self._names), actual_num=len(row))
        return row

    def _size(self, index: int) -> DbType | None:
        if isinstance(self._sizes, Mapping):
            given = {self._fold(name): size for name, size in self._sizes.items()}.get(self._names[index])
        else:
            given = self._sizes[index] if index < len(self._sizes) else None
        return None if given is None else db_type(given)

    @staticmethod
    def _fold(name: str) -> str:
        return name[1:-1] if name.startswith('"') else name.lstrip(":").upper()
