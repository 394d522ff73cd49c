"""Moments of the server: each a snapshot of the Postgres database, held by a session of its own."""

from __future__ import annotations

import re

import psycopg

from tests.support.oracle_standin.errors import ora

_AS_OF = re.compile(r"\s+AS OF SCN (\d+)", re.IGNORECASE)
_NEWEST = {
    "SELECT DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER FROM DUAL": 904,
    "SELECT CURRENT_SCN FROM V$DATABASE": 942,
}


class Moments:
    """
    The moments at which tables can be read.

    :param dsn: of the Postgres database
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._holders: dict[int, tuple[psycopg.Connection, str]] = {}
        self._newest = 4_711_000
        self.refused: set[int] = set()
        """Numbers of the errors that the user meets who asks for the newest moment: 904 or 942."""

    def newest(self) -> int:
        """Hold the current moment, and return its number."""
        holder = psycopg.connect(self._dsn)
        holder.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        self._newest += 1
        self._holders[self._newest] = (holder, holder.execute("SELECT pg_export_snapshot()").fetchone()[0])
        return self._newest

    def forget(self) -> None:
        """Overwrite the undo of all moments."""
        for holder, _ in self._holders.values():
            holder.close()
        self._holders.clear()

    def read(self, statement: str) -> tuple[str, int | None]:
        """
        Split the moment from a statement; answer a query for the current number with a constant.

        :raises oracledb.Error: when the user may not read the current number
        """
        asked = " ".join(statement.upper().split())
        if asked in _NEWEST:
            if _NEWEST[asked] in self.refused:
                raise ora(_NEWEST[asked], "DBMS_FLASHBACK")
            return f"SELECT {self.newest()} AS scn FROM dual", None
        found = _AS_OF.search(statement)
        return (_AS_OF.sub("", statement), int(found[1])) if found else (statement, None)

    def enter(self, cursor: psycopg.RawCursor, number: int) -> None:
        """
        Make a transaction that has just begun read a moment.

        :raises oracledb.Error: when the moment is no longer held
        """
        if number not in self._holders:
            raise ora(1555 if number <= self._newest else 8181)
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute(f"SET TRANSACTION SNAPSHOT '{self._holders[number][1]}'")
