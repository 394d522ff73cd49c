"""Oracle's types: their declarations, their types in Postgres, and their descriptions by the driver."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import oracledb
from oracledb import DbType

# Declared type -> the driver's type, and the Postgres type that holds its values ({} is the text in parentheses).
_DECLARED: list[tuple[str, DbType, str]] = [
    (r"NUMBER|NUMERIC|DECIMAL", oracledb.DB_TYPE_NUMBER, "numeric{}"),
    (r"INTEGER|INT|SMALLINT", oracledb.DB_TYPE_NUMBER, "numeric(38,0)"),
    (r"FLOAT|REAL|DOUBLE\s+PRECISION", oracledb.DB_TYPE_NUMBER, "numeric"),
    (r"BINARY_DOUBLE", oracledb.DB_TYPE_BINARY_DOUBLE, "float8"),
    (r"BINARY_FLOAT", oracledb.DB_TYPE_BINARY_FLOAT, "float4"),
    (r"VARCHAR2|VARCHAR", oracledb.DB_TYPE_VARCHAR, "varchar{}"),
    (r"NVARCHAR2", oracledb.DB_TYPE_NVARCHAR, "varchar{}"),
    (r"CHAR", oracledb.DB_TYPE_CHAR, "char{}"),
    (r"NCHAR", oracledb.DB_TYPE_NCHAR, "char{}"),
    (r"CLOB", oracledb.DB_TYPE_CLOB, "text"),
    (r"NCLOB", oracledb.DB_TYPE_NCLOB, "text"),
    (r"LONG", oracledb.DB_TYPE_LONG, "text"),
    (r"XMLTYPE", oracledb.DB_TYPE_XMLTYPE, "text"),
    (r"BLOB", oracledb.DB_TYPE_BLOB, "bytea"),
    (r"LONG\s+RAW", oracledb.DB_TYPE_LONG_RAW, "bytea"),
    (r"RAW", oracledb.DB_TYPE_RAW, "bytea"),
    (r"BFILE", oracledb.DB_TYPE_BFILE, "bytea"),
    (r"DATE", oracledb.DB_TYPE_DATE, "timestamp(0)"),
    (r"TIMESTAMP", oracledb.DB_TYPE_TIMESTAMP, "timestamp"),
    (r"TIMESTAMP\s+WITH\s+TIME\s+ZONE", oracledb.DB_TYPE_TIMESTAMP_TZ, "timestamptz"),
    (r"TIMESTAMP\s+WITH\s+LOCAL\s+TIME\s+ZONE", oracledb.DB_TYPE_TIMESTAMP_LTZ, "timestamptz"),
    (r"INTERVAL\s+DAY\s+TO\s+SECOND", oracledb.DB_TYPE_INTERVAL_DS, "interval"),
    (r"INTERVAL\s+YEAR\s+TO\s+MONTH", oracledb.DB_TYPE_INTERVAL_YM, "interval"),
    (r"ROWID", oracledb.DB_TYPE_ROWID, "varchar(18)"),
    (r"UROWID", oracledb.DB_TYPE_UROWID, "varchar(4000)"),
    (r"JSON", oracledb.DB_TYPE_JSON, "json"),
    (r"BOOLEAN", oracledb.DB_TYPE_BOOLEAN, "boolean"),
    (r"VECTOR", oracledb.DB_TYPE_VECTOR, "text"),
]
IS_JSON = " IS JSON"
_PARTS = re.compile(r"\(([^)]*)\)")
_DEFAULT_SCALES = {"TIMESTAMP": 6, "INTERVAL DAY TO SECOND": 6}


@dataclass(frozen=True)
class OracleType:
    """The driver's description of a column."""

    db_type: DbType
    precision: int = 0
    scale: int = 0
    size: int = 0
    postgres: str = ""
    byte_limit: int | None = None
    is_json: bool = False

    @classmethod
    def declared(cls, text: str) -> OracleType | None:
        """Read a declared type, with its IS JSON; ``None`` for one that Oracle lacks."""
        text, marked, _ = text.partition(IS_JSON)
        given = [part.strip().upper() for part in _PARTS.findall(text)]
        words = " ".join(_PARTS.sub(" ", text).upper().split())
        found = next((row for row in _DECLARED if re.fullmatch(row[0], words)), None)
        if found is None:
            return None
        _, db_type, postgres = found
        numbers = [int(n) for n in re.findall(r"-?\d+", ",".join(given))]
        if db_type is oracledb.DB_TYPE_NUMBER:
            return cls._number(words, numbers, postgres)
        if db_type in (oracledb.DB_TYPE_CHAR, oracledb.DB_TYPE_NCHAR):
            numbers = numbers or [1]
        scale = 0
        if words.startswith(("TIMESTAMP", "INTERVAL DAY")):
            scale = (
                6
                if not numbers
                or (words.startswith("INTERVAL") and "SECOND(" not in text.upper().replace(" ", ""))
                else numbers[-1]
            )
        sized = "{}" in postgres or db_type is oracledb.DB_TYPE_RAW
        size = numbers[0] if numbers and sized else 0
        in_bytes = (
            size and db_type in (oracledb.DB_TYPE_VARCHAR, oracledb.DB_TYPE_CHAR) and "CHAR" not in given[0]
        )
        return cls(
            db_type,
            precision=2 if words.startswith("INTERVAL") else 0,
            scale=scale,
            size=size,
            postgres=postgres.format(f"({size})" if size else ""),
            byte_limit=size if in_bytes else None,
            is_json=bool(marked) or db_type is oracledb.DB_TYPE_JSON,
        )

    @property
    def bytes(self) -> int:
        """The bytes of a text, at most."""
        if self.byte_limit is not None or self.db_type is oracledb.DB_TYPE_RAW:
            return self.size
        return min(4 * self.size, max(self.size, 4_000))

    @classmethod
    def _number(cls, words: str, numbers: list[int], postgres: str) -> OracleType:
        if words in ("FLOAT", "REAL", "DOUBLE PRECISION"):
            return cls(oracledb.DB_TYPE_NUMBER, numbers[0] if numbers else 126, -127, 0, postgres)
        if words in ("INTEGER", "INT", "SMALLINT"):
            return cls(oracledb.DB_TYPE_NUMBER, 38, 0, 0, postgres)
        if not numbers and words == "NUMBER":
            return cls(oracledb.DB_TYPE_NUMBER, 0, -127, 0, "numeric")
        precision, scale = (*(numbers or [38]), 0)[:2]
        return cls(oracledb.DB_TYPE_NUMBER, precision, scale, 0, postgres.format(f"({precision},{scale})"))


