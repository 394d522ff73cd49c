"""Reading from Oracle: every value exact, or an error before the first row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.oracle.driver import SECOND_DIGITS, moment_text
from airflow_checkpoint_provider.engine.databases.oracle.errors import error_code
from airflow_checkpoint_provider.engine.databases.oracle.line_source import LineSource
from airflow_checkpoint_provider.engine.databases.oracle.planning.flashback import at_moment
from airflow_checkpoint_provider.engine.databases.oracle.row_security import check_source
from airflow_checkpoint_provider.engine.databases.oracle.values.column_types import described_columns
from airflow_checkpoint_provider.engine.databases.oracle.values.description import as_it_is, is_json
from airflow_checkpoint_provider.engine.databases.oracle.values.source_types import (
    AS_TEXT,
    BOUND,
    REFUSED,
    TYPED,
    UNSORTED,
    WHOLE,
    WRITTEN,
    ZONED,
    cast,
    moment,
    plain,
    rows_at_once,
)
from airflow_checkpoint_provider.engine.databases.questions.type_dialect import DeclaredColumn
from airflow_checkpoint_provider.engine.databases.rows.blocks import Guarded, Reader, RowReader
from airflow_checkpoint_provider.engine.databases.rows.lines import LineForm, LineReader
from airflow_checkpoint_provider.engine.databases.rows.routes import VALUES, PackedForm, RowRoute
from airflow_checkpoint_provider.engine.databases.sockets import cut
from airflow_checkpoint_provider.engine.databases.source import Prefetch, fitting_parameters
from airflow_checkpoint_provider.engine.databases.statements.binds import Binds
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.databases.statements.query import Query
from airflow_checkpoint_provider.engine.databases.values.written_types import WrittenType
from airflow_checkpoint_provider.engine.model.errors import (
    CheckpointError,
    ConnectionGoneError,
    SourceError,
    SourceMismatchError,
    one_line,
)
from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.model.partition import Partition

_AMBIGUOUS = 918
_SERIALIZES_BLOBS = (19,)


class OracleSource(LineSource):
    """One query on an oracledb connection."""

    asks_meanwhile = True

    def __init__(self, connection: sa.Connection, query: Query, conn_id: str, *, exact: bool) -> None:
        self._types: dict[str, str] = {}
        self._whole_numbers: set[str] = set()
        self._types_there: Any = connection.dialect.loaded_dbapi
        super().__init__(connection, query, conn_id, exact=exact)
        self._sort_as_compared()
        with self.errors():
            extra = connection.info.get("extra", dict)()
            self.doubts = check_source(self.raw, conn_id, query.text, extra)
        self.allow_lines(extra)
        self._binder = self.raw.cursor()

    def quote(self, name: str) -> str:
        # With the derived table's name: in ORDER BY, a bare name would mean the text that the column is read as.
        return f"src.{super().quote(name)}"

    def exact(self, column: str) -> str:
        form = self._form(column)
        return (
            self.quote(column)
            if form == "{}"
            else f"{form.format(self.quote(column))} AS {super().quote(column)}"
        )

    def _form(self, column: str) -> str:
        return AS_TEXT.get(self._types[column], "{}")

    def select(self, what: str, suffix: str = "", binds: Binds | None = None) -> tuple[str, Any]:
        if what == "*" and self._reads_text:
            what = ", ".join(map(self.exact, self._types))
        return super().select(what, suffix, binds)

    def first(
        self, what: str, condition: str = "", order: str = "", binds: Binds | None = None
    ) -> tuple[str, Any]:
        # ROWNUM, because FETCH FIRST came with 12.1, and makes the server number and sort the rows.
        if not order:
            return self.select(what, f" WHERE {f'({condition}) AND ' if condition else ''}ROWNUM = 1", binds)
        where = f" WHERE {condition}" if condition else ""
        text, values = self.select(what, f"{where} ORDER BY {order}", binds)
        return f"SELECT * FROM (\n{text}\n) WHERE ROWNUM = 1", values

    def written_types(self, forms: Sequence[PackedForm], read: Sequence[str]) -> dict[int, WrittenType]:
        return {i: WRITTEN[self._types[name]] for i, name in enumerate(read) if self._types[name] in WRITTEN}

    def pads(self, column: str) -> bool:
        return self._types[column] in ("DB_TYPE_CHAR", "DB_TYPE_NCHAR")

    def typed(self, column: str, placeholder: str) -> str:
        return TYPED.get(self._types[column], "{}").format(placeholder)

    def compare(self, columns: Sequence[str], operator: str, key: Key, binds: Binds) -> str:
        key = tuple(self._bound(column, value) for column, value in zip(columns, key, strict=True))
        return super().compare(columns, operator, key, binds)

    def _bound(self, column: str, value: Any) -> Any:
        """Convert a value of the column into its bind value."""
        type_ = self._types[column]
        if type_ in ZONED and isinstance(value, datetime):
            return moment_text(value)
        if type_ in BOUND:
            variable = self._binder.var(getattr(self._types_there, type_))
            variable.setvalue(0, value)
            return variable
        return value

    def last_key(self, columns: Sequence[str], part: Partition | None = None) -> Key | None:
        if unsorted := [column for column in columns if self._types[column] in UNSORTED]:
            raise SourceMismatchError(
                f"checkpoint_column: {', '.join(unsorted)} is {plain(self._types[unsorted[0]])}, which Oracle cannot "
                "sort by. Choose another column, or leave checkpoint_column out and give the query an ORDER BY."
            )
        if len(columns) > 1:
            return super().last_key(columns, part)
        # An index answers MAX without a scan.
        binds = Binds(self.paramstyle, self.query.parameters)
        greatest = self._form(columns[0]).format(f"MAX({self.quote(columns[0])})")
        greatest += f" AS {super().quote(columns[0])}"
        condition = self.within(part, binds).removeprefix(" AND ")
        row = self.one(self.select(greatest, f" WHERE {condition}" if condition else "", binds))
        if not row or row[0] is None:
            return None
        # The server describes the MAX of whole numbers as a number of any digits.
        return (int(row[0]),) if columns[0] in self._whole_numbers else tuple(row)

    def whole(self) -> tuple[str, Any]:
        return self.select("*") if self._reads_text else super().whole()

    def prefetch(self, route: RowRoute) -> Prefetch:
        return Prefetch.ALWAYS

    def interrupt(self) -> None:
        with suppress(self._types_there.Error):  # of a connection that is gone, where nothing runs any more
            self.raw.cancel()

    def cut(self) -> None:
        cut(self.raw)

    @contextmanager
    def stream(self, statement: tuple[str, Any], skip: int = 0, route: RowRoute = VALUES) -> Iterator[Reader]:
        text, values = statement
        if skip > 0:
            names = ", ".join(map(super().quote, self._types))
            counted = f"SELECT src.*, ROWNUM AS airflow_row FROM (\n{text}\n) src"
            text = f"SELECT {names} FROM (\n{counted}\n) WHERE airflow_row > {skip}"
        with self._cursor() as cursor:
            # One more, so that the last round trip of a block also shows whether another follows.
            cursor.arraysize, cursor.prefetchrows = self.rows_at_once, self.rows_at_once + 1
            lines = isinstance(route.form, LineForm)
            if lines:
                self.fetch_lines(cursor, route.form)
            errors = self.line_errors if lines else self.errors
            with errors():
                self._execute(cursor, (text, values))
            reader = Guarded(RowReader(cursor.fetchmany), errors)
            yield LineReader(reader, counted=True) if lines else reader

    def _execute(self, cursor: Any, statement: tuple[str, Any]) -> None:
        text, values = statement
        # The first rows come with the execution: a ValueError is about one of them.
        with fitting_parameters((TypeError, LookupError)):
            cursor.execute(*([text] if values is None else [text, values]))

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            with super().errors():
                yield
        except SourceError as error:
            if self.moment and (meant := at_moment(error, self.moment)) is not error:
                raise meant from None  # a new connection would not cure it
            if error_code(error.__cause__) != _AMBIGUOUS:
                raise
            raise SourceMismatchError(
                "sql: the query returns more than one column called by one name. Give each column a name of its own "
                "(SELECT a.id AS a_id, b.id AS b_id ...)."
            ) from error.__cause__
        except CheckpointError:
            raise
        except OSError as error:
            gone = f"Source {self.conn_id!r}: {one_line(error)}"
            raise SourceError(gone) from ConnectionGoneError(one_line(error))
        except UnicodeDecodeError as error:
            raise SourceError(
                f"Source {self.conn_id!r}: a text is not valid in the database's character set ({one_line(error)}). "
                "Have the query return the bytes of that column, by UTL_RAW.CAST_TO_RAW, and correct or decode them."
            ) from error
        except (ValueError, OverflowError) as error:  # what Python has no value for
            moments = [
                name
                for name, type_ in self._types.items()
                if type_.startswith(("DB_TYPE_DATE", "DB_TYPE_TIME"))
            ]
            raise SourceMismatchError(
                f"Source {self.conn_id!r}: {one_line(error)}. Python has no such value, such as a year before 1: have "
                f"the query return text instead, by TO_CHAR (of {', '.join(moments) or 'that column'})."
            ) from error

    @property
    def _reads_text(self) -> bool:
        return not AS_TEXT.keys().isdisjoint(self._types.values())

    def _sort_as_compared(self) -> None:
        """Have the session sort by NLS_SORT as it compares by NLS_COMP: rows in another order would be skipped."""
        rows = dict(self._all("SELECT parameter, value FROM nls_session_parameters"))
        if rows.get("NLS_COMP") != "LINGUISTIC" and rows.get("NLS_SORT") != "BINARY":
            self._all("ALTER SESSION SET NLS_SORT = BINARY")

    def _all(self, statement: str) -> list[Any]:
        with self.errors(), self._cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    @contextmanager
    def _cursor(self, **options: Any) -> Iterator[Any]:
        with super()._cursor(**options) as cursor:
            cursor.outputtypehandler = self._fetched
            yield cursor

    def _fetched(self, cursor: Any, column: Any) -> Any:
        """Return the variable to fetch a column into: digits are kept, LOBs are read whole, zones are read."""
        if not self._types:
            return as_it_is(cursor, column)
        type_ = column.type_code
        if type_ is self._types_there.DB_TYPE_NUMBER and not (column.scale == 0 and column.precision):
            return cursor.var(Decimal, arraysize=cursor.arraysize)
        if type_.name in WHOLE:
            return cursor.var(getattr(self._types_there, WHOLE[type_.name]), arraysize=cursor.arraysize)
        if is_json(column):  # which the driver would parse, and write 1.00 as 1.0
            return cursor.var(type_, column.display_size or 0, arraysize=cursor.arraysize)
        if self._types.get(column.name) in ZONED and type_ is self._types_there.DB_TYPE_VARCHAR:
            return cursor.var(type_, 64, arraysize=cursor.arraysize, outconverter=moment)
        return None

    def declared_columns(self, table: TableName | None) -> Mapping[str, DeclaredColumn]:
        required = self.required_columns(table) if table else frozenset()
        return described_columns(self._description, required)

    def _described(self, description: Sequence[Any]) -> None:
        self._description = list(description)
        for column in description:
            name, type_ = str(column[0]), column[1].name
            if type_ == "DB_TYPE_NUMBER" and column[4] and column[5] == 0:
                self._whole_numbers.add(name)
            if type_ in REFUSED:
                raise SourceMismatchError(
                    f"sql: {name} is {plain(type_)}, which cannot be carried over: {REFUSED[type_].format(name)}."
                )
            digits = column[5] or 0
            if type_.startswith(("DB_TYPE_TIMESTAMP", "DB_TYPE_INTERVAL_DS")) and digits > SECOND_DIGITS:
                raise SourceMismatchError(
                    f"sql: {name} has {digits} digits of a second, of which Python holds {SECOND_DIGITS}. Cast it "
                    f"in the query: {cast(name, type_)}, or TO_CHAR({name}, ...) to keep them all as text."
                )
            # A BLOB may hold text in any encoding of Unicode, or binary JSON; older servers have no function for that.
            binary = type_ == "DB_TYPE_BLOB" and is_json(column) and self.version >= _SERIALIZES_BLOBS
            self._types[name] = "DB_TYPE_JSON" if binary else type_
        sizes = [(self._types[str(column[0])], column[2] or 0) for column in description]
        self.rows_at_once = rows_at_once(sizes, buffers=not self.raw.thin)
