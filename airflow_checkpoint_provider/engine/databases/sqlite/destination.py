"""Writing to SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import inf
from operator import ne
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import NullType

from airflow_checkpoint_provider.engine.databases.blocks import Row
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.routes import RowRoute
from airflow_checkpoint_provider.engine.databases.values import significant, time_text
from airflow_checkpoint_provider.engine.model.errors import BadRowsError

_FLOAT_DIGITS = 15
_NATIVE = frozenset({int, float, str, bytes, bool, type(None), memoryview, bytearray})


class SqliteDestination(Destination):
    """A table in SQLite: values that it has no type for are written as text, to the last digit."""

    def run_script(self, script: str | Sequence[str]) -> None:
        super().run_script([part for text in _listed(script) for part in _statements(text)])

    def text_digits(self, column: str) -> float:
        return _FLOAT_DIGITS if self.columns.index(column) in self._rounding else inf

    def bound(self, index: int, value: Any) -> tuple[str, Any]:
        return "{}", value if type(value) in _NATIVE else self._convert(index, value)

    def _prepared(self) -> None:
        self._statement = self.insert_statement()
        self._rounding = {
            index
            for index, type_ in enumerate(self._types)
            if not isinstance(type_, (sa.String, sa.LargeBinary, NullType))
        }
        if self.write_mode == "upsert":
            keys = ", ".join(map(self.quote, self.conflict_columns))
            others = [self.quote(name) for name in self.columns if name not in self.conflict_columns]
            changes = ", ".join(f"{name} = excluded.{name}" for name in others)
            action = f"DO UPDATE SET {changes}" if others else "DO NOTHING"
            self._statement += f" ON CONFLICT ({keys}) {action}"

    def _write(self, rows: Any, route: RowRoute) -> None:
        if not route.plain:
            rows = self._taken(rows)
        self.raw.executemany(self._statement, rows)

    def _taken(self, rows: Iterable[Row]) -> Iterable[Row]:
        """Convert what SQLite has no type for, and refuse what it would change."""
        columns = list(zip(*rows, strict=True))
        kinds = [set(map(type, values)) for values in columns]
        for index, values in enumerate(columns):
            # Only NaN differs from itself.
            if float in kinds[index] and any(map(ne, values, values)):
                raise BadRowsError(
                    f"Destination {self.conn_id!r}: {self.columns[index]} of {self.table} cannot hold NaN, for which "
                    "SQLite would store NULL. Cast it to text, or replace it, in the query."
                )
        if set().union(*kinds) <= _NATIVE:
            return rows
        return zip(*map(self._converted, range(len(columns)), columns, kinds), strict=True)

    def _converted(self, index: int, values: Row, kinds: set[type]) -> Row:
        """Convert a column, most of which are of one type."""
        if kinds <= _NATIVE:
            return values
        if not kinds <= {Decimal, type(None)}:
            return [value if type(value) in _NATIVE else self._convert(index, value) for value in values]
        texts = [None if value is None else str(value) for value in values]
        if index not in self._rounding and not any("E" in text for text in texts if text):
            return texts
        return [
            text
            if text is None or (len(text) <= _FLOAT_DIGITS and "E" not in text)
            else self._convert(index, value)
            for text, value in zip(texts, values, strict=True)
        ]

    def _convert(self, index: int, value: Any) -> str:
        """
        Convert a value that SQLite has no type for.

        :raises BadRowsError: for a number that SQLite would keep as a float, where it has more digits than that
        """
        if isinstance(value, datetime):
            return value.isoformat(sep=" ")
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, Decimal):
            if index in self._rounding and significant(value) > _FLOAT_DIGITS:
                raise BadRowsError(
                    f"Destination {self.conn_id!r}: {self.columns[index]} of {self.table} would round {value}, as "
                    "SQLite does with a numeric column. Declare the column as TEXT, or cast it in the query."
                )
            return format(value, "f")
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
