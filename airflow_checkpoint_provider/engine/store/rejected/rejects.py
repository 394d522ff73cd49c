"""Rows that the destination has refused, kept beside the checkpoint: written with it, counted, read, deleted."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.rows.blocks import Row
from airflow_checkpoint_provider.engine.model.checkpoint import Attempt, Identity
from airflow_checkpoint_provider.engine.model.errors import CheckpointError, one_line
from airflow_checkpoint_provider.engine.store.bounded_queries import distinct, page
from airflow_checkpoint_provider.engine.store.rejected.reasons import MOST_READ, ReasonCount, grouped
from airflow_checkpoint_provider.engine.store.rejected.rows import StoredRow, row_in, row_text
from airflow_checkpoint_provider.engine.store.row_mapper import identity_of_row, identity_values, is_identity
from airflow_checkpoint_provider.engine.store.row_reading import DAMAGED, each_row
from airflow_checkpoint_provider.engine.store.schema.columns import IDENTITY_COLUMNS, _reject_table
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.engine.store.stored_values import LONGEST_MESSAGE, checked, columns_to_read

log = logging.getLogger(__name__)

_AT_ONCE = 100  # checkpoints whose rows are counted in one statement
_COLUMNS = dict(_reject_table("reject", sa.MetaData()).columns)
del _COLUMNS["row_data"]  # of any length


@dataclass(frozen=True, slots=True)
class Reject:
    """
    A refused row.

    :param id: grows with each rejected row of the table
    :param identity: the checkpoint of the load
    :param run_id: the run that has read it, also where the checkpoint spans runs
    :param row_no: its number among the rows that the load has sent to the destination, from 1
    :param row: its values by the destination's columns; as text where JSON has no form for them
    :param readable: whether the stored text is a row; where not, it is the only value
    :param error: the destination's error
    :param try_number: the attempt that has read it
    :param who: host and process of that attempt
    :param recorded_at: when it was refused, in UTC
    """

    id: int
    identity: Identity
    run_id: str
    row_no: int
    row: dict[str, Any]
    readable: bool
    error: str
    try_number: int
    who: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """
    A refused row that may be written again.

    :param id: its id among all
    :param number: its number among the rows that its load has sent to the destination
    :param error: the destination's error
    :param row: as it is stored
    """

    id: int
    number: int
    error: str
    row: StoredRow


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that the destination refuses, before it is recorded."""

    number: int
    row: Row
    error: str


