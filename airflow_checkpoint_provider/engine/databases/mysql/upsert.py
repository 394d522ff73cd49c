"""The end of an INSERT that updates the rows whose key is there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import any_type
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.model.errors import ArgumentError


def reflected_name(name: str) -> str:
    """Return a name from SQLAlchemy's reflection, which leaves each backtick as SHOW CREATE TABLE has it: twice."""
    return name.replace("``", "`")


def on_duplicate(
    connection: sa.Connection,
    table: TableName,
    columns: Sequence[str],
    conflict_columns: Sequence[str],
    collated: Collection[str],
    escaped: Callable[[str], str],
) -> str:
    """
    Write ``ON DUPLICATE KEY UPDATE``.

    :param collated: those of the conflict columns whose keys may differ and be equal, as text
    :param escaped: writes the name of a column for the statement
    :raises ArgumentError: when there is no unique index on the conflict columns
    """
    inspector = sa.inspect(connection)
    name, schema = table.table, table.schema
    with any_type():
        keys = [set(inspector.get_pk_constraint(name, schema=schema).get("constrained_columns") or [])]
        indexes = inspector.get_indexes(name, schema=schema)
    keys += [set(map(str, index["column_names"])) for index in indexes if index["unique"]]
    keys = [set(map(reflected_name, key)) for key in keys if key]
    wanted = set(conflict_columns)
    if wanted not in keys:
        raise ArgumentError(
            f"conflict_columns: {table} has no unique index on {', '.join(conflict_columns)}, and "
            "MySQL updates by such an index only. Create one, or give the columns of one."
        )
    others = [column for column in columns if column not in wanted] or conflict_columns[:1]
    values = {column: f"VALUES({escaped(column)})" for column in columns}
    if collated or any(key != wanted for key in keys):
        # MySQL updates by any unique index that a row violates: then the columns of the wanted one differ. And in
        # most collations of text, keys that differ may be equal.
        same = " AND ".join(
            f"{'BINARY ' if column in collated else ''}{escaped(column)} <=> {values[column]}"
            for column in conflict_columns
        )
        for column in others:
            values[column] = f"IF({same}, {values[column]}, (SELECT 1 UNION SELECT 2))"
    # VALUES(), because MariaDB has no other form.
    return " ON DUPLICATE KEY UPDATE " + ", ".join(
        f"{escaped(column)} = {values[column]}" for column in others
    )
