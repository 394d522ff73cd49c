"""Rejected rows written again, each in one transaction with its removal from the rejects."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.admin.replay.checks import (
    check_corrected,
    check_load,
    find_table,
    prepare,
)
from airflow_checkpoint_provider.engine.admin.replay.order import behind_last, in_turn, wanted_in_turn
from airflow_checkpoint_provider.engine.admin.replay.request import (
    Replay,
    Replayed,
    and_corrected,
    rows_are,
    which_gone,
)
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
from airflow_checkpoint_provider.engine.store.rejected.rejects import Kept
from airflow_checkpoint_provider.engine.store.rejected.rows import UnknownValueError
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.engine.transfer.staging.publish import lock_writers

_LOCK_S = 30.0


def replay(asked: Replay, database: Database, tables: Tables, identity: Identity) -> Replayed:
    """
    Write rejected rows again: each one is deleted and written in one savepoint, some in one transaction.

    A row that the destination refuses stays, with the new reason.

    :param database: the destination, which has the metadata tables, too
    :raises ArgumentError: when the rows of this load cannot be written now; nothing is changed
    :raises DestinationError: when the destination fails for another reason than a row; rows of earlier transactions
        are written
    """
    connection = database.open(lock_timeout=_LOCK_S, for_writing=True, bounded=True)
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
                f"{rows_are(done.written)} written and removed; the others stay: {one_line(error)}"
            ) from error
        with reading(self._connection):
            done.left = self._store.rejects.count()
        return done

    def _run(self) -> None:
        asked, done, tried = self._asked, self._done, 0
        gone: list[int] = []
        if asked.corrected is None:
            ids: Iterable[int] = wanted_in_turn(self._store.rejects, asked.wants)
        else:
            meant, gone = check_corrected(asked, self._store.rejects)
            ids = behind_last(self._store.rejects, meant)
        # One more than wanted shows whether there are others.
        most = None if asked.limit is None else asked.limit + 1
        for rows in in_turn(self._store.rejects, ids, most):
            if asked.limit is not None and tried + len(rows) > asked.limit:
                rows = rows[: asked.limit - tried]
                done.complete = False
            # Without the first ones, a request that takes long to find them would never get on.
            if not rows or (tried and self._is_late()):
                done.complete = False
                break
            tried += len(rows)
            self._prepare(list(rows[0].row.values))
            self._write(rows)
        if gone and done.complete:
            raise ArgumentError(
                f"{which_gone(gone, len(asked.corrected or ()))} not among the rejected rows of "
                f"{self._store.identity}: written since, or of another load."
            )

    def _is_late(self) -> bool:
        return time.monotonic() > self._until

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
        """Write rows in one transaction; where the commit refuses them, in two, down to the row that is to blame."""
        try:
            self._write_together(rows)
        except BadRowsError as error:
            if len(rows) == 1:
                self._refuse(rows[0], error.reason)
                return
            middle = len(rows) // 2
            self._write(rows[:middle])
            if self._is_late():
                self._done.complete = False
            else:
                self._write(rows[middle:])

    def _write_together(self, rows: Sequence[Kept]) -> None:
        written, refused, corrected = 0, [], []
        with self._destination.commit_errors(), self._store.transaction():
            checkpoint = self._locked(with_table=True)
            self._destination.check_at_once()
            for kept in rows:
                try:
                    if self._write_one(kept):
                        written += 1
                        if kept.row.differs(self._values_for(kept)):
                            corrected.append(kept.number)
                except (BadRowsError, UnknownValueError) as error:
                    reason = error.reason if isinstance(error, BadRowsError) else str(error)
                    self._store.rejects.refuse_again(kept.id, reason, self._asked.who)
                    refused.append(reason)
            if written:
                detail = f"{rows_are(written, 'was', 'were')} written, {len(refused):,} refused again"
                self._store.note_replayed(checkpoint, written, detail + and_corrected(corrected))
        self._count(written, refused)

    def _refuse(self, kept: Kept, reason: str) -> None:
        """Record that the commit has refused a row."""
        with self._store.transaction():
            self._locked()
            self._store.rejects.refuse_again(kept.id, reason, self._asked.who)
        self._count(0, [reason])

    def _count(self, written: int, refused: Sequence[str]) -> None:
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

    def _values_for(self, kept: Kept) -> Mapping[str, Any]:
        return (self._asked.corrected or {}).get(kept.id, {})

    def _write_one(self, kept: Kept) -> bool:
        """Write a row and delete it from the rejects; return whether it was still there."""
        values = kept.row.restored(self._values_for(kept))
        self._check_key(values)
        with self._destination.savepoint():
            if not self._store.rejects.take(kept.id):
                return False
            self._destination.write(Rows([tuple(values.values())]))
        return True
