"""Writing to SQLite."""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import repeat
from math import inf
from operator import ne
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.rows.blocks import Row
from airflow_checkpoint_provider.engine.databases.rows.routes import RowRoute
from airflow_checkpoint_provider.engine.databases.values.text_forms import (
    NUMBER_TEXT,
    WHOLE_TEXT,
    are_dated_texts,
    are_number_texts,
    significant,
    time_text,
)
from airflow_checkpoint_provider.engine.model.errors import BadRowsError, DestinationError

_FLOAT_DIGITS = 15
_NATIVE = frozenset({int, float, str, bytes, bool, type(None), memoryview, bytearray})
_OF_COLUMNS = "SELECT name, type, pk FROM pragma_table_xinfo(:name)"
_MADE_BY = (
    "SELECT type, sql FROM sqlite_master WHERE name = :name COLLATE NOCASE AND type IN ('table', 'view')"
)
_OWN_WAY = re.compile(r"\bON\s+CONFLICT\s+(?:IGNORE|REPLACE|FAIL|ROLLBACK)\b", re.IGNORECASE)
_NO_ROWID = re.compile(r"\bWITHOUT\s+ROWID\b", re.IGNORECASE)
_IS_STRICT = re.compile(r"\bSTRICT\b[^)]*\Z", re.IGNORECASE)
# What SQLite takes for a number, in a column that is not of text: with blanks, signs and zeros that it drops.
_LIKE_A_NUMBER = re.compile(
    r"[ \t\n\v\f\r]*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?[ \t\n\v\f\r]*"
)
_CAST = "Declare the column as TEXT, or cast it in the query."


class Affinity(StrEnum):
    """What SQLite converts values to in a column, by the words of its declared type."""

    INTEGER = "integer"
    TEXT = "text"
    NONE = "none"
    REAL = "real"
    NUMERIC = "numeric"


def affinity_of(declared: str, *, strict: bool = False) -> Affinity:
    """Apply SQLite's rules, in their order."""
    name = declared.upper()
    if "INT" in name:
        return Affinity.INTEGER
    if any(word in name for word in ("CHAR", "CLOB", "TEXT")):
        return Affinity.TEXT
    if not name or "BLOB" in name or (strict and name == "ANY"):
        return Affinity.NONE
    if any(word in name for word in ("REAL", "FLOA", "DOUB")):
        return Affinity.REAL
    return Affinity.NUMERIC


