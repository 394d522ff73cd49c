"""Reading from MySQL and MariaDB: unbuffered, every value as the server has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import raw_connection
from airflow_checkpoint_provider.engine.databases.mysql import drivers as mysql
from airflow_checkpoint_provider.engine.databases.mysql import errors
from airflow_checkpoint_provider.engine.databases.mysql import source_values as values
from airflow_checkpoint_provider.engine.databases.mysql.rows.lines import line_columns, line_route
from airflow_checkpoint_provider.engine.databases.mysql.rows.tuples import tuple_route
from airflow_checkpoint_provider.engine.databases.rows.blocks import (
    READ_AT_ONCE,
    Guarded,
    Reader,
    Row,
    RowReader,
)
from airflow_checkpoint_provider.engine.databases.rows.lines import LINES, LineForm, LineReader
from airflow_checkpoint_provider.engine.databases.rows.routes import VALUES, PackedForm, RowRoute, RowUse
from airflow_checkpoint_provider.engine.databases.rows.tuples import LOADED, TUPLES, TupleForm, TupleReader
from airflow_checkpoint_provider.engine.databases.source import Source, fitting_parameters
from airflow_checkpoint_provider.engine.databases.statements.binds import Binds
from airflow_checkpoint_provider.engine.databases.statements.query import Query
from airflow_checkpoint_provider.engine.databases.values.written_types import WrittenKind, WrittenType
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, SourceError, SourceMismatchError
from airflow_checkpoint_provider.engine.model.key import Key


class MysqlSource(Source):
    """One query on a connection of mysqlclient, MySQL's own driver or PyMySQL."""

    asks_meanwhile = True
    first_row = "LIMIT 1"
    packed_forms = frozenset((LINES, TUPLES, LOADED))
    row_values = False  # MySQL compares them, but uses no index for it

    def __init__(self, connection: sa.Connection, query: Query, conn_id: str, *, exact: bool) -> None:
        self._types: dict[str, int] = {}
        self._listed: set[str] = set()
        self._description: Sequence[Any] = ()
        self._collations: dict[str, Sequence[str]] = {}
        self._streaming = False
        self._other: sa.Connection | None = None
        self._is_connector = mysql.is_connector(raw_connection(connection))
        _set_readers(raw_connection(connection))
        super().__init__(connection, query, conn_id, exact=exact)

    def select(self, what: str, suffix: str = "", binds: Binds | None = None) -> tuple[str, Any]:
        binds = binds or Binds(self.paramstyle, self.query.parameters)
        if what == "*" and values.FLOAT in self._types.values():
            what = ", ".join(map(self.exact, self.columns))
        return f"SELECT {what} FROM {binds.escape(self.query.source)}{suffix}", binds.values

    def quote(self, name: str) -> str:
        quoted = super().quote(name)
        return quoted.replace("%", "%%") if self._is_connector else quoted

    def exact(self, column: str) -> str:
        name = self.quote(column)
        return f"({name} * 1e0) AS {name}" if self._types[column] == values.FLOAT else name

    def whole(self) -> tuple[str, Any]:
        floats = [column for column, type_ in self._types.items() if type_ == values.FLOAT]
        if floats and self.query.ordered:
            raise SourceMismatchError(
                f"sql: {', '.join(floats)} is FLOAT, of which MySQL sends six digits only. Have the query return "
                f"{floats[0]} * 1e0 AS {floats[0]}, or give a checkpoint_column."
            )
        return self.select("*") if floats else super().whole()

    def find_columns(self, wanted: Sequence[str], argument: str) -> list[str]:
        found = super().find_columns(wanted, argument)
        for column in found if argument in ("checkpoint_column", "partition_column") else []:
            is_json = self._types[column] == values.JSON
            if is_json or column in self._listed:
                raise ArgumentError(
                    f"{argument}: {column} is {'JSON' if is_json else 'an ENUM or a SET'}, which MySQL sorts "
                    f"in another way than it compares. Have the query return CAST({column} AS CHAR) AS {column}, or "
                    "choose another column."
                )
        return found

    def tied(self, columns: Sequence[str], one: Key, other: Key) -> bool:
        pairs = zip(columns, one, other, strict=True)
        differing = [(column, first, second) for column, first, second in pairs if first != second]
        if not all(isinstance(first, str) and isinstance(second, str) for _, first, second in differing):
            return False
        # The collation decides which letters are equal: in some collations, all emoji are.
        return all(self._equal(*pair) for pair in differing)

    def _equal(self, column: str, first: str, second: str) -> bool:
        if column not in self._collations:
            # Reads no row: the NULL of an outer join has the collation of its column.
            name = self.quote(column)
            source, given = self.select(name)
            found = self.one(
                (
                    f"SELECT CHARSET({name}), COLLATION({name}) FROM (SELECT 1) one"
                    f" LEFT JOIN ({source}) found ON 1 = 0",
                    given,
                )
            )
            self._collations[column] = found or ("utf8mb4", "utf8mb4_bin")
        charset, collation = self._collations[column]
        binds = Binds(self.paramstyle, None)
        texts = [
            f"CONVERT({binds.add(text)} USING {charset}) COLLATE {collation}" for text in (first, second)
        ]
        row = self.one((f"SELECT {' = '.join(texts)}", binds.values))
        return bool(row and row[0])

    def packed_route(self, form: PackedForm, use: RowUse) -> RowRoute | str:
        names = [self.quote(column) for column in self.columns]
        # Reads no row, as for collations.
        source, given = self.select(", ".join(names))
        asked = ", ".join(f"CHARSET({name})" for name in names)
        found = self.one((f"SELECT {asked} FROM (SELECT 1) one LEFT JOIN ({source}) found ON 1 = 0", given))
        charsets = [mysql.text_of(charset) for charset in found or ()]
        columns = line_columns(self._description, self.quote, charsets)
        choose = line_route if form.name == LINES else tuple_route
        return choose(form, use, columns, self.exact)

    def written_types(self, forms: Sequence[PackedForm], read: Sequence[str]) -> dict[int, WrittenType]:
        json = WrittenType("JSON", WrittenKind.JSON)
        return {index: json for index, name in enumerate(read) if self._types[name] == values.JSON}

    def written(self, route: RowRoute) -> str:
        return route.form.what if isinstance(route.form, (LineForm, TupleForm)) else super().written(route)

    def one(self, statement: tuple[str, Any]) -> Row | None:
        with self.errors(), self._cursor() as cursor:
            self._execute(cursor, statement)
            rows = self._read(cursor, cursor.fetchmany(1))
            return rows[0] if rows else None

    @contextmanager
    def stream(self, statement: tuple[str, Any], skip: int = 0, route: RowRoute = VALUES) -> Iterator[Reader]:
        self._connect()
        cursor = mysql.streaming_cursor(self.raw)
        self._streaming, ended = True, False

        def fetch(size: int) -> Sequence[Row]:
            nonlocal ended
            rows = cursor.fetchmany(size)
            ended = not rows
            return self._read(cursor, rows)

        try:
            with self.errors():
                self._execute(cursor, statement)
                while skip > 0 and (rows := cursor.fetchmany(min(skip, READ_AT_ONCE))):
                    skip -= len(rows)
            reader = Guarded(RowReader(fetch), self.errors)
            if isinstance(route.form, TupleForm):
                yield TupleReader(reader)
            else:
                yield LineReader(reader) if isinstance(route.form, LineForm) else reader
        finally:
            self._streaming = False
            if ended:
                with suppress(self.connection.dialect.loaded_dbapi.Error):
                    cursor.close()
            elif not self.connection.closed:
                # Closing the cursor would read all rows that are left.
                mysql.leave(self.raw)
                self.connection.invalidate()
            if self._other:
                self._other.close()
                self._other = None

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            with super().errors():
                yield
        except values.NoSuchMomentError as error:
            names = [name for name, type_ in self._types.items() if type_ in values.MOMENTS]
            ways = " or ".join(f"CAST({name} AS CHAR) AS {name}" for name in names)
            raise SourceMismatchError(
                f"Source {self.conn_id!r}: the query returns {error}, and Python has no such day. Have it return "
                f"text instead, by {ways}; or NULL, by NULLIF({names[0]}, 0) AS {names[0]}."
            ) from error

    @contextmanager
    def _cursor(self, **options: Any) -> Iterator[Any]:
        self._connect()
        raw = self.raw
        if self._streaming:
            # A connection can run nothing else while rows come in: a second one runs the statement.
            self._other = self._other or self.connection.engine.connect()
            raw = raw_connection(self._other)
        cursor = raw.cursor(buffered=True, raw=True) if self._is_connector else raw.cursor()
        try:
            yield cursor
        finally:
            with suppress(self.connection.dialect.loaded_dbapi.Error):
                cursor.close()

    def _connect(self) -> None:
        """Connect again, where a stream was left before its end."""
        if self.connection.invalidated:
            self.raw = raw_connection(self.connection)
            _set_readers(self.raw)

    def _execute(self, cursor: Any, statement: tuple[str, Any]) -> None:
        text, given = statement
        if isinstance(given, dict):
            given = {name: mysql.as_parameter(value) for name, value in given.items()}
        elif given:
            given = list(map(mysql.as_parameter, given))
        with fitting_parameters():
            statement = mysql.as_read(self.raw, text, given)
        super()._execute(cursor, statement)

    def _read(self, cursor: Any, rows: Sequence[Any]) -> Sequence[Any]:
        if not self._is_connector or not rows:
            return rows
        return values.read(rows, values.readers(cursor.description))

    def _describe(self) -> list[str]:
        try:
            columns = super()._describe()
        except SourceError as error:
            if error.__cause__ and errors.error_number(error.__cause__) == errors.DUPLICATE_COLUMN:
                raise self.double_columns(str(error.__cause__).split("'")[1:2]) from error
            raise
        with self._cursor() as cursor:
            self._execute(cursor, self.select("*", " WHERE 1 = 0"))
            self._description = tuple(cursor.description)
            self._types = {str(column[0]): column[1] for column in cursor.description}
            self._listed = {name for index, name in enumerate(self._types) if values.is_listed(cursor, index)}
        return columns


def _set_readers(raw: Any) -> None:
    if not mysql.is_connector(raw):
        mysql.converters(raw).update(values.own_readers())
