"""Whether a load can do without the primary key of its table until its last row is in."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.model.checkpoint import Attempt
from airflow_checkpoint_provider.engine.model.errors import DestinationMismatchError
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.session import Session


@dataclass(frozen=True, slots=True)
class LateKey:
    """
    A primary key that a table lacks so far.

    :param table: the table, as it stands in a statement
    :param columns: in their order
    :param statement: builds it
    :param why_not: why this session may not build it; empty where it may
    """

    table: str
    columns: tuple[str, ...]
    statement: str
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """
    When the key of the destination's table is built.

    :param waits: the load can do without it until its last row is in
    :param lacking: the key that the table lacks so far, if it is there and lacks one
    :param needed: the table cannot be checked, nor emptied, before it has the key
    """

    waits: bool = False
    lacking: LateKey | None = None
    needed: bool = False

    @property
    def is_first(self) -> bool:
        """Whether the key is built before the first row."""
        return self.lacking is not None and not self.waits


def plan_key(spec: TransferSpec, session: Session, attempt: Attempt) -> KeyPlan:
    """Return when the key of the destination's table is built."""
    lacking = lacking_key(session.destination)
    waits = can_wait(spec, session, attempt)
    if lacking is None:
        return KeyPlan(waits)
    connection, keys = session.destination.connection, session.destination.dialect.late_keys
    with reading(connection):
        may_wait = keys.may_wait(connection)
    return KeyPlan(waits and may_wait, lacking, needed=spec.write_mode == "upsert" or not may_wait)


def refuse_lacking(destination: Destination, key: LateKey) -> None:
    """
    Refuse to load into a table whose key somebody else has to build.

    :raises DestinationMismatchError: it has the statement
    """
    if key.why_not:
        raise DestinationMismatchError(
            f"destination_table: {destination.table} was created without its primary key "
            f"({', '.join(key.columns)}), to be built after its rows, and {key.why_not}. No row is written. Have its "
            f"owner run this statement: {key.statement}"
        )


def can_wait(spec: TransferSpec, session: Session, attempt: Attempt) -> bool:
    """
    Return whether a load can do without a primary key until its last row is in.

    It has to be alone in the table, to keep a checkpoint beside it, and to write the rows of the source as they are:
    one that is there twice would otherwise be refused with its batch.
    """
    alone = spec.part is None and attempt.map_index in (None, -1)
    plain = spec.rows_processor is None and spec.preoperator is None and spec.on_bad_row == "fail"
    kept = spec.keeps_checkpoint and not session.separate
    return spec.write_mode in ("append", "replace") and spec.auto_create and alone and plain and kept


def lacking_key(destination: Destination) -> LateKey | None:
    """Return the key that a table lacks so far; ``None`` where it lacks none, or does not exist."""
    connection, keys = destination.connection, destination.dialect.late_keys
    if not keys.known:
        return None
    with reading(connection):
        found = destination.table.resolve(sa.inspect(connection))
        if found is None:
            return None
        table = found.quote(connection.dialect)
        columns = tuple(keys.columns(connection, table))
        if not columns:
            return None
        statement = keys.statement(connection, table, columns)
        return LateKey(table, columns, statement, keys.why_not(connection, table))
