"""The first position of a load that another tool began: checked against the source, then stored."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.admin.typed_values import value_of_type
from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.statements.binds import Binds
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity, Load
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, SourceError
from airflow_checkpoint_provider.engine.model.position import Position, describe_position
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.engine.store.seed_row import SeedRow
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns
from airflow_checkpoint_provider.engine.transfer.fingerprint import describe_load
from airflow_checkpoint_provider.engine.transfer.row_route import choose_route
from airflow_checkpoint_provider.engine.transfer.session import LostError, Session, open_session
from airflow_checkpoint_provider.engine.transfer.strategies.choose import (
    CountStrategy,
    KeyStrategy,
    choose_strategy,
)


@dataclass(frozen=True, kw_only=True)
class Seed:
    """
    A position from which the next attempt goes on.

    :param position: the last key in the destination: a value, or a list with one for each column
    :param rows: the number of rows in the destination; for the python strategy, the position
    :param replace: replace an existing checkpoint
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
    :raises ArgumentError: when the position is not one of this source, or there is a checkpoint already
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
                f"position: give the last value of {', '.join(strategy.columns)} that is loaded."
            )
        return load, Position(_key(seed, session.source, strategy.columns), seed.rows or 0)
    if seed.position is not None:
        raise ArgumentError("position: rows are counted here, by the python strategy; give rows instead.")
    if not seed.rows or not isinstance(strategy, CountStrategy):
        raise ArgumentError("rows: give the number of rows, in the order of the query, that are there.")
    route = choose_route(spec, session, strategy, columns)
    return load, strategy.position_behind(seed.rows, route)


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
            f"position: the source has no rows with a value in {', '.join(columns)}, so it cannot be "
            "checked. Without rows there is nothing to pass over: let the first attempt begin."
        )
    key = tuple(value_of_type(*one) for one in zip(columns, given, greatest, strict=True))
    binds = Binds(source.paramstyle, source.query.parameters)
    condition = source.compare(columns, ">=", key, binds)
    try:
        reached = source.exists(condition, binds)
    except SourceError as error:
        raise ArgumentError(
            f"position: the source cannot compare {describe_position(columns, Position(key))} with its rows. {error}"
        ) from error
    if not (reached or seed.force):
        raise ArgumentError(
            f"position: {describe_position(columns, Position(key))} is beyond the greatest of the source, "
            f"{describe_position(columns, Position(greatest))}: rows up to it that arrive later would never be loaded. "
            "Correct it, or accept that with force=True (--force)."
        )
    return key


def _write(
    connection: sa.Connection, tables: Tables, identity: Identity, seed: Seed, load: Load, position: Position
) -> Checkpoint:
    row = SeedRow(connection, tables, identity)
    if (stored := row.describe_stored()) and not seed.replace:
        raise ArgumentError(
            f"There is a checkpoint of {identity} already ({stored}). "
            "Give replace=True (--yes) to put the seed in its place."
        )
    where = describe_position(load.key_columns, position)
    detail = f"{where}: {seed.reason}" if seed.reason else where
    return row.write(load, position, seed.who, detail)
