"""The destination table as the catalog has it: its columns, their types and its facts, with errors that name it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import any_type, paramstyle, raw_connection
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.statements.identifiers import (
    TableName,
    match_columns,
    quote_name,
)
from airflow_checkpoint_provider.engine.databases.table_facts import TableFacts
from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    BadRowsError,
    CheckpointError,
    DestinationError,
    DestinationMismatchError,
    RaisedBatchError,
    one_line,
)

_ROLLED_BACK = "nothing of it is committed"


class DescribedTable:
    """
    One table on one connection: its facts, and errors that name it.

    :param connection: the connection on which the checkpoint is written, too
    :param table: the table, as the user named it
    :param conn_id: the Airflow connection, for messages
    :param write_mode: ``append``, ``upsert``, ``replace`` or ``replace_atomic``
    """

    raised_before = False
    """A RaisedBatchError has ended the last attempt to write the same rows: another one is about them."""

    def __init__(self, connection: sa.Connection, table: TableName, conn_id: str, write_mode: str) -> None:
        self.connection = connection
        self.conn_id = conn_id
        self.write_mode = write_mode
        self.dialect = dialect_of(connection)
        self.raw = raw_connection(connection)
        self.table = table
        self.name = table.quote(connection.dialect)
        self.columns: list[str] = []
        self.conflict_columns: list[str] = []
        self.facts = TableFacts()
        self._existing: list[str] = []
        self._types: list[Any] = []

    def prepare(
        self,
        columns: Sequence[str],
        conflict_columns: Sequence[str] | None,
        check: Callable[[Self], None] = lambda _: None,
    ) -> None:
        """
        Read the table's present facts, and prepare to write to it; the caller commits.

        :param columns: destination columns in the order of the rows
        :param conflict_columns: the key for ``upsert``; by default the primary key
        :param check: called when the table, its facts and its columns are known, before any change
        :raises DestinationError: when the table or a column does not exist
        :raises ArgumentError: when there is no key to upsert by
        """
        self.describe(columns, conflict_columns, check)
        with self.errors("cannot be written as asked", "nothing is changed"):
            self._set_up()

    def describe(
        self,
        columns: Sequence[str],
        conflict_columns: Sequence[str] | None,
        check: Callable[[Self], None] = lambda _: None,
    ) -> None:
        """
        Read the table's present facts, and all that writing to it depends on; nothing is changed or created.

        The parameters and errors are those of :meth:`prepare`.
        """
        inspector = sa.inspect(self.connection)
        self.find(inspector)
        existing = self._columns_there(inspector)
        self._existing = list(existing)
        self.columns = self._find(columns, "destination_columns")
        self._types = [existing[column] for column in self.columns]
        if len(set(self.columns)) < len(self.columns):
            raise ArgumentError("destination_columns: a column of the destination is named twice.")
        if self.write_mode == "upsert":
            self.conflict_columns = self._conflict_key(conflict_columns or self._primary_key(inspector))
        self.ask_facts()
        check(self)
        with self.errors("cannot be written as asked", "nothing is changed"):
            self._prepared()

    def ask_facts(self) -> None:
        """
        Read :attr:`facts` from the catalog.

        :raises DestinationError: when the catalog cannot be read
        """
        schema, table = self.table.in_catalog(self.connection.dialect)
        deletes = self.write_mode in ("replace", "replace_atomic")
        try:
            self.facts = self.dialect.table_facts(self.connection, table, schema, self.name, deletes=deletes)
        except (sa.exc.DBAPIError, self.connection.dialect.loaded_dbapi.Error) as error:
            raise DestinationError(
                f"Destination {self.conn_id!r}: the catalog does not describe {self.table}: {one_line(error)}"
            ) from error

    def find(self, inspector: sa.Inspector) -> None:
        """
        Take the table's name from the catalog.

        :raises DestinationError: when the table does not exist
        """
        found = self.table.resolve(inspector)
        if found is None:
            raise DestinationMismatchError(
                f"destination_table: there is no table {self.table} in {self.conn_id!r}. Create it first (the "
                "preoperator can do that), or check the schema and the spelling."
            )
        self.table, self.name = found, found.quote(self.connection.dialect)

    @contextmanager
    def errors(self, what: str, outcome: str = _ROLLED_BACK) -> Iterator[None]:
        """Turn the driver's error into one that names the table."""
        try:
            yield
        except CheckpointError:
            raise
        # The last two are how drivers refuse a text that is not Unicode, and a number that is too large.
        except (self.connection.dialect.loaded_dbapi.Error, UnicodeError, OverflowError) as error:
            raise self.refusal(error, what, outcome, of_rows=self.dialect.blames_rows(error)) from error

    def refusal(
        self, error: BaseException, what: str, outcome: str = _ROLLED_BACK, *, of_rows: bool
    ) -> DestinationError:
        """
        Return the error that names the table.

        :param error: the driver's
        :param of_rows: it blames the values of rows, or a trigger has raised it, which may be for the values
        """
        message = f"Destination {self.conn_id!r}: {self.table} {what}, and {outcome}: {one_line(error)}"
        if not of_rows:
            return DestinationError(message)
        if self.dialect.starts_again(error) and not self.raised_before:
            return RaisedBatchError(message)
        return BadRowsError(message, one_line(error))

    def quote(self, name: str) -> str:
        """Quote a column name as the catalog has it."""
        return quote_name(name, self.connection.dialect)

    def type_of(self, column: str) -> Any:
        """Return the type of a written column, as the catalog has it."""
        return self._types[self.columns.index(column)]

    @property
    def style(self) -> str:
        """The driver's paramstyle."""
        return paramstyle(self.connection)

    @property
    def types(self) -> list[Any]:
        """The types of the written columns, as the catalog or the driver has them."""
        return self._types

    def _prepared(self) -> None:
        """Read what writing depends on, once before the first row."""

    def _set_up(self) -> None:
        """Create what the rows go through in this session, such as a temporary table."""

    def _conflict_key(self, wanted: Sequence[str] | None) -> list[str]:
        if not wanted:
            raise ArgumentError(
                f"conflict_columns: {self.table} has no primary key, so write_mode='upsert' needs the columns "
                "that tell its rows apart (with a unique index on them)."
            )
        found = self._find(wanted, "conflict_columns")
        if missing := [column for column in found if column not in self.columns]:
            raise ArgumentError(
                f"conflict_columns: {', '.join(missing)} is not among the columns that are loaded: "
                f"{', '.join(self.columns)}."
            )
        return found

    def _columns_there(self, inspector: sa.Inspector) -> dict[str, Any]:
        """Return the table's columns with their types."""
        with any_type():
            columns = inspector.get_columns(self.table.table, schema=self.table.schema)
        return {self.dialect.reflected_name(str(column["name"])): column["type"] for column in columns}

    def _primary_key(self, inspector: sa.Inspector) -> list[str]:
        key = inspector.get_pk_constraint(self.table.table, schema=self.table.schema)
        return list(map(self.dialect.reflected_name, key.get("constrained_columns") or []))

    def _find(self, wanted: Sequence[str], argument: str) -> list[str]:
        def missing(name: str) -> DestinationMismatchError:
            return DestinationMismatchError(
                f"{argument}: {self.table} in {self.conn_id!r} has no column {name!r}. "
                f"It has: {', '.join(self._existing)}."
            )

        return match_columns(wanted, self._existing, missing)
