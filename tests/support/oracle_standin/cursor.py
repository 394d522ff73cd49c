"""The driver's cursor."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import oracledb
import psycopg

from tests.support.oracle_standin.binding import POSTGRES, Bound, Var
from tests.support.oracle_standin.errors import dpy, from_postgres, ora
from tests.support.oracle_standin.fetching import Columns
from tests.support.oracle_standin.sql import Statement, check_version, translate
from tests.support.oracle_standin.types import FetchInfo

if TYPE_CHECKING:
    from tests.support.oracle_standin.connection import Connection


_STAR = re.compile(
    r'SELECT (?P<prefix>\w+\.)?\*(?P<more>(?:, \w+\."?\w+"?)*) FROM (?P<table>[\w".$#]+)', re.IGNORECASE
)


class Cursor:
    """Runs statements, and returns rows as the driver does."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.description: list[FetchInfo] | None = None
        self.rowcount = -1
        self.arraysize = 100
        self.prefetchrows = 2
        self.outputtypehandler: Any = None
        self.inputtypehandler: Any = None
        self.statement: str | None = None
        self._sizes: Any = ()
        self._rows: list[Any] = []
        self._errors: list[Any] | None = None
        self._open = True

    def setinputsizes(self, *sizes: Any, **named: Any) -> None:
        self._sizes = named or sizes

    def var(
        self,
        typ: Any,
        size: int = 0,
        arraysize: int = 1,
        outconverter: Any = None,
        bypass_decode: bool = False,
        **_: Any,
    ) -> Var:
        return Var(typ, size, outconverter, [None] * max(arraysize, 1), bypass_decode)

    def execute(self, statement: str | None, parameters: Any = None, **named: Any) -> Any:
        self._run(statement, [parameters if parameters is not None else named], many=False)
        return self if self.description else None

    def executemany(
        self, statement: str | None, parameters: Any, batcherrors: bool = False, **_: Any
    ) -> None:
        self._errors = [] if batcherrors else None
        rows = [() for _ in range(parameters)] if isinstance(parameters, int) else list(parameters)
        if not rows:
            return
        self._run(statement, rows, many=True)

    def getbatcherrors(self) -> list[Any]:
        return list(self._errors or [])

    def _each(self, cursor: psycopg.RawCursor[Any], text: str, values: Sequence[Any]) -> None:
        """Execute for each set of values, and record the errors of the refused ones."""
        taken = 0
        for offset, row in enumerate(values):
            cursor.execute("SAVEPOINT standin_row")
            try:
                cursor.execute(text, row)
                taken += max(cursor.rowcount, 0)
                cursor.execute("RELEASE standin_row")
            except psycopg.Error as error:
                cursor.execute("ROLLBACK TO standin_row")
                raised = from_postgres(error, waits=False).args[0]
                raised.offset = offset
                assert self._errors is not None
                self._errors.append(raised)
        self.rowcount = taken

    def fetchone(self) -> Any:
        rows = self._fetch(1)
        return rows[0] if rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        return self._fetch(self.arraysize if size is None else size)

    def fetchall(self) -> list[Any]:
        return self._fetch(len(self._rows))

    def close(self) -> None:
        if not self._open:
            raise dpy(1006)
        self._open = False

    def __iter__(self) -> Iterator[Any]:
        while (row := self.fetchone()) is not None:
            yield row

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _run(self, text: str | None, rows: Sequence[Any], many: bool) -> None:
        if not self._open:
            raise dpy(1006)
        self.connection._check_open()
        self.statement = text or self.statement
        if self.statement is None:
            raise dpy(2001)
        check_version(self.statement, self.connection.version)
        plain, moment = self.connection.moments.read(self.statement)
        statement = translate(_STAR.sub(self._shown, plain))
        sizes, self._sizes = self._sizes, ()
        bound = Bound(statement.binds, sizes)
        kinds, values = bound.run(rows)
        bound.check_order(kinds, statement.kind == "dml", statement.inserts)
        self._check_objects(statement, kinds)
        types = [POSTGRES[kind] for kind in kinds]
        self.description, self._rows, self.rowcount = None, [], 0
        if statement.kind == "session":
            self.connection.step(self.statement, lambda: self.connection.set(str(text)))
            return

        def run(cursor: psycopg.RawCursor[Any]) -> None:
            if many and self._errors is not None:
                self._each(cursor, statement.bound(types), values)
                return
            if moment is not None:
                with self.connection.postgres.transaction():
                    self.connection.moments.enter(cursor, moment)
                    cursor.execute(statement.bound(types), values[0])
                    self._take(cursor)
                return
            if many:
                cursor.executemany(statement.bound(types), values)
            else:
                cursor.execute(statement.bound(types), values[0])
            for following in statement.then:
                cursor.execute(following)
            if cursor.description and statement.kind in ("query", "lock"):
                self._take(cursor)
                if not self.connection.faults.hidden.isdisjoint(statement.tables):
                    self._rows = []
            elif statement.kind == "dml":
                self.rowcount = max(cursor.rowcount, 0)

        self.connection.step(self.statement, lambda: self.connection.run(statement, run))

    def _shown(self, star: re.Match[str]) -> str:
        """Replace ``*`` with the visible columns of a table, where some are INVISIBLE."""
        prefix, table = star["prefix"] or "", star["table"]
        named = table.upper() if '"' not in table else table
        found = self.connection.postgres.execute(
            "SELECT attname, COALESCE(col_description(attrelid, attnum), '') = 'INVISIBLE' FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [".".join(f'"{part}"' if '"' not in part else part for part in named.split("."))],
        ).fetchall()
        if not any(hidden for _, hidden in found):
            return star[0]
        shown = ", ".join(f'{prefix}"{name}"' for name, hidden in found if not hidden)
        return f"SELECT {shown}{star['more']} FROM {table}"

    def _check_objects(self, statement: Statement, kinds: Sequence[Any]) -> None:
        """Refuse a LOB for a column of XMLTYPE; the server converts text."""
        for index, column in statement.targets:
            if kinds[index] not in (oracledb.DB_TYPE_CLOB, oracledb.DB_TYPE_NCLOB):
                continue
            row = self.connection.postgres.execute(
                "SELECT col_description(attrelid, attnum) FROM pg_attribute "
                "WHERE attrelid = to_regclass(%s) AND attname = %s",
                [statement.table, column],
            ).fetchone()
            if row and row[0] == "XMLTYPE":
                raise ora(932, "expected - got CLOB")

    def _take(self, cursor: psycopg.RawCursor[Any]) -> None:
        columns = Columns.of(self.connection.postgres, cursor)
        names = [info.name for info in columns.infos]
        if len(set(names)) < len(names) and re.search(r"\*\s+FROM\s*\(", str(self.statement), re.IGNORECASE):
            raise ora(918, max(names, key=names.count))
        handler = self.outputtypehandler or self.connection.outputtypehandler
        known = self.connection.described.get(str(self.statement))
        if known and known[0] is not handler:  # a cached statement is not described again
            columns.infos = known[1]
        self._columns = columns.converters(self, handler)
        self.description = columns.infos
        self.connection.faults.fetched_at_once[str(self.statement)] = self.arraysize
        self.connection.described[str(self.statement)] = (handler, columns.infos)
        try:
            self._rows = cursor.fetchall()
        except psycopg.DataError as error:
            raise ValueError(f"year is out of range: {error}") from error

    def _fetch(self, count: int) -> list[Any]:
        if not self._open:
            raise dpy(1006)
        if self.description is None:
            raise dpy(1003)
        self.connection._check_open()

        def fetch() -> list[Any]:
            rows, self._rows = self._rows[:count], self._rows[count:]
            return rows

        rows = self.connection.step("fetch", fetch, str(self.statement))
        self.rowcount += len(rows)
        return [
            tuple(convert(value) for convert, value in zip(self._columns, row, strict=True)) for row in rows
        ]
