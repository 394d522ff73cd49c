"""Detection and migration of metadata tables of an earlier format."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import ExecutableDDLElement

from airflow_checkpoint_provider.engine.databases.dbapi import described_type, reading
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.migration import TableChange
from airflow_checkpoint_provider.engine.databases.questions.metadata_dialect import indexes
from airflow_checkpoint_provider.engine.model.errors import MetadataTableError, one_line
from airflow_checkpoint_provider.engine.store.schema.columns import (
    FORMAT_VERSION,
    SINCE,
    UNTIL_2,
    UTCDateTime,
)

_LAST = "name"
"""The column that a migration adds last to each table."""
_TRIES = 50
_IN_VAIN = 3  # tries in a row that have changed nothing


def is_outdated(connection: sa.Connection, table: sa.Table) -> bool:
    """Return whether an existing table has an earlier format, or a migration that is not complete."""
    there = _columns_there(connection, table)
    # A table without these columns is not a metadata table.
    return "dag_id" in there and "map_index" in there and _LAST not in there


def is_of_general_path(connection: sa.Connection, table: sa.Table) -> bool:
    """Return whether a table was made through an unknown driver, and its database is known now."""
    dialect = dialect_of(connection)
    if not dialect.takes_over:
        return False
    with reading(connection):
        return _has_text_times(connection, table) or (
            "id" in table.c and not dialect.numbers_by_itself(sa.inspect(connection), table)
        )


def _has_text_times(connection: sa.Connection, table: sa.Table) -> bool:
    times = next(column for column in table.columns if isinstance(column.type, UTCDateTime))
    if text_types := dialect_of(connection).text_types:
        return described_type(connection, times) in text_types
    columns = sa.inspect(connection).get_columns(table.name, table.schema)
    return any(isinstance(found["type"], sa.String) for found in columns if found["name"] == times.name)


def migrate(connection: sa.Connection, table: sa.Table, seconds: float) -> None:
    """
    Migrate a table to the present format.

    Several processes may do so at once, and each may be killed: completed steps are recognised, and not repeated.

    :param seconds: the longest wait for others that use the table
    :raises MetadataTableError: when the database refuses
    """
    in_vain = 0
    before: Any = None
    for _ in range(_TRIES):
        if not _needs(connection, table):
            return
        try:
            with connection.begin():
                _change(connection, table, seconds)
        except sa.exc.DBAPIError as error:
            if error.connection_invalidated:
                raise
            now = _columns_there(connection, table)
            in_vain = 0 if now != before else in_vain + 1
            before, refused = now, error
            lock = error.orig is not None and dialect_of(connection).is_lock_timeout(error.orig)
            if in_vain >= _IN_VAIN or lock:
                break
            time.sleep(0.1)
    if _needs(connection, table):
        raise MetadataTableError(_refusal(connection, table, refused)) from refused


def _refusal(connection: sa.Connection, table: sa.Table, error: BaseException) -> str:
    said = (
        f"The metadata table {table.fullname} has an earlier format than {FORMAT_VERSION}, and could not be changed: "
        f"{one_line(error)}. "
    )
    if dialect_of(connection).numbers_rows:
        return said + (
            "Grant the right to change it, wait until no load uses it, or have a DBA run the script that `airflow "
            "checkpoint ddl --migrate` prints. Nothing is lost; the next attempt goes on from there."
        )
    return said + (
        "Nothing is lost: an earlier version of this package still reads it. Change it by hand as `airflow checkpoint "
        "ddl --migrate` shows for other databases, in the dialect of this one; or give another checkpoint_table, in "
        "which all loads begin anew (`airflow checkpoint seed` sets where they go on)."
    )


def _needs(connection: sa.Connection, table: sa.Table) -> bool:
    return is_outdated(connection, table) or is_of_general_path(connection, table)


def _change(connection: sa.Connection, table: sa.Table, seconds: float) -> None:
    dialect = dialect_of(connection)
    quoted = connection.dialect.identifier_preparer.format_table(table)
    dialect.hold_for_migration(connection, quoted, seconds)
    inspector = sa.inspect(connection)
    if not _needs(connection, table):  # another process was faster
        return
    key, key_name = dialect.primary_key(inspector, table)
    change = describe_change(
        table,
        connection.dialect,
        there=_columns_there(connection, table),
        key=tuple(name.lower() for name in key),
        key_name=key_name,
        retyped=dialect.takes_over and _has_text_times(connection, table),
        unnumbered="id" in table.c and not dialect.numbers_by_itself(inspector, table),
    )
    for statement in dialect.migration(change, inspector):
        try:
            connection.execute(statement)
        except sa.exc.DBAPIError as error:
            if not error.orig or not dialect.is_changed_already(error.orig):
                raise


def script(table: sa.Table, dialect: sa.Dialect) -> list[ExecutableDDLElement]:
    """Return the statements that migrate a table of the first format to the present one."""
    old = tuple(column.name for column in table.columns if SINCE not in column.info)
    named = dialect_of(dialect).key_name
    change = describe_change(
        table,
        dialect,
        there=old,
        key=tuple(column.name for column in table.primary_key.columns if SINCE not in column.info),
        key_name=named.format(table=table.name) if named else None,
    )
    return dialect_of(dialect).migration(change)


def describe_change(
    table: sa.Table,
    dialect: sa.Dialect,
    *,
    there: tuple[str, ...],
    key: tuple[str, ...],
    key_name: str | None,
    retyped: bool = False,
    unnumbered: bool = False,
) -> TableChange:
    """
    Return the difference between a table and its present format.

    :param there: its columns
    :param key: the columns of its primary key
    :param key_name: the name of that key's constraint
    :param retyped: its times are text
    :param unnumbered: the database does not number its rows
    """
    wanted = [column for column in table.columns if column.name not in there]
    rows = "updated_at" in table.c
    outdated = _LAST not in there
    numbers = table.c.get("id")
    return TableChange(
        table,
        dialect,
        missing=tuple(column for column in wanted if column.name != _LAST),
        last=table.c[_LAST] if outdated else None,
        has_old_key=set(key) != {column.name for column in table.primary_key.columns},
        key_name=(key_name or "") if key else None,
        created=tuple(index for index in indexes(table) if SINCE in index.info) if outdated else (),
        dropped=table.info.get(UNTIL_2, ()) if outdated else (),
        fills=(("committed_at", "updated_at"), ("format_version", str(FORMAT_VERSION)))
        if rows and outdated
        else (),
        old_rows=f"format_version < {FORMAT_VERSION}",
        retyped=tuple(
            column
            for column in table.columns
            if retyped and column.name in there and isinstance(column.type, UTCDateTime)
        ),
        unnumbered=numbers if unnumbered else None,
        ordered=numbers if outdated else None,
    )


def _columns_there(connection: sa.Connection, table: sa.Table) -> tuple[str, ...]:
    nothing = sa.select(sa.text("*")).select_from(table).where(sa.text("1 = 0"))
    with reading(connection):
        # Read to the end: an open result would hold SQLite's file.
        result = connection.execute(nothing)
        names = [name.lower() for name in result.keys()]  # noqa: SIM118 - no mapping
        result.all()
        return tuple(names)
