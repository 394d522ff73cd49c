"""Converts Postgres's values to the driver's, type handlers included."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import oracledb
import psycopg
from oracledb import DbType
from psycopg.types.string import TextLoader

from tests.support.oracle_standin.binding import NUL, Var
from tests.support.oracle_standin.types import FetchInfo, OracleType, of_expression

_LOBS = {
    oracledb.DB_TYPE_CLOB: oracledb.DB_TYPE_LONG,
    oracledb.DB_TYPE_NCLOB: oracledb.DB_TYPE_LONG_NVARCHAR,
    oracledb.DB_TYPE_BLOB: oracledb.DB_TYPE_LONG_RAW,
}


class Lob:
    """A locator, the default form of a fetched LOB."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def read(self, *_: Any) -> Any:
        return self._value


@dataclass
class Columns:
    """The columns of a running query."""

    infos: list[FetchInfo]
    types: list[OracleType]

    @classmethod
    def of(cls, postgres: psycopg.Connection[Any], cursor: psycopg.RawCursor[Any]) -> Columns:
        result = cursor.pgresult
        assert result
        types = []
        for index, column in enumerate(cursor.description or ()):
            table, number = result.ftable(index), result.ftablecol(index)
            declared = _declared(postgres, table, number) if table else None
            types.append(declared or of_expression(column.type_code, result.fmod(index)))
            if types[-1].db_type is oracledb.DB_TYPE_JSON:
                cursor.adapters.register_loader(column.type_code, TextLoader)
        infos = [
            FetchInfo.of(c.name, type_) for c, type_ in zip(cursor.description or (), types, strict=True)
        ]
        return cls(infos, types)

    def converters(self, cursor: Any, handler: Any) -> list[Callable[[Any], Any]]:
        """
        Return the converter of each column's values to the driver's.

        The description then has the fetched type of each column instead of its own.
        """
        answers = [_ask(handler, cursor, info) for info in self.infos]
        self.infos = [_fetched_as(info, var) for info, var in zip(self.infos, answers, strict=True)]
        return [
            _converter(type_, info, var)
            for type_, info, var in zip(self.types, self.infos, answers, strict=True)
        ]


def _declared(postgres: psycopg.Connection[Any], table: int, number: int) -> OracleType | None:
    if number < 0:
        return OracleType(oracledb.DB_TYPE_ROWID)
    row = postgres.execute("SELECT col_description(%s, %s)", [table, number]).fetchone()
    return OracleType.declared(row[0]) if row and row[0] else None


def _ask(handler: Any, cursor: Any, info: FetchInfo) -> Var | None:
    if handler is None:
        return None
    if len(inspect.signature(handler).parameters) == 2:
        answer = handler(cursor, info)
    else:
        answer = handler(
            cursor, info.name, info.type_code, info.internal_size or 0, info.precision or 0, info.scale or 0
        )
    assert answer is None or isinstance(answer, Var)
    return answer


def _fetched_as(info: FetchInfo, var: Var | None) -> FetchInfo:
    whole = _LOBS.get(info.type_code)
    if whole is None:
        return info
    if var is None:
        return info if info.is_json or oracledb.defaults.fetch_lobs else replace(info, type_code=whole)
    return info if var.db_type is info.type_code else replace(info, type_code=whole)


def _json(value: Any) -> Any:
    return json.loads(value)


def _converter(type_: OracleType, info: FetchInfo, var: Var | None) -> Callable[[Any], Any]:
    as_type = var.type if var else None
    if var is None and info.is_json and type_.db_type is not oracledb.DB_TYPE_JSON:
        convert: Callable[[Any], Any] = _json
    elif info.type_code in _LOBS.values():
        convert = lambda value: value  # noqa: E731
    else:
        convert = _plain(type_, as_type)
    after = var.outconverter if var else None

    def run(value: Any) -> Any:
        if value is None:
            return None
        value = convert(value)
        value = value.replace(NUL, "\0") if isinstance(value, str) else value
        value = value.encode() if var and var.bypass_decode else value
        return after(value) if after else value

    return run


def _plain(type_: OracleType, as_type: Any) -> Callable[[Any], Any]:
    db_type: DbType = type_.db_type
    if db_type is oracledb.DB_TYPE_NUMBER:
        return _number(type_, as_type)
    if db_type in _LOBS:
        return Lob
    if db_type in (oracledb.DB_TYPE_TIMESTAMP_TZ, oracledb.DB_TYPE_TIMESTAMP_LTZ):
        return _wall_time
    if db_type is oracledb.DB_TYPE_INTERVAL_YM:
        return lambda value: oracledb.IntervalYM(value.days // 365, value.days % 365 // 30)
    if db_type in (oracledb.DB_TYPE_VECTOR, oracledb.DB_TYPE_BFILE):
        return lambda value: [][0]  # can be described here, but not fetched
    return lambda value: value


def _number(type_: OracleType, as_type: Any) -> Callable[[Any], Any]:
    if as_type is Decimal:
        return _short
    if as_type in (oracledb.STRING, str, oracledb.DB_TYPE_VARCHAR):
        return lambda value: format(_short(value), "f")
    if as_type in (oracledb.NATIVE_FLOAT, float):
        return float
    if type_.scale == 0 or (type_.scale == -127 and type_.precision == 0):
        # As the driver does: an int without a fraction, otherwise a float.
        return lambda value: int(value) if value == int(value) else float(value)
    return float


def _short(value: Any) -> Decimal:
    """Drop trailing zeros, as Oracle does."""
    value = Decimal(value)
    text = format(value, "f")
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def _wall_time(value: datetime) -> datetime:
    """Return the time in its own zone, without the zone."""
    return value.replace(tzinfo=None)