# The types of expressions, which have no declaration.
_BY_OID = {
    16: OracleType(oracledb.DB_TYPE_BOOLEAN),
    17: OracleType(oracledb.DB_TYPE_RAW),
    20: OracleType(oracledb.DB_TYPE_NUMBER, 0, -127),
    21: OracleType(oracledb.DB_TYPE_NUMBER, 0, -127),
    23: OracleType(oracledb.DB_TYPE_NUMBER, 0, -127),
    25: OracleType(oracledb.DB_TYPE_VARCHAR, size=4000),
    27: OracleType(oracledb.DB_TYPE_ROWID),
    700: OracleType(oracledb.DB_TYPE_BINARY_FLOAT),
    701: OracleType(oracledb.DB_TYPE_BINARY_DOUBLE),
    1042: OracleType(oracledb.DB_TYPE_CHAR),
    1043: OracleType(oracledb.DB_TYPE_VARCHAR, size=4000),
    1114: OracleType(oracledb.DB_TYPE_TIMESTAMP, scale=6),
    1184: OracleType(oracledb.DB_TYPE_TIMESTAMP_TZ, scale=6),
    1186: OracleType(oracledb.DB_TYPE_INTERVAL_DS, 2, 6),
    1700: OracleType(oracledb.DB_TYPE_NUMBER, 0, -127),
    114: OracleType(oracledb.DB_TYPE_JSON),
    2249: OracleType(oracledb.DB_TYPE_UNKNOWN),
}


def of_expression(oid: int, modifier: int) -> OracleType:
    """Return the type of an expression from its type in Postgres."""
    if oid == 1700 and modifier >= 4:
        return OracleType(oracledb.DB_TYPE_NUMBER, (modifier - 4) >> 16, (modifier - 4) & 0xFFFF)
    if oid == 1114 and modifier == 0:
        return OracleType(oracledb.DB_TYPE_DATE)
    return _BY_OID[oid]


@dataclass(frozen=True)
class FetchInfo:
    """An entry of ``cursor.description``."""

    name: str
    type_code: DbType
    display_size: int | None
    internal_size: int | None
    precision: int | None
    scale: int | None
    null_ok: bool
    is_json: bool = False

    @classmethod
    def of(cls, name: str, type_: OracleType) -> FetchInfo:
        known = bool(type_.precision or type_.scale)
        return cls(
            name,
            type_.db_type,
            type_.size or None,
            type_.bytes or None,
            type_.precision if known else None,
            type_.scale if known else None,
            True,
            type_.is_json,
        )

    @property
    def type(self) -> DbType:
        return self.type_code

    def _values(self) -> tuple[Any, ...]:
        return (
            *(self.name, self.type_code, self.display_size, self.internal_size),
            *(self.precision, self.scale, self.null_ok),
        )

    def __getitem__(self, index: Any) -> Any:
        return self._values()[index]

    def __len__(self) -> int:
        return 7