class Rejects:
    """
    The rejected rows of one checkpoint, on a connection whose transactions are the caller's.

    :param there: whether the table exists; without it nothing was ever rejected
    """

    def __init__(
        self, connection: sa.Connection, tables: Tables, identity: Identity, *, there: bool = True
    ) -> None:
        self._connection = connection
        self._table = tables.reject
        self._identity = identity
        self._mine = is_identity(self._table, identity)
        self._there = there

    @property
    def table(self) -> str:
        return self._table.fullname

    def count(self, run_id: str | None = None) -> int:
        """Count them; with ``run_id`` those of one run."""
        if not self._there:
            return 0
        statement = sa.select(sa.func.count()).select_from(self._table).where(self._of(run_id))
        with reading(self._connection):
            return int(self._connection.execute(statement).scalar_one())

    def add(self, rows: Sequence[BadRow], columns: Sequence[str], attempt: Attempt) -> None:
        """Record rows."""
        now = datetime.now(UTC)
        values = [
            {
                **identity_values(self._identity),
                "current_run_id": attempt.run_id,
                "row_no": bad.number,
                "row_data": row_text(columns, bad.row),
                "error": _storable(bad.error),
                "try_number": attempt.try_number,
                "who": attempt.owner,
                "recorded_at": now,
            }
            for bad in rows
        ]
        if values:
            self._connection.execute(self._table.insert().inline(), values)

    def clear(self, run_id: str | None = None) -> None:
        """Delete them; with ``run_id`` those of one run."""
        # Counted before, so that a load that has never rejected anything does not need the right to delete.
        if self.count(run_id):
            self._connection.execute(self._table.delete().where(self._of(run_id)))

    def list(self, *, limit: int | None, offset: int = 0, whole: bool = True) -> list[Reject]:
        """
        Return them in the order in which they were refused.

        :param whole: also rows of more than a million characters
        """
        if not self._there:
            return []
        statement = sa.select(self._table).where(self._mine).order_by(self._table.c.id)
        found = each_row(self._connection, self._table, self._table, statement, limit, offset, whole=whole)
        rejects = (_from_row(row, refused) for row, refused in found)
        return [reject for reject in rejects if reject]

    def reasons(self) -> Sequence[ReasonCount]:
        """Return the reasons of the first 10,000 rejects, the most frequent one first."""
        if not self._there:
            return []
        columns = self._table.c
        statement = sa.select(columns.row_no, columns.error).where(self._mine).order_by(columns.id)
        with reading(self._connection):
            found = page(self._connection, statement, MOST_READ, 0)
            return grouped((row.row_no, str(row.error)[:LONGEST_MESSAGE]) for row in found)

    def oldest(self) -> datetime | None:
        """Return when the first of them was refused, or last written again."""
        statement = sa.select(sa.func.min(self._table.c.recorded_at)).where(self._mine)
        return self._connection.execute(statement).scalar() if self._there else None

    def last_tried(self) -> int:
        """Return the id of the row that was refused last, by its load or when it was written again; 0 without rows."""
        if not self._there:
            return 0
        columns = self._table.c
        newest = (
            sa.select(columns.id).where(self._mine).order_by(columns.recorded_at.desc(), columns.id.desc())
        )
        with reading(self._connection):
            return next((int(row.id) for row in page(self._connection, newest, 1, 0)), 0)

    def errors_after(self, last: int, limit: int, until: int | None = None) -> Sequence[tuple[int, str]]:
        """
        Return the ids and the errors of those after one, in the order in which they were refused.

        :param last: the id of that one; 0 for the beginning
        :param limit: at most so many
        :param until: the greatest id, if there is one
        """
        if not self._there:
            return []
        ids = self._table.c.id
        between = [self._mine, ids > last, *([] if until is None else [ids <= until])]
        statement = sa.select(*self._read("id", "error")).where(*between).order_by(ids)
        with reading(self._connection):
            return [(int(row.id), str(row.error)) for row in page(self._connection, statement, limit, 0)]

    def read(self, id_: int) -> tuple[Kept | None, int]:
        """Return one, or ``None`` where it is gone, and the number of characters that it is stored in."""
        statement = sa.select(*self._read("row_no", "error"), self._table.c.row_data).where(
            self._mine, self._table.c.id == id_
        )
        with reading(self._connection):
            found = self._connection.execute(statement).first()
        if not found:
            return None, 0
        return Kept(id_, found.row_no, str(found.error), row_in(found.row_data)), len(found.row_data)

    def take(self, id_: int) -> bool:
        """Delete one, and return whether it was there."""
        deleted = self._connection.execute(self._table.delete().where(self._mine, self._table.c.id == id_))
        return bool(deleted.rowcount == 1)

    def refuse_again(self, id_: int, error: str, who: str) -> None:
        """Record that a row was written once more, and refused with this error."""
        values = {"error": _storable(error), "who": who, "recorded_at": datetime.now(UTC)}
        self._connection.execute(
            self._table.update().where(self._mine, self._table.c.id == id_).values(**values)
        )

    def _read(self, *names: str) -> Sequence[sa.ColumnElement[Any]]:
        """Return columns, cut where their text is long."""
        return [one for one in columns_to_read(self._connection, self._table) if one.name in names]

    def _of(self, run_id: str | None) -> sa.ColumnElement[bool]:
        return self._mine if run_id is None else sa.and_(self._mine, self._table.c.current_run_id == run_id)


def counts_of(
    connection: sa.Connection, tables: Tables, identities: Sequence[Identity]
) -> dict[Identity, int]:
    """Count the rejected rows of several checkpoints; one that has none is left out."""
    found: dict[Identity, int] = {}
    if not identities or not tables.keeps_rejects(connection):
        return found
    table = tables.reject
    if dialect_of(connection).steps_through_index:
        # SQLAlchemy takes longer to write a condition of fifty checkpoints than most servers to look for these DAGs.
        with reading(connection):
            some = set(distinct(connection, table.c.dag_id))
        identities = [identity for identity in identities if identity.dag_id in some]
    columns = [table.c[name] for name in IDENTITY_COLUMNS]
    # The digest stands for the name, which Oracle does not group by.
    by_key = {
        tuple(identity_values(identity)[name] for name in IDENTITY_COLUMNS): identity
        for identity in identities
    }
    for start in range(0, len(identities), _AT_ONCE):
        these = sa.or_(*(is_identity(table, one) for one in identities[start : start + _AT_ONCE]))
        statement = sa.select(*columns, sa.func.count()).where(these).group_by(*columns)
        with reading(connection):
            for *key, rows in connection.execute(statement):
                if tuple(key) in by_key:
                    found[by_key[tuple(key)]] = int(rows)
    return found


def _storable(text: str) -> str:
    return text.replace("\0", "\\0").encode(errors="backslashreplace").decode()


def _from_row(row: Any, refused: Exception | None) -> Reject | None:
    try:
        if refused:
            raise refused
        values = SimpleNamespace(**checked(row._mapping, _COLUMNS))
        stored = row_in(row.row_data)
        return Reject(
            id=values.id,
            identity=identity_of_row(row),
            run_id=values.current_run_id,
            row_no=values.row_no,
            row=stored.values,
            readable=stored.readable,
            error=values.error,
            try_number=values.try_number,
            who=values.who,
            recorded_at=values.recorded_at,
        )
    except (CheckpointError, *DAMAGED) as error:
        log.warning("Rejected row %s cannot be read and is left out: %s", row.id, one_line(error))
        return None