class SqliteDestination(Destination):
    """A table in SQLite: values that it has no type for are written as text, to the last digit."""

    leaves_out = "a trigger with RAISE(IGNORE), or a key whose collation takes keys that differ for equal,"

    _rolled_back: DestinationError | None = None

    def run_script(self, script: str | Sequence[str]) -> None:
        super().run_script([part for text in _listed(script) for part in _statements(text)])

    def text_digits(self, column: str) -> float:
        return inf if self._keeps_text(self.columns.index(column)) else _FLOAT_DIGITS

    def bound(self, index: int, value: Any) -> tuple[str, Any]:
        return "{}", value if type(value) in _NATIVE else self._convert(index, value)

    @contextmanager
    def errors(self, what: str, outcome: str = "nothing of it is committed") -> Iterator[None]:
        try:
            with super().errors(what, outcome):
                yield
        except BadRowsError as error:
            if self.connection.in_transaction() and not self.raw.in_transaction:
                # RAISE(ROLLBACK), or a constraint that is declared so: no savepoint is left to go back to.
                self._rolled_back = DestinationError(
                    f"{error}. SQLite has rolled back the whole transaction: no row can be put aside."
                )
                raise self._rolled_back from error
            raise

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        try:
            with super().savepoint():
                yield
        except sa.exc.DBAPIError:
            if self._rolled_back:  # and with the transaction the savepoint, which is missing now
                raise self._rolled_back from None
            raise

    def _prepared(self) -> None:
        self._look_at_table()
        self._statement = self.insert_statement()
        if self._has_own_way:  # which would leave rows out, or replace others, without an error
            self._statement = self._statement.replace("INSERT INTO", "INSERT OR ABORT INTO", 1)
        if self.write_mode == "upsert":
            keys = ", ".join(map(self.quote, self.conflict_columns))
            others = [name for name in self.columns if name not in self.conflict_columns]
            changes = ", ".join(
                f"{name} = excluded.{name}" for name in map(self.quote, others or self.conflict_columns[:1])
            )
            # To the collation of a key, keys that differ may be equal: such a row is not taken, which its count shows.
            same = " AND ".join(
                f"({name} COLLATE BINARY) IS excluded.{name}"
                for name in map(self.quote, self.conflict_columns)
            )
            self._statement += f" ON CONFLICT ({keys}) DO UPDATE SET {changes} WHERE {same}"

    def _look_at_table(self) -> None:
        cursor = self.raw.cursor()
        name = {"name": self.table.table}
        kind, made_by = cursor.execute(_MADE_BY, name).fetchone() or ("", "")
        made_by = made_by or ""
        self._counts = kind == "table"  # rows that go through a view's trigger are not counted
        self._has_own_way = bool(_OWN_WAY.search(made_by))
        strict = bool(_IS_STRICT.search(made_by))
        described = cursor.execute(_OF_COLUMNS, name).fetchall()
        self._affinities = {column: affinity_of(declared, strict=strict) for column, declared, _ in described}
        key = [(column, declared) for column, declared, place in described if place]
        self._numbered = -1
        if len(key) == 1 and key[0][1].upper() == "INTEGER" and not _NO_ROWID.search(made_by):
            self._numbered = self.columns.index(key[0][0]) if key[0][0] in self.columns else -1

    def _affinity(self, index: int) -> Affinity:
        return self._affinities.get(self.columns[index], Affinity.NUMERIC)

    def _keeps_text(self, index: int) -> bool:
        return self._affinity(index) in (Affinity.TEXT, Affinity.NONE)

    def _keeps_plain(self, index: int, texts: Collection[int]) -> bool:
        """Tell whether a column keeps text as it is, or else whole numbers, bytes and the text of dates."""
        return self._keeps_text(index) or (index not in texts and self._affinity(index) is not Affinity.REAL)

    def _write(self, rows: Any, route: RowRoute) -> int | None:
        if route.plain and all(map(self._keeps_plain, range(len(self.columns)), repeat(route.texts))):
            self._check_numbered([row[self._numbered] for row in rows] if self._numbered >= 0 else [])
        else:
            rows = self._taken(rows)
        taken = self.raw.executemany(self._statement, rows).rowcount
        return int(taken) if self._counts else None

    def _check_numbered(self, values: Sequence[Any]) -> None:
        if None in values:
            raise self._refused(
                self._numbered,
                "takes no NULL, for which SQLite would put a number of its own. Leave the column out, by a mapping in "
                "destination_columns, or have the query return a value.",
            )

    def _refused(self, index: int, why: str) -> BadRowsError:
        return BadRowsError(f"Destination {self.conn_id!r}: {self.columns[index]} of {self.table} {why}")

    def _taken(self, rows: Iterable[Row]) -> Iterable[Row]:
        """Convert what SQLite has no type for, and refuse what it would change."""
        columns: list[Row] = list(zip(*rows, strict=True))
        changed = False
        for index, values in enumerate(columns):
            if index == self._numbered:
                self._check_numbered(values)
            converted = self._converted(index, values, set(map(type, values)))
            if converted is not values:
                columns[index], changed = converted, True
        return zip(*columns, strict=True) if changed else rows

    def _converted(self, index: int, values: Row, kinds: set[type]) -> Row:
        """Convert a column, most of which are of one type."""
        affinity = self._affinity(index)
        # Only NaN differs from itself.
        if float in kinds and any(map(ne, values, values)):
            raise self._refused(
                index,
                "cannot hold NaN, for which SQLite would store NULL. Cast it to text, or replace it, in the query.",
            )
        if kinds <= _AS_THEY_ARE[affinity]:
            return values
        if self._keeps_all(affinity, values, kinds):
            return values
        if kinds <= {Decimal, type(None)} and affinity is not Affinity.INTEGER:
            texts = [None if value is None else str(value) for value in values]
            keeps = affinity in (Affinity.TEXT, Affinity.NONE)
            if not any("E" in text or (not keeps and len(text) > _FLOAT_DIGITS) for text in texts if text):
                return texts
        return [None if value is None else self._convert(index, value) for value in values]

    def _keeps_all(self, affinity: Affinity, values: Row, kinds: set[type]) -> bool:
        """Tell that values of one type are kept, as all of them together show; ``False`` where they do not."""
        numbers = {float, type(None)} if affinity is Affinity.REAL else {float, int, type(None)}
        if kinds <= numbers:
            return affinity is not Affinity.TEXT and (0.0 not in values or "-0.0" not in map(repr, values))
        if kinds <= {str, type(None)}:
            texts = [value for value in values if value is not None] if type(None) in kinds else values
            if affinity is Affinity.REAL and are_number_texts(texts, _FLOAT_DIGITS):
                return True
            return are_dated_texts(texts, (10, 19, 26))  # no numbers to SQLite
        return False

    def _convert(self, index: int, value: Any) -> Any:
        """
        Return what is written for a value.

        :raises BadRowsError: for what SQLite would keep as something else
        """
        affinity = self._affinity(index)
        if isinstance(value, (bytes, memoryview, bytearray)) or (
            affinity is Affinity.NONE and type(value) in _NATIVE
        ):
            return value
        if isinstance(value, bool):
            if affinity is Affinity.TEXT:
                raise self._refused(
                    index, f"is text, and there is more than one for {value}. Cast it in the query."
                )
            return int(value)
        if isinstance(value, int):
            if affinity is Affinity.TEXT:
                return str(value)
            if affinity is Affinity.REAL and not _is_float(value):
                raise self._refused(index, f"would round {value}, as it keeps floats. {_CAST}")
            return value
        if isinstance(value, float):
            if affinity is Affinity.TEXT:
                return repr(value)  # SQLite would write fifteen digits
            if value == 0 and math.copysign(1, value) < 0:
                raise self._refused(index, f"would lose the sign of {value}. {_CAST}")
            return value
        if isinstance(value, Decimal):
            return self._number(index, affinity, value)
        text = _as_text(value)
        if affinity is not Affinity.TEXT and affinity is not Affinity.NONE:
            self._check_text(index, affinity, text)
        return text

    def _number(self, index: int, affinity: Affinity, value: Decimal) -> Any:
        if affinity in (Affinity.TEXT, Affinity.NONE) or not value.is_finite():
            return format(value, "f")
        if affinity is not Affinity.REAL and value == value.to_integral_value() and abs(value) < 2**63:
            return int(value)
        if significant(value) > _FLOAT_DIGITS:
            raise self._refused(index, f"would round {value}, as SQLite does with a numeric column. {_CAST}")
        return format(value, "f")

    def _check_text(self, index: int, affinity: Affinity, text: str) -> None:
        """Let text be a number only where the number is written as the text is."""
        if not _LIKE_A_NUMBER.fullmatch(text):
            return
        if WHOLE_TEXT.fullmatch(text) and abs(int(text)) < 2**63:
            if affinity is not Affinity.REAL or _is_float(int(text)):
                return
        elif affinity is Affinity.REAL:
            if NUMBER_TEXT.fullmatch(text) and Decimal(repr(float(text))) == Decimal(text):
                return
        elif repr(float(text)) == text and not text.endswith(".0") and text != "-0.0":
            return
        raise self._refused(
            index,
            f"would make another text or number of {text!r}, as SQLite does with what is no text. {_CAST}",
        )


_PLAIN = frozenset({bytes, memoryview, bytearray, type(None)})
_AS_THEY_ARE = {
    Affinity.NONE: _NATIVE,
    Affinity.TEXT: _PLAIN | {str},
    Affinity.INTEGER: _PLAIN | {int, bool},
    Affinity.NUMERIC: _PLAIN | {int, bool},
    Affinity.REAL: _PLAIN | {bool},
}


def _is_float(number: int) -> bool:
    try:
        return int(float(number)) == number
    except OverflowError:
        return False


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return time_text(value)
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _listed(script: str | Sequence[str]) -> Sequence[str]:
    return [script] if isinstance(script, str) else script


def _statements(script: str) -> list[str]:
    """Split a script: the driver takes one statement at a time."""
    statements, current = [], ""
    for piece in script.split(";"):
        current += piece
        if sqlite3.complete_statement(f"{current};"):
            statements.append(current)
            current = ""
        else:
            current += ";"
    return [text for text in (*statements, current.strip("; \n\t")) if text.strip()]
