"""Rejected rows written again, each in one transaction with its removal from the rejects."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.admin.replay_checks import check_load, find_table, prepare
from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.registry import open_destination
from airflow_checkpoint_provider.engine.databases.rows.blocks import Rows
from airflow_checkpoint_provider.engine.databases.statements.identifiers import match_column
from airflow_checkpoint_provider.engine.model.checkpoint import Attempt, Checkpoint, Identity
from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    BadRowsError,
    CheckpointError,
    DestinationError,
    MetadataTableError,
    one_line,
)
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.store.checkpoint_store import SqlStore
from airflow_checkpoint_provider.engine.store.history import History
from airflow_checkpoint_provider.engine.store.reject_reasons import reason_of
from airflow_checkpoint_provider.engine.store.reject_rows import UnknownValueError
from airflow_checkpoint_provider.engine.store.rejects import Kept
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.engine.transfer.staging.publish import lock_writers

ROWS_AT_ONCE = 200
"""Rows of one transaction, which locks the checkpoint meanwhile."""
_LOCK_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Replay:
    """
    A request to write rejected rows again.

    :param who: for the history
    :param error: only rows whose error contains this text, or has a reason that begins so
    :param corrected: other values, by the row's id and by column, in the form of JSON; then only these rows
    :param limit: at most so many rows; ``None`` for all
    :param overwrite: a row of an upsert replaces the row with its key, which a later load may have written
    :param seconds: no transaction begins after so long
    """

    who: str
    error: str | None = None
    corrected: Mapping[int, Mapping[str, Any]] | None = None
    limit: int | None = None
    overwrite: bool = False
    seconds: float = float("inf")

    def wants(self, kept: Kept) -> bool:
        """Return whether a row is meant."""
        if self.corrected is not None and kept.id not in self.corrected:
            return False
        return self.error is None or self.error in kept.error or reason_of(kept.error).startswith(self.error)


@dataclass(slots=True)
class Replayed:
    """
    The outcome.

    :param written: rows that are in the destination now, and no longer among the rejects
    :param refused: rows that the destination has refused once more; they have the new reason
    :param left: rejected rows of the load that are left, the refused ones among them
    :param reason: why the first of the refused ones was
    :param complete: whether all rows that were meant have been tried
    """

    written: int = 0
    refused: int = 0
    left: int = 0
    reason: str = ""
    complete: bool = True

    def as_words(self) -> str:
        """Return the outcome as sentences."""
        rows = "1 row" if self.written == 1 else f"{self.written:,} rows"
        said = f"{rows} written, {self.left:,} still rejected."
        if self.refused:
            said += f" {self.refused:,} refused again; the first: {self.reason}"
        if not self.complete:
            said += " Not all were tried: repeat it for the rest."
        return said


def replay(asked: Replay, database: Database, tables: Tables, identity: Identity) -> Replayed:
    """
    Write rejected rows again: each one is deleted and written in one savepoint, some in one transaction.

    A row that the destination refuses stays, with the new reason.

    :param database: the destination, which has the metadata tables, too
    :raises ArgumentError: when the rows of this load cannot be written now; nothing is changed
    :raises DestinationError: when the destination fails for another reason than a row; rows of earlier transactions
        are written
    """
    connection = database.open(lock_timeout=_LOCK_S, for_writing=True)
    try:
        if not tables.exist(connection):
            raise MetadataTableError(f"There is no metadata table {tables.name} in {database.conn_id!r}.")
        nobody = Attempt(identity.run_id, None, 0, 0, 0, 0, asked.who)
        kept = tables.keeps_rejects(connection)
        store = SqlStore(connection, tables, identity, nobody, _LOCK_S, rejects=kept)
        return _Replaying(asked, connection, tables, store, database.conn_id).run()
    finally:
        with suppress(sa.exc.DBAPIError):
            connection.close()


class _Replaying:
    """One request, on its own connection."""

    def __init__(
        self, asked: Replay, connection: sa.Connection, tables: Tables, store: SqlStore, conn_id: str
    ) -> None:
        self._asked = asked
        self._connection = connection
        self._tables = tables
        self._store = store
        self._conn_id = conn_id
        self._until = time.monotonic() + asked.seconds
        self._columns: list[str] = []
        self._found: set[int] = set()
        self._done = Replayed()

    def run(self) -> Replayed:
        done = self._done
        with self._store.transaction():
            self._checkpoint = self._locked()
        try:
            self._run()
        except (CheckpointError, sa.exc.DBAPIError) as error:
            if not done.written:
                raise
            raise DestinationError(
                f"{done.written:,} rejected rows are written and removed; the others stay: {one_line(error)}"
            ) from error
        with reading(self._connection):
            done.left = self._store.rejects.count()
        return done

    def _run(self) -> None:
        done, tried = self._done, 0
        for rows in self._some_at_a_time():
            if self._asked.limit is not None and tried + len(rows) > self._asked.limit:
                rows = rows[: self._asked.limit - tried]
                done.complete = False
            if not rows or time.monotonic() > self._until:
                done.complete = False
                break
            tried += len(rows)
            self._prepare(list(rows[0].row.values))
            self._write(rows)
        missing = set(self._asked.corrected or ()) - self._found
        if missing and done.complete:
            raise ArgumentError(
                f"There is no rejected row {min(missing)} of {self._store.identity}: it was written since, or is of "
                "another load."
            )

    def _some_at_a_time(self) -> Iterator[Sequence[Kept]]:
        """Yield the rows that are meant, in their order, those with the same columns together."""
        last = 0
        while True:
            with reading(self._connection):
                found = self._store.rejects.after(last, ROWS_AT_ONCE)
            if not found:
                return
            last = found[-1].id
            wanted = [kept for kept in found if kept.row.readable and self._asked.wants(kept)]
            self._found.update(kept.id for kept in wanted)
            for _, same in groupby(wanted, key=lambda kept: (*kept.row.values,)):
                yield list(same)

    @cached_property
    def _facts(self) -> LoadFacts:
        with reading(self._connection):
            facts = History(self._connection, self._tables).facts(self._store.identity)
        if facts is None:
            raise ArgumentError(
                f"How {self._store.identity} writes its rows is not in its history, so they cannot be written alike."
            )
        if self._asked.overwrite and facts.write_mode != "upsert":
            raise ArgumentError(
                f"overwrite: the load has write_mode={facts.write_mode!r}, and only an upsert replaces rows."
            )
        return facts

    @cached_property
    def _destination(self) -> Destination:
        mode = "upsert" if self._asked.overwrite else "append"
        with reading(self._connection):
            table = find_table(self._connection, self._checkpoint, self._conn_id)
            found = open_destination(self._connection, table, self._conn_id, mode)
            # What a trigger raises is about the row, which was refused for it before.
            found.raised_before = True
            return found

    def _prepare(self, columns: list[str]) -> None:
        if columns == self._columns:
            return
        prepare(self._destination, columns, self._facts, self._checkpoint, self._tables)
        self._columns = columns

    def _locked(self, *, with_table: bool = False) -> Checkpoint:
        """
        Lock the checkpoint, so that no attempt begins, and check that its rows may be written now.

        :param with_table: lock the table as well: a load that is about to empty it would not see the rows
        """
        checkpoint = self._store.lock()
        if with_table and checkpoint is not None:
            with self._destination.errors("could not be locked"):
                lock_writers(self._destination)
        return check_load(checkpoint, self._store, self._connection, self._tables)

    def _write(self, rows: Sequence[Kept]) -> None:
        written, refused = 0, []
        with self._destination.commit_errors(), self._store.transaction():
            checkpoint = self._locked(with_table=True)
            self._destination.check_at_once()
            for kept in rows:
                try:
                    written += self._write_one(kept)
                except (BadRowsError, UnknownValueError) as error:
                    reason = error.reason if isinstance(error, BadRowsError) else str(error)
                    self._store.rejects.refuse_again(kept.id, reason, self._asked.who)
                    refused.append(reason)
            if written:
                detail = f"{written:,} rejected rows were written, {len(refused):,} refused again"
                self._store.note_replayed(checkpoint, written, detail)
        self._done.written += written
        self._done.refused += len(refused)
        self._done.reason = self._done.reason or next(iter(refused), "")

    def _check_key(self, values: Mapping[str, Any]) -> None:
        """Refuse a NULL in the key of an upsert as a load does: inserted, it would be there once more each time."""
        if self._facts.write_mode == "upsert" and not self._asked.overwrite:
            for column in self._facts.conflict_columns:
                name = match_column(column, list(values))
                if name is not None and values[name] is None:
                    raise self._destination.null_key(name)

    def _write_one(self, kept: Kept) -> bool:
        """Write a row and delete it from the rejects; return whether it was still there."""
        corrected = (self._asked.corrected or {}).get(kept.id)
        values = kept.row.restored(corrected)
        self._check_key(values)
        with self._destination.savepoint():
            if not self._store.rejects.take(kept.id):
                return False
            self._destination.write(Rows([tuple(values.values())]))
        return True
