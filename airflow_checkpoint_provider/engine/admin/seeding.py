"""The first position of a load that another tool began: checked against the source, then written down."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.binds import Binds
from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.model.checkpoint import (
    SEEDED,
    Attempt,
    Checkpoint,
    Identity,
    Load,
    Status,
)
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, SourceError
from airflow_checkpoint_provider.engine.model.key import kind
from airflow_checkpoint_provider.engine.model.position import Position, place
from airflow_checkpoint_provider.engine.store.columns import FORMAT_VERSION
from airflow_checkpoint_provider.engine.store.history import History, Kind
from airflow_checkpoint_provider.engine.store.row_mapper import (
    attempt_values,
    from_row,
    identity_values,
    is_identity,
    position_values,
)
from airflow_checkpoint_provider.engine.store.tables import Tables
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns
from airflow_checkpoint_provider.engine.transfer.fingerprint import describe_load
from airflow_checkpoint_provider.engine.transfer.row_route import choose_path
from airflow_checkpoint_provider.engine.transfer.session import LostError, Session, open_session
from airflow_checkpoint_provider.engine.transfer.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.strategies.choose import (
    CountStrategy,
    KeyStrategy,
    choose_strategy,
)


@dataclass(frozen=True, kw_only=True)
class Seed:
    """
    Where the next attempt shall go on.

    :param position: the last key that is at the destination: a value, or a list with one for each column
    :param rows: how many rows are there; for the python strategy it is the position
    :param replace: take the place of a checkpoint that is there
    :param force: accept a position beyond the greatest key of the source
    :param who: for the history
    :param reason: for the history
    """

    position: Any = None
    rows: int | None = None
    replace: bool = False
    force: bool = False
    who: str
    reason: str | None = None


def plant(
    seed: Seed,
    spec: TransferSpec,
    *,
    source: Database,
    destination: Database,
    keeper: Database,
    identity: Identity,
) -> Checkpoint:
    """
    Check a position and make it a checkpoint.

    :param keeper: the database of the metadata table
    :raises ArgumentError: when the position is none of this source, or there is a checkpoint already
    """
    try:
        with open_session(spec, source, destination, None, lambda raw: None) as session:
            load, position = _describe(seed, spec, session)
    except LostError as lost:
        raise SourceError(f"The connection was lost while the position was checked: {lost}") from lost
    connection = keeper.open(lock_timeout=spec.lock_timeout, for_writing=True)
    try:
        tables = Tables.named(spec.checkpoint_table)
        tables.require(connection, create=spec.auto_create)
        with connection.begin():
            return _write(connection, tables, identity, seed, load, position)
    finally:
        with suppress(sa.exc.DBAPIError):
            connection.close()


def _describe(seed: Seed, spec: TransferSpec, session: Session) -> tuple[Load, Position]:
    strategy, _ = choose_strategy(spec, session)
    columns = Columns.of(spec, session)
    with reading(session.destination.connection):
        session.destination.prepare(columns.written, spec.conflict_columns)
    load = describe_load(spec, session, strategy, columns)
    if seed.rows is not None and not (type(seed.rows) is int and seed.rows >= 0):
        raise ArgumentError(f"rows: {seed.rows!r} is not a number of rows.")
    if isinstance(strategy, KeyStrategy):
        if seed.position is None:
            raise ArgumentError(
                f"position: give the last value of {', '.join(strategy.columns)} that is there."
            )
        return load, Position(_key(seed, session.source, strategy.columns), seed.rows or 0)
    if seed.position is not None:
        raise ArgumentError("position: rows are counted here, by the python strategy; give rows instead.")
    if not seed.rows or not isinstance(strategy, CountStrategy):
        raise ArgumentError("rows: give the number of rows, in the order of the query, that are there.")
    choose_path(spec, session, strategy, columns)  # for the proof is made of the row as the load will read it
    return load, strategy.position_behind(seed.rows)


def _key(seed: Seed, source: Source, columns: Sequence[str]) -> tuple[Any, ...]:
    listed = isinstance(seed.position, (list, tuple))
    given = tuple(seed.position) if listed else (seed.position,)
    if len(given) != len(columns):
        raise ArgumentError(
            f"position: {len(given)} values are given for {', '.join(columns)}; give one for each."
        )
    greatest = source.last_key(columns)
    if greatest is None:
        raise ArgumentError(
            f"position: the source has no rows with a value in {', '.join(columns)}, so nothing can tell whether "
            "it is right. Without rows there is nothing to pass over: let the first attempt begin."
        )
    key = tuple(value_of_type(*one) for one in zip(columns, given, greatest, strict=True))
    binds = Binds(source.paramstyle, source.query.parameters)
    condition = source.compare(columns, ">=", key, binds)
    try:
        reached = source.one(source.select("1", f" WHERE {condition} {source.first_row}", binds))
    except SourceError as error:
        raise ArgumentError(
            f"position: the source cannot compare {place(columns, Position(key))} with its rows. {error}"
        ) from error
    if not (reached or seed.force):
        raise ArgumentError(
            f"position: {place(columns, Position(key))} is beyond the greatest of the source, "
            f"{place(columns, Position(greatest))}: rows up to it that arrive later would never be loaded. "
            "Correct it, or accept that with force=True (--force)."
        )
    return key


def _write(
    connection: sa.Connection, tables: Tables, identity: Identity, seed: Seed, load: Load, position: Position
) -> Checkpoint:
    table, history = tables.checkpoint, History(connection, tables)
    mine = is_identity(table, identity)
    row = connection.execute(sa.select(table).where(mine)).first()
    if row and not seed.replace:
        raise ArgumentError(
            f"There is a checkpoint of {identity} already ({row.status}, {row.rows_written:,} rows committed). "
            "Give replace=True (--yes) to put the seed in its place."
        )
    now = datetime.now(UTC)
    _, seen = history.pending(identity, 0)  # what was asked before is not meant for the seed
    nobody = Attempt(identity.run_id, None, 0, 0, 0, 0, seed.who)
    marked = replace(load, fingerprint={**load.fingerprint, SEEDED: seed.who})
    values = {
        **attempt_values(nobody),
        **marked.values(),
        **position_values(position),
        "status": Status.SEEDED.value,
        "lower_bound": None,
        "upper_bound": None,
        "start_position": None,
        "rows_written": position.rows,
        "batches": 0,
        "restarting": 0,
        "forced": 0,
        "request_seen": seen,
        "created_at": now,
        "started_at": now,
        "updated_at": now,
        "completed_at": None,
        "last_error": None,
        "format_version": FORMAT_VERSION,
    }
    if row:
        # The next number, so that an attempt that still runs finds itself overtaken.
        connection.execute(table.update().where(mine).values(**values, fence=table.c.fence + 1))
    else:
        connection.execute(table.insert().values(**identity_values(identity), **values, fence=0))
    where = place(load.key_columns, position)
    detail = f"{where}: {seed.reason}" if seed.reason else where
    history.record(identity, Kind.SEEDED, seed.who, rows=position.rows, position=position, detail=detail)
    return from_row(connection.execute(sa.select(table).where(mine)).one())


_READERS: dict[type, tuple[Callable[[str], Any], str]] = {
    int: (int, "a whole number"),
    Decimal: (Decimal, "a number"),
    float: (float, "a number"),
    str: (str, "text"),
    bytes: (bytes.fromhex, "bytes, in hexadecimal"),
    datetime: (datetime.fromisoformat, "a time, such as 2026-01-31T23:59:59"),
    date: (date.fromisoformat, "a date, such as 2026-01-31"),
    time: (time.fromisoformat, "a time of day, such as 23:59:59"),
    UUID: (UUID, "a UUID"),
}


def value_of_type(column: str, given: Any, example: Any) -> Any:
    """
    Read a value, which may be written as text, as one of a column's type.

    :param column: for the message
    :param example: a value that the column has
    :raises ArgumentError: when it is none
    """
    python_type = next((one for one in type(example).__mro__ if one in _READERS), None)
    if python_type is None or isinstance(example, bool):
        if kind(given) == kind(example):
            return given
        raise _wrong(column, given, f"of type {type(example).__name__}")
    read, expected = _READERS[python_type]
    try:
        value = read(given.strip() if python_type is not str else given) if isinstance(given, str) else given
        if isinstance(value, datetime) and python_type is datetime:
            if bool(value.tzinfo) != bool(example.tzinfo):
                zone = "with its time zone" if example.tzinfo else "without a time zone"
                raise _wrong(column, given, f"{expected}, {zone}")
            return value
        if type(value) is date and python_type is datetime:
            raise _wrong(column, given, expected)
        if kind(value) != kind(example):
            raise _wrong(column, given, expected)
        if kind(value) == "number":
            return _number(value, python_type)
        if python_type is date and isinstance(value, datetime):
            raise _wrong(column, given, expected)
    except ArgumentError:
        raise
    except (ValueError, ArithmeticError) as error:
        raise _wrong(column, given, expected) from error
    return value


def _number(value: Any, python_type: type) -> Any:
    """Return a number of the type, and never another number."""
    if not math.isfinite(value):
        raise ValueError("not finite")
    if python_type is Decimal:
        return Decimal(str(value))
    converted = python_type(value)
    if converted != value:
        raise ValueError("not of this type")
    return converted


def _wrong(column: str, given: Any, expected: str) -> ArgumentError:
    return ArgumentError(f"position: {given!r} is no value of {column}; give {expected}.")
