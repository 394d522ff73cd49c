"""Writing a batch: as it is, or without the rows that the destination refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import cast

from airflow_checkpoint_provider.engine.databases.rows.blocks import BYTES_AT_ONCE, READ_AT_ONCE, Block, Rows
from airflow_checkpoint_provider.engine.databases.rows.routes import VALUES, RowRoute
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, BadRowsError, TooManyBadRowsError
from airflow_checkpoint_provider.engine.store.rejected.rejects import BadRow, Rejects
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.session import Session

SAVEPOINT_ROWS = 10_000
"""Rows in a savepoint: few enough to hold in memory and to write again, enough for its round trips."""

SAVEPOINT_BYTES = 2 * BYTES_AT_ONCE
"""Bytes in a savepoint, where the rows are large."""

Write = Callable[[Block], None]


class Writer:
    """
    Writes batches as they are: one bad row ends the attempt.

    :param route: the route of the rows
    """

    def __init__(self, context: AttemptContext, route: RowRoute = VALUES) -> None:
        self._destination = context.session.destination
        self._route = route
        rejects, attempt = context.store.rejects, context.attempt
        self.total = rejects.count(attempt.run_id) if rejects else 0
        """Rows of this load that were rejected, by earlier attempts and by this one."""
        self.newest: list[BadRow] = []

    @contextmanager
    def batch(self, written: int) -> Iterator[Write]:
        """
        Yield a function that writes rows; at the end, all of them are sent.

        :param written: rows of the load in the destination before
        """
        with self._destination.batch():
            yield partial(self._destination.write, route=self._route)
        self._destination.settle()


class Sorter(Writer):
    """
    Writes each part of a batch in a savepoint, and halves refused parts until the bad rows stand alone.

    The outcome is that of writing row by row, in their order. Bad rows are recorded in the same transaction.

    :param rejects: the table of rejected rows
    """

    def __init__(self, context: AttemptContext, rejects: Rejects, route: RowRoute) -> None:
        super().__init__(context, route)
        self._rejects = rejects
        self._attempt = context.attempt
        self._most = context.spec.max_rejected_rows

    @contextmanager
    def batch(self, written: int) -> Iterator[Write]:
        self.newest = []
        self._number = written + self.total
        waiting = Rows()

        def write(rows: Block) -> None:
            nonlocal waiting
            self._destination.check_width(rows)
            waiting += cast("Rows", rows)
            waiting.size += rows.size
            while len(waiting) >= SAVEPOINT_ROWS:
                self._write_part(Rows(waiting[:SAVEPOINT_ROWS]))
                waiting = Rows(waiting[SAVEPOINT_ROWS:])
            if waiting.size >= SAVEPOINT_BYTES:
                self._write_part(waiting)
                waiting = Rows()

        self._destination.check_at_once()
        yield write
        self._write_part(waiting)
        self.total += len(self.newest)

    def _write_part(self, rows: Rows) -> None:
        known = len(self.newest)
        self._sort(rows, self._number)
        self._number += len(rows)
        self._rejects.add(self.newest[known:], self._destination.columns, self._attempt)

    def _sort(self, rows: Rows, before: int) -> None:
        if not rows:
            return
        try:
            with self._destination.savepoint():
                for start in range(0, len(rows), READ_AT_ONCE):
                    self._destination.write(Rows(rows[start : start + READ_AT_ONCE]), self._route)
        except BadRowsError as error:
            if len(rows) == 1:
                self._put_aside(BadRow(before + 1, rows[0], error.reason), error)
                return
            refused = self._write_good(rows)
            if refused is not None:
                for place, reason in refused:
                    self._put_aside(BadRow(before + place + 1, rows[place], reason), error)
                return
        else:
            return
        middle = len(rows) // 2
        self._sort(Rows(rows[:middle]), before)
        self._sort(Rows(rows[middle:]), before + middle)

    def _write_good(self, rows: Rows) -> list[tuple[int, str]] | None:
        """Write all rows but the bad ones, where the destination can distinguish them by itself."""
        found: list[tuple[int, str]] = []
        try:
            with self._destination.savepoint():
                for start in range(0, len(rows), READ_AT_ONCE):
                    refused = self._destination.write_good(
                        Rows(rows[start : start + READ_AT_ONCE]), self._route
                    )
                    if refused is None:
                        return None
                    found += [(start + place, reason) for place, reason in refused]
        except BadRowsError:  # a value that is not even sent
            return None
        return found

    def _put_aside(self, bad: BadRow, error: BadRowsError) -> None:
        self.newest.append(bad)
        found = self.total + len(self.newest)
        if self._most is None or found <= self._most:
            return
        destination = self._destination
        earlier = (
            f"; the {self.total:,} of earlier batches are in {self._rejects.table}" if self.total else ""
        )
        raise TooManyBadRowsError(
            f"Destination {destination.conn_id!r}: {destination.table} has refused {found:,} rows of this load, more "
            f"than max_rejected_rows={self._most:,} allows. The batch is rolled back, its rejects with it{earlier}. "
            f"Row {bad.number:,} of the load was the last: {bad.error}. Correct the rows at the source, in the query "
            "or in rows_processor, or raise max_rejected_rows; the next attempt goes on after the last committed batch."
        ) from error


def check_rejecting(spec: TransferSpec, session: Session) -> None:
    """
    Check that bad rows can be sorted out in the destination.

    :raises ArgumentError: when they cannot
    """
    destination = session.destination
    if spec.on_bad_row == "reject" and not destination.dialect.savepoints:
        raise ArgumentError(
            "on_bad_row: 'reject' takes back a part of a transaction, with a savepoint, and it is not known that "
            f"{destination.conn_id!r} can do that: it is neither Postgres, MySQL, MariaDB, Oracle nor SQLite. Use "
            "on_bad_row='fail', and leave bad rows out in the query or in rows_processor."
        )


def open_writer(context: AttemptContext, route: RowRoute) -> Writer:
    """Return the writer of the batches."""
    if context.spec.on_bad_row == "reject" and context.store.rejects:
        return Sorter(context, context.store.rejects, route)
    return Writer(context, route)
