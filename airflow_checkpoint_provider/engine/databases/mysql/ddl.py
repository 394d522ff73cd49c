"""Metadata tables in MySQL: each created, and changed, in as few statements as possible."""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable, ExecutableDDLElement

from airflow_checkpoint_provider.engine.databases.dbapi import raw_connection
from airflow_checkpoint_provider.engine.databases.migration import Statement, TableChange
from airflow_checkpoint_provider.engine.databases.mysql.drivers import text_of
from airflow_checkpoint_provider.engine.databases.questions.metadata_dialect import indexes

# A type, with its length and sign, and the rest of a column's definition.
_TYPE = re.compile(r" \w+(?:\([^)]*\))?(?: unsigned)?(?P<rest>.*)", re.DOTALL)
# Only these tell "a" from "A" in a key, can be rolled back, and have room for four names in an index.
_OPTIONS = {
    "mysql_engine": "InnoDB",
    "mysql_row_format": "DYNAMIC",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


class CreateWhole(CreateTable):
    """A table and its indexes in one statement."""


def create_whole(table: sa.Table) -> CreateWhole:
    """Return the statement that creates a metadata table with its indexes."""
    # Here and not in the table's definition, for which SQLAlchemy loads its dialect, in loads without MySQL as well.
    table.kwargs.update(_OPTIONS)
    return CreateWhole(table)


@compiles(CreateWhole)
def _with_keys(create: CreateWhole, compiler: Any, **options: Any) -> str:
    table, quote = create.element, compiler.preparer.quote
    keys = [
        f"KEY {quote(index.name)} ({', '.join(quote(column.name) for column in index.columns)})"
        for index in indexes(table)
    ]
    columns, end, rest = compiler.visit_create_table(create, **options).rpartition("\n)")
    return str(columns + "".join(f", \n\t{key}" for key in keys) + end + rest)


def change_table(change: TableChange, indexes_there: set[str] | None) -> list[ExecutableDDLElement]:
    """
    Return the statements that change a table; each commits by itself, and as a whole.

    :param indexes_there: the indexes that the table has; ``None`` for those that it was created with
    """
    quote = change.quote
    before, steps = _taken_over(change) if change.retyped or change.unnumbered is not None else ([], [])
    steps += [f"ADD COLUMN {change.spell(column)}" for column in change.missing]
    if change.has_old_key:
        steps += ["DROP PRIMARY KEY"] if change.key_name is not None else []
        steps.append(f"ADD PRIMARY KEY ({change.key})")
    steps += [
        f"ADD KEY {quote(str(index.name))} ({change.columns_of(index)})"
        for index in change.created
        if indexes_there is None or index.name not in indexes_there
    ]
    steps += [
        f"DROP KEY {quote(name)}" for name in change.dropped if indexes_there is None or name in indexes_there
    ]
    first = [Statement(f"ALTER TABLE {change.name} {', '.join(steps)}")] if steps else []
    last = (
        [Statement(f"ALTER TABLE {change.name} ADD COLUMN {change.spell(change.last)}")]
        if change.last is not None
        else []
    )
    return [*before, *first, *change.fill, *last]


def _taken_over(change: TableChange) -> tuple[list[ExecutableDDLElement], list[str]]:
    """Return the statements and steps that turn a table created by the dialect for unknown databases into MySQL's."""
    added = [column.name for column in (*change.missing, *([change.last] if change.last is not None else []))]
    there = [column for column in change.table.columns if column.name not in added]
    times = [change.quote(column.name) for column in change.retyped]
    # Each may run again: text without a T between day and time is already the time in UTC, without its zone.
    texts = [
        Statement(
            f"UPDATE {change.name} SET {time} = REPLACE(LEFT({time}, 26), 'T', ' ') WHERE LOCATE('T', {time}) > 0"
        )
        for time in times
    ]
    steps = [
        f"ENGINE = {_OPTIONS['mysql_engine']}",
        f"ROW_FORMAT = {_OPTIONS['mysql_row_format']}",
        f"CONVERT TO CHARACTER SET {_OPTIONS['mysql_charset']} COLLATE {_OPTIONS['mysql_collate']}",
        *(f"MODIFY COLUMN {change.spell(column)}" for column in there),
    ]
    return list(texts), steps


def retype(connection: sa.Connection, table: str, column: str, declared: str) -> str | None:
    """Return the statement that changes the type of a column, and repeats what else is declared for it."""
    with closing(raw_connection(connection).cursor()) as cursor:
        cursor.execute(f"SHOW CREATE TABLE {table}")
        created = text_of(cursor.fetchall()[0][1])
    quoted = f"`{column.replace('`', '``')}`"
    line = next((line.strip() for line in created.splitlines() if line.strip().startswith(f"{quoted} ")), "")
    found = _TYPE.match(line.removeprefix(quoted).rstrip(","))
    return f"ALTER TABLE {table} MODIFY COLUMN {quoted} {declared}{found['rest']}" if found else None
