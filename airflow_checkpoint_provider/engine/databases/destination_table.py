"""The destination table: found in the catalog, and emptied, through any DB-API driver."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Self

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import (
    is_disconnect,
    paramstyle,
    raw_connection,
    reading,
)
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.statements.identifiers import (
    TableName,
    match_columns,
    quote_name,
)
from airflow_checkpoint_provider.engine.databases.statements.query import tokenize
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

CHANGING = frozenset(("DELETE", "INSERT", "MERGE", "REPLACE", "UPDATE"))
"""The first words of statements that change rows."""
_ROLLED_BACK = "nothing of it is committed"


def changed_rows(cursor: Any) -> int | None:
    """Return how many rows a statement has changed; ``None`` where the driver does not count them."""
    count = getattr(cursor, "rowcount", None)
    return count if isinstance(count, int) and count >= 0 else None


class DestinationTable:
    """
    One table on one connection: its facts, the deletion of its rows, and errors that name it.

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

    def empty(self) -> int | None:
        """
        Delete all rows, for ``replace``: DELETE everywhere, because TRUNCATE may commit by itself.

        :return: how many, where the driver counts them
        """
        with self.errors("could not be emptied"), self.all_rows(), closing(self.raw.cursor()) as cursor:
            cursor.execute(f"DELETE FROM {self.name}")
            rows = changed_rows(cursor)
        self.check_deleted(f"SELECT COUNT(*) FROM {self.name}", ())
        return rows

    def is_empty(self) -> bool | None:
        """
        Return whether the written table has no row.

        :return: ``None`` where the server refuses the query, as without the right to read
        """
        some: sa.Select[Any] = (
            sa.select(sa.literal_column("1")).select_from(sa.text("airflow_table")).limit(1)
        )
        written = str(some.compile(dialect=self.connection.dialect, compile_kwargs={"literal_binds": True}))
        try:
            # Without parameters, no driver looks for placeholders in the table's name.
            with reading(self.connection), closing(self.raw.cursor()) as cursor:
                cursor.execute(written.replace("airflow_table", self.name))
                return not cursor.fetchall()
        except self.connection.dialect.loaded_dbapi.Error as error:
            if is_disconnect(self.connection, error):
                raise
            return None

    def check_deleted(self, count: str, values: Any) -> None:
        """
        Check that the deleted rows are gone, where a trigger or a rule may have kept some.

        :param count: the query that counts the rows left
        :raises DestinationError: when there are any
        """
        if not self.facts.keeps_deleted:
            return
        with self.errors("could not be counted"), closing(self.raw.cursor()) as cursor:
            cursor.execute(count, *([values] if values else []))
            kept = int(cursor.fetchone()[0])
        if kept:
            raise DestinationError(
                f"Destination {self.conn_id!r}: {kept:,} rows of {self.table} are still there after they were deleted, "
                f"kept by {self.facts.keeps_deleted}, and nothing of it is committed. Use 'upsert', or drop that."
            )

    @contextmanager
    def all_rows(self) -> Iterator[None]:
        """Delete rows in this context, which raises an error where some are hidden from this session."""
        yield

    def run_script(self, script: str | Sequence[str]) -> list[tuple[str, int | None]]:
        """
        Run the preoperator's statements.

        :return: the first word of each, and the rows that it has changed where the driver counts them
        """
        ran = []
        for statement in [script] if isinstance(script, str) else script:
            with self.errors("refused the preoperator"), closing(self.raw.cursor()) as cursor:
                cursor.execute(statement)
                ran += self._results(cursor, statement)
        return ran

    def _results(self, cursor: Any, statement: str) -> list[tuple[str, int | None]]:
        """Return the executed statements, as :meth:`run_script` does."""
        pieces = tokenize(statement, self.dialect.tokens)
        verb = next((text for kind, text, _ in pieces if kind != "blank"), "").upper()
        if not verb:
            return []
        return [(verb, changed_rows(cursor) if verb in CHANGING else None)]

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
        """Set up writing, once before the first row."""

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
        with warnings.catch_warnings():
            # Types that SQLAlchemy does not know are left to the database.
            warnings.filterwarnings("ignore", "Did not recognize type", sa.exc.SAWarning)
            # SQLAlchemy cannot read a column of MySQL whose name has a line break: it is then reported as missing.
            warnings.filterwarnings("ignore", "Unknown (schema content|column)", sa.exc.SAWarning)
            columns = inspector.get_columns(self.table.table, schema=self.table.schema)
        return {str(column["name"]): column["type"] for column in columns}

    def _primary_key(self, inspector: sa.Inspector) -> list[str]:
        key = inspector.get_pk_constraint(self.table.table, schema=self.table.schema)
        return list(key.get("constrained_columns") or [])

    def _run(self, statement: str) -> None:
        cursor = self.raw.cursor()
        try:
            cursor.execute(statement)
        finally:
            cursor.close()

    def _find(self, wanted: Sequence[str], argument: str) -> list[str]:
        def missing(name: str) -> DestinationMismatchError:
            return DestinationMismatchError(
                f"{argument}: {self.table} in {self.conn_id!r} has no column {name!r}. "
                f"It has: {', '.join(self._existing)}."
            )

        return match_columns(wanted, self._existing, missing)
