"""Drivers with a single style of parameters, one for each of PEP 249's five: a thin wrapper of sqlite3."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from types import ModuleType
from typing import Any

STYLES = ("qmark", "format", "numeric", "named", "pyformat")
_MARKS = {
    "qmark": r"\?",
    "format": r"%(?:s|%)",
    "numeric": r":\d+",
    "named": r":[a-z_]\w*",
    "pyformat": r"%(?:\(\w+\)s|%)",
}
_QUOTED = r"""'[^']*'|"[^"]*"|"""


def _bound(value: Any) -> Any:
    """Convert types that sqlite3 does not take and drivers of servers do."""
    return str(value) if isinstance(value, (Decimal, date, time)) else value


class Cursor:
    """Refuses statements as a driver of its style does, and passes the others to SQLite."""

    style = ""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
        self.arraysize = 1

    def execute(self, sql: str, values: Any = None) -> Any:
        self._cursor.execute(*self._translated(sql, values))

    def executemany(self, sql: str, rows: Sequence[Any]) -> Any:
        for row in rows:
            self.execute(sql, row)

    def _translated(self, sql: str, values: Any) -> tuple[str, list[Any]]:
        if values is None:
            return sql, []
        if isinstance(values, Mapping) != (self.style in ("named", "pyformat")):
            raise sqlite3.ProgrammingError(f"{type(values).__name__} for {self.style}")
        used: list[Any] = []

        def replaced(match: re.Match[str]) -> str:
            mark = match[0]
            if mark == "%%":
                return "%"
            if mark[0] in "'\"":  # parameters in quotes are text, except in styles with a %
                return mark
            if self.style in ("qmark", "format"):
                used.append(values[len(used)])
            elif self.style == "numeric":
                used.append(values[int(mark[1:]) - 1])
            else:
                used.append(values[mark[1:] if self.style == "named" else mark[2:-2]])
            return "?"

        hidden = "" if "format" in self.style else _QUOTED
        translated = re.sub(hidden + _MARKS[self.style], replaced, sql)
        if self.style in ("qmark", "format") and len(used) != len(values):
            raise sqlite3.ProgrammingError(f"{len(used)} parameters in the statement, {len(values)} given")
        return translated, [_bound(value) for value in used]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


class Connection:
    def __init__(self, connection: sqlite3.Connection, cursor: type[Cursor]) -> None:
        self._connection, self._cursor = connection, cursor

    def cursor(self) -> Cursor:
        return self._cursor(self._connection.cursor())

    def __getattr__(self, name: str) -> Any:
        if name == "begin":
            raise AttributeError(name)
        return getattr(self._connection, name)


def driver(style: str) -> ModuleType:
    """Create a driver's module, as ``import`` does."""
    name = f"driver_of_{style}"
    module = ModuleType(name)
    errors = ("Warning", "Error", "InterfaceError", "DatabaseError", "DataError", "OperationalError")
    errors += ("IntegrityError", "InternalError", "ProgrammingError", "NotSupportedError", "Binary")
    for exported in errors:
        setattr(module, exported, getattr(sqlite3, exported))
    cursor = type("Cursor", (Cursor,), {"style": style})
    connection = type("Connection", (Connection,), {"__module__": name})

    def connect(path: str) -> Connection:
        opened = sqlite3.connect(path, timeout=30)
        opened.execute("PRAGMA synchronous = OFF")  # processes die in the tests, not the machine
        return connection(opened, cursor)

    module.connect = connect  # type: ignore[attr-defined]
    module.paramstyle, module.apilevel, module.threadsafety = style, "2.0", 1  # type: ignore[attr-defined]
    sys.modules[name] = module
    return module
