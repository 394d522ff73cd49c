"""Writing through any DB-API driver, with ``executemany``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.destination_table import DestinationTable
from airflow_checkpoint_provider.engine.databases.rows.blocks import Block, Rows
from airflow_checkpoint_provider.engine.databases.rows.routes import VALUES, PackedForm, RowRoute
from airflow_checkpoint_provider.engine.databases.statements.binds import Binds
from airflow_checkpoint_provider.engine.databases.values.written_types import WrittenKind
from airflow_checkpoint_provider.engine.model.errors import (
    BadRowsError,
    DestinationError,
    DestinationMismatchError,
)


class Destination(DestinationTable):
    """One table on one connection, and the rows written to it; its transactions are the caller's."""

    leaves_out: str = "a trigger"
    """What may leave rows out without an error, for messages."""

    is_staging = False
    """Rows are written to another table, which :attr:`facts` are not about."""

    def write_into(self, name: str) -> None:
        """
        Write rows to another table from here on; it has the written columns.

        :param name: as it stands in a statement
        """
        self.name, self.is_staging = name, True
        self._prepared()
        self._set_up()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Write the rows of a batch; the last of them are sent when it ends."""
        yield

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Write a part of a batch in a savepoint: an error rolls back this part alone."""
        refused: DestinationError | None = None
        try:
            with self.connection.begin_nested():
                try:
                    with self.batch():
                        yield
                except DestinationError as error:
                    refused = error
                    raise
        except sa.exc.DBAPIError:
            # After a deadlock, MySQL has rolled back the whole transaction, and the savepoint with it.
            if refused is None or isinstance(refused, BadRowsError):
                raise
            raise refused from refused.__cause__

    def insertion(self) -> str:
        """Return the beginning of an INSERT, in which a row that violates a constraint is an error."""
        return "INSERT INTO"

    def settle(self) -> None:
        """
        Check deferred constraints now, so that a violation is an error of the rows.

        :raises DestinationError: when one is violated
        """
        if self.facts.checks_at_commit:
            with self.errors("refused the batch"):
                self.check_at_once()

    @contextmanager
    def commit_errors(self) -> Iterator[None]:
        """Turn the driver's error at a commit into one that names the table."""
        try:
            yield
        except sa.exc.DBAPIError as error:
            if error.statement is not None or error.connection_invalidated or not error.orig:
                raise
            with suppress(Exception):
                self.raw.rollback()  # in SQLite a refused commit leaves the transaction open
            of_rows = self.dialect.blames_rows(error.orig)
            raise self.refusal(error.orig, "refused the commit", of_rows=of_rows) from error

    def check_at_once(self) -> None:
        """Have this transaction check deferred constraints now instead of at its commit, where the server can."""

    written_forms: frozenset[str] = frozenset()
    """Names of the forms of whole rows that the source writes."""

    def packed_forms(self) -> Sequence[PackedForm]:
        """Return the forms of whole rows that are passed on unread, the fastest first; the table must be prepared."""
        return ()

    def reads(self, index: int, kind: WrittenKind) -> bool:
        """
        Return whether a written column reads the text of each value that it accepts as that value.

        :param index: its place in a row
        :param kind: the kind of the text
        """
        type_ = self._types[index]
        if isinstance(type_, sa.String):
            return not isinstance(type_, sa.Enum)
        if isinstance(type_, sa.types.NullType):  # the catalog knows no more of the type
            return kind.hides_no_number
        known = {WrittenKind.JSON: sa.JSON, WrittenKind.SPAN: sa.Interval}
        return kind in known and isinstance(type_, known[kind])

    def declared(self, index: int) -> str:
        """Return the type of a written column as SQL names it, as far as that is known."""
        return str(self._types[index])

    def text_digits(self, column: str) -> float:
        """
        Return how many digits a written column keeps of a number given as text.

        :return: 0 where the database has types for numbers and times, and is to be given those
        """
        return 0

    def write(self, rows: Block, route: RowRoute = VALUES) -> None:
        """
        Write rows in the current transaction.

        :param route: how they travel
        :raises DestinationError: when the database refuses them
        """
        if not rows:
            return
        self.check(rows)
        with self.errors("refused the batch"):
            taken = self._write(rows, route)
            if taken is not None:
                self.compare(len(rows), taken)

    def write_good(self, rows: Block, route: RowRoute = VALUES) -> list[tuple[int, str]] | None:
        """
        Write all rows except those that the database refuses, as if they were written one by one.

        :return: the places of the refused rows, each with the reason; ``None`` where one call cannot do this
        :raises BadRowsError: when it cannot be done for these rows; some of them may be written
        """
        return None

    def compare(self, sent: int, taken: int) -> None:
        """
        Compare the number of rows sent with the server's count of the rows taken.

        :raises BadRowsError: when they differ
        """
        if sent != taken:
            reason = f"{self.table} took {taken:,} of {sent:,} rows, without an error: {self.leaves_out}"
            raise BadRowsError(
                f"Destination {self.conn_id!r}: {reason} leaves rows out. Nothing of the batch is committed. Remove "
                "it, or leave these rows out in the query or in rows_processor.",
                reason,
            )

    def check(self, rows: Block) -> None:
        """
        Check rows before they are written, whatever their route.

        :raises BadRowsError: for a row that the server would store as another one
        """
        self.check_width(rows)
        if self.write_mode == "upsert" and isinstance(rows, Rows):
            self._check_keys(rows)

    def check_width(self, rows: Block) -> None:
        """
        Check that each row has as many values as there are columns.

        :raises DestinationError: when one has more or fewer
        """
        if isinstance(rows, Rows) and (wrong := set(map(len, rows)) - {len(self.columns)}):
            raise DestinationMismatchError(
                f"Rows of {min(wrong)} values do not fit the {len(self.columns)} columns that are written: "
                f"{', '.join(self.columns)}. Set destination_columns to what rows_processor returns."
            )

    def _check_keys(self, rows: Rows) -> None:
        """Refuse a row with NULL in its key: it is equal to no row, so each load would insert it again."""
        for name in self.conflict_columns:
            index = self.columns.index(name)
            if self._is_absent(row[index] for row in rows):
                raise self.null_key(name)

    def _is_absent(self, values: Iterable[Any]) -> bool:
        return any(value is None for value in values)

    def null_key(self, column: str) -> BadRowsError:
        """Return the error for a row with NULL in a column of the conflict key."""
        reason = (
            f"{column} of {self.table} is NULL, and it is among conflict_columns: a NULL is equal to no other, so each "
            "load would insert the row once more."
        )
        return BadRowsError(
            f"Destination {self.conn_id!r}: {reason} Nothing of the batch is committed. Leave such rows out in the "
            "query, give them a value there, or set them aside with on_bad_row='reject'.",
            reason,
        )

    def insert_statement(self) -> str:
        """Write the INSERT with the driver's placeholders."""
        binds = Binds(self.style, None)
        values = ", ".join(binds.add(None) for _ in self.columns)
        names = binds.escape(", ".join(map(self.quote, self.columns)))
        return f"{self.insertion()} {binds.escape(self.name)} ({names}) VALUES ({values})"

    def writing_statements(self) -> list[str]:
        """Return the statements that write a batch, with the driver's placeholders; the table must be described."""
        return [self.insert_statement()]

    def bound(self, index: int, value: Any) -> tuple[str, Any]:
        """Return how a value is compared with a written column: the SQL around the placeholder, and the value."""
        return "{}", value

    def _write(self, rows: Any, route: RowRoute) -> int | None:
        """Write rows, and return the server's count of the rows taken; ``None`` without such a count."""
        cursor = self.raw.cursor()
        try:
            cursor.executemany(self.insert_statement(), rows)
        finally:
            cursor.close()
        return None  # not every driver counts the rows of executemany
