"""Whether rows that were written are still in their table, by questions that read one row."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import is_disconnect, reading
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.table_facts import READ

_TABLE, _CONDITION = "airflow_table", "airflow_condition"


def is_empty(destination: Destination) -> bool | None:
    """
    Return whether the written table has no row.

    :return: ``None`` where the server refuses the query, as without the right to read, or hides rows from it
    """
    return _lacks(destination)


def lacks_row(destination: Destination, numbers: Mapping[str, int]) -> bool | None:
    """
    Return whether no row of the written table has some whole numbers in some columns.

    :param numbers: by column; read in an index, if the table has one on these columns
    :return: ``None`` where the server refuses the query, or hides rows from it
    """
    return _lacks(
        destination, " AND ".join(f"{destination.quote(name)} = {number}" for name, number in numbers.items())
    )


def row_count(destination: Destination) -> int | None:
    """Count the rows of the written table, and return ``None`` as :func:`is_empty` does."""
    rows = _ask(destination, sa.select(sa.func.count()))
    return None if rows is None else int(rows[0][0])


def _lacks(destination: Destination, condition: str = "") -> bool | None:
    some: sa.Select[Any] = sa.select(sa.literal_column("1")).limit(1)
    rows = _ask(destination, some.where(sa.text(_CONDITION)) if condition else some, condition)
    return None if rows is None else not rows


def _ask(destination: Destination, query: sa.Select[Any], condition: str = "") -> list[Any] | None:
    if READ in destination.facts.refused and not destination.is_staging:
        return None
    connection = destination.connection
    of_table = query.select_from(sa.text(_TABLE))
    written = str(of_table.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
    asked = written.replace(_TABLE, destination.name).replace(_CONDITION, condition)
    try:
        # Without parameters, no driver looks for placeholders in the names.
        with reading(connection), closing(destination.raw.cursor()) as cursor:
            cursor.execute(asked)
            return list(cursor.fetchall())
    except connection.dialect.loaded_dbapi.Error as error:
        if is_disconnect(connection, error):
            raise
        return None
