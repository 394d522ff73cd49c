"""Reading through any DB-API driver whose cursor returns rows as they come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from copy import copy
from enum import Enum
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import any_type, raw_connection, reading
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.rows.blocks import (
    READ_AT_ONCE,
    Guarded,
    Reader,
    Row,
    RowReader,
)
from airflow_checkpoint_provider.engine.databases.rows.routes import VALUES, PackedForm, RowRoute, RowUse
from airflow_checkpoint_provider.engine.databases.source_abilities import SourceAbilities
from airflow_checkpoint_provider.engine.databases.statements.binds import Binds
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.databases.statements.query import Query
from airflow_checkpoint_provider.engine.databases.values.written_types import WrittenType
from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    CheckpointError,
    InvalidCheckpointError,
    SourceError,
    one_line,
    shortened,
)
from airflow_checkpoint_provider.engine.model.key import Key, tie
from airflow_checkpoint_provider.engine.model.partition import Partition


class Prefetch(Enum):
    """When a thread reads ahead of the written rows."""

    NEVER = "never"
    ALWAYS = "always"
    WHILE_WAITING = "while the destination is waited for"


class Source(SourceAbilities):
    """
    One query on one connection.

    :param connection: an open connection that nothing else uses
    :param query: what to read
    :param conn_id: the Airflow connection, for messages
    :param exact: rows are passed on untouched, so values may come as text where Python would round them
    """

    waits_for_rows = True  # whether the driver asks the server for each block, or returns received rows
    asks_meanwhile = False  # whether another statement may run while the rows of one come in
    packed_forms: frozenset[str] = frozenset()  # names of the forms of whole rows that the server writes

    def __init__(self, connection: sa.Connection, query: Query, conn_id: str, *, exact: bool) -> None:
        super().__init__(connection, query)
        self.exact_values = exact
        self.conn_id = conn_id
        self.dialect = dialect_of(connection)
        self.raw = raw_connection(connection)
        self.columns = self._describe()

    def kept_places(self, forms: Sequence[PackedForm], read: Sequence[str]) -> frozenset[int]:
        """
        Return the places in a row of values that a destination is known to keep, by the types of both sides.

        :param forms: those that the destination reads
        :param read: the written columns, in the order of the destination's
        """
        return frozenset()

    def written_types(self, forms: Sequence[PackedForm], read: Sequence[str]) -> dict[int, WrittenType]:
        """
        Return the non-text types whose values come as text, by their places in a row.

        :param forms: those that the destination reads
        :param read: the written columns, in the order of the destination's
        """
        return {}

    def one(self, statement: tuple[str, Any]) -> Row | None:
        """Run a statement and return its first row."""
        with self.errors(), self._cursor() as cursor:
            self._execute(cursor, statement)
            row: Row | None = cursor.fetchone()
            return row

    def all(self, statement: tuple[str, Any]) -> Sequence[Row]:
        """Run a statement and return its rows, which are few."""
        with self.errors(), self._cursor() as cursor:
            self._execute(cursor, statement)
            rows: Sequence[Row] = cursor.fetchall()
            return rows

    def run(self, statement: str) -> None:
        """Run a statement that returns no rows."""
        with self.errors(), self._cursor() as cursor:
            cursor.execute(statement)

    def exists(self, condition: str, binds: Binds) -> bool:
        """Return whether the query returns a row that meets a condition."""
        return self.one(self.first("1", condition, binds=binds)) is not None

    @contextmanager
    def beside(self) -> Iterator[Source]:
        """Open another connection, for statements on the same query while its rows come in."""
        other = copy(self)
        with closing(self.connection.engine.connect()) as other.connection:
            other.raw = raw_connection(other.connection)
            yield other

    def tied(self, columns: Sequence[str], one: Key, other: Key) -> bool:
        """Return whether the database may treat two keys as equal."""
        return tie(one) == tie(other)

    def last_key(self, columns: Sequence[str], part: Partition | None = None) -> Key | None:
        """Return the greatest key at present, of a partition or of all rows; ``None`` without a row that has one."""
        return self._first_key(columns, part, " DESC")

    def _first_key(self, columns: Sequence[str], part: Partition | None, direction: str) -> Key | None:
        binds = Binds(self.paramstyle, self.query.parameters)
        there = self.key_condition(columns)
        order = ", ".join(f"{self.quote(column)}{direction}" for column in columns)
        what = ", ".join(map(self.exact, columns))
        row = self.one(self.first(what, f"{there}{self.within(part, binds)}", order, binds))
        return tuple(row) if row else None

    def count_nulls(self, columns: Sequence[str], part: Partition | None = None) -> int:
        """Count the rows in which a key column is NULL, of a partition or of all rows."""
        binds = Binds(self.paramstyle, self.query.parameters)
        condition = f" WHERE {self.null_condition(columns)}{self.within(part, binds)}"
        row = self.one(self.select("COUNT(*)", condition, binds))
        return int(row[0]) if row else 0

    def primary_key(self, table: TableName) -> list[str]:
        """Return the primary key of a table, or an empty list."""
        with suppress(sa.exc.NoSuchTableError), reading(self.connection), any_type():
            inspector = sa.inspect(self.connection)
            if found := table.resolve(inspector):
                key = inspector.get_pk_constraint(found.table, schema=found.schema)
                return list(map(self.dialect.reflected_name, key.get("constrained_columns") or []))
        return []  # a view has none

    def required_columns(self, table: TableName) -> frozenset[str]:
        """Return columns of a table that are known to have a value in every row; the query must be the table."""
        return frozenset()

    def tells_apart(self, column: str) -> bool:
        """Return whether values of the column differ for the server exactly where they differ in Python."""
        return False

    def packed_route(self, form: PackedForm, use: RowUse) -> RowRoute | str:
        """
        Choose how the server writes whole rows, in a form that the destination reads: all columns of a row, or none.

        :param form: one of :attr:`packed_forms`
        :return: the route, or why there is none
        """
        return f"the source does not write {form.name}"

    def value_route(self, route: RowRoute, use: RowUse) -> RowRoute:
        """Return a route of Python values, with the abilities of this source added."""
        return route

    @contextmanager
    def stream(self, statement: tuple[str, Any], skip: int = 0, route: RowRoute = VALUES) -> Iterator[Reader]:
        """
        Run a statement and yield a reader of its rows.

        :param skip: the number of rows to skip first
        """
        with self._cursor() as cursor:
            with suppress(
                AttributeError
            ):  # not every driver's cursor has it, and fetchmany is given the number as well
                cursor.arraysize = READ_AT_ONCE
            with self.errors():
                self._execute(cursor, statement)
                while skip > 0 and (rows := cursor.fetchmany(min(skip, READ_AT_ONCE))):
                    skip -= len(rows)
            yield Guarded(RowReader(cursor.fetchmany, waits=self.waits_for_rows), self.errors)

    def prefetch(self, route: RowRoute) -> Prefetch:
        """Return when rows may be read in another thread while others are written."""
        return Prefetch.NEVER

    def interrupt(self) -> None:
        """End the statement that runs in another thread."""

    def cut(self) -> None:
        """Make the connection fail for the thread that uses it, where :meth:`interrupt` does not end the statement."""

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn the driver's error into one that names the connection."""
        try:
            yield
        except CheckpointError:
            raise
        except self.connection.dialect.loaded_dbapi.Error as error:
            raise SourceError(f"Source {self.conn_id!r}: {one_line(error)}") from error

    def invalid_position(
        self, columns: Sequence[str], stored: str, now: Key | None
    ) -> InvalidCheckpointError:
        """Return the error for a stored position that does not fit the columns."""
        types = ", ".join(type(value).__name__ for value in now) if now else "unknown, there are no rows"
        return InvalidCheckpointError(
            f"Invalid checkpoint value: {shortened(stored)} is stored for {', '.join(columns)}, whose type in "
            f"{self.conn_id!r} now is {types}. Clear the task, or set force_reload, to load from the start."
        )

    def wrong_width(self, given: Sequence[str]) -> ArgumentError:
        """Return the error for a list of destination columns that does not fit the query."""
        return ArgumentError(
            f"destination_columns: {len(given)} columns are given for the {len(self.columns)} that the query "
            f"returns: {', '.join(self.columns)}. List one for each, or give a mapping to leave some out."
        )

    @contextmanager
    def _cursor(self, **options: Any) -> Iterator[Any]:
        cursor = self.raw.cursor(**options)
        try:
            yield cursor
        finally:
            # The connection may be gone by now; the error to raise is the one that ended it.
            with suppress(self.connection.dialect.loaded_dbapi.Error):
                cursor.close()

    def _execute(self, cursor: Any, statement: tuple[str, Any]) -> None:
        text, values = statement
        if values is None:
            cursor.execute(text)
        else:
            with fitting_parameters():
                cursor.execute(text, values)

    def _describe(self) -> list[str]:
        with self.errors(), self._cursor() as cursor:
            self._execute(cursor, self.select("*", " WHERE 1 = 0"))
            self._described(cursor.description)
            names = [str(column[0]) for column in cursor.description]
        # SQLite renames the second "id" of a derived table to "id:1".
        plain = [name.rpartition(":")[0] if name.rpartition(":")[2].isdigit() else name for name in names]
        double = sorted({p for p, n in zip(plain, names, strict=True) if p in names and plain.count(p) > 1})
        if double:
            raise self.double_columns(double)
        return names

    def double_columns(self, names: Sequence[str]) -> SourceError:
        """Return the error for columns of the query that have the same name."""
        return SourceError(
            f"sql: the query returns more than one column called {', '.join(names)}. "
            "Give each column a name of its own (SELECT a.id AS a_id, b.id AS b_id ...)."
        )

    def _described(self, description: Sequence[Any]) -> None:
        """Read the driver's description of the columns; the source of a driver that describes types overrides this."""


@contextmanager
def fitting_parameters(
    of_python: tuple[type[Exception], ...] = (TypeError, LookupError, ValueError, OverflowError),
) -> Iterator[None]:
    """
    Turn an error of Python that a driver raises for parameters that do not fit into one that names the argument.

    :param of_python: the errors that may be about parameters
    """
    try:
        yield
    except of_python as error:
        raise ArgumentError(
            f"parameters: they do not fit the placeholders of the query ({one_line(error)})."
        ) from error
