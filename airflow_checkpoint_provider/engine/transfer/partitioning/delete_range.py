"""Emptying one partition of a table for ``replace``: by comparing the key in the destination, where that is safe."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.destination_table import changed_rows
from airflow_checkpoint_provider.engine.databases.statements.binds import Binds
from airflow_checkpoint_provider.engine.databases.statements.identifiers import match_column
from airflow_checkpoint_provider.engine.databases.values.stored_type import BoundKind
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.partition import Partition


def delete_part(destination: Destination, column: str, part: Partition) -> int | None:
    """
    Delete the rows of a partition in the current transaction; the first and the last one include all rows beyond them.

    :param column: the destination's column that holds that of the partition
    :return: the number of rows, where the driver counts them
    :raises ArgumentError: when the destination may order its values in another way than the source
    """
    check_part(destination, column, part)
    index, bounds = _index(destination, column), _bounds(part)
    binds = Binds(destination.style, None)
    name = binds.escape(destination.quote(destination.columns[index]))
    conditions = [
        f"{name} {operator} {_placeholder(destination, index, value, binds)}" for operator, value in bounds
    ]
    if part.upper is None and not part.is_last:
        where = f" WHERE {name} IS NULL"
    elif not conditions:
        where = "" if part.nulls else f" WHERE {name} IS NOT NULL"
    else:
        where = f" WHERE {' AND '.join(conditions)}{f' OR {name} IS NULL' if part.nulls else ''}"
    with (
        destination.errors("could not be emptied"),
        destination.all_rows(),
        closing(destination.raw.cursor()) as cursor,
    ):
        given = binds.values
        cursor.execute(f"DELETE FROM {binds.escape(destination.name)}{where}", *([given] if given else []))
        rows = changed_rows(cursor)
    destination.check_deleted(f"SELECT COUNT(*) FROM {binds.escape(destination.name)}{where}", given)
    return rows


def check_part(destination: Destination, column: str, part: Partition) -> None:
    """
    Make sure that :func:`delete_part` deletes the rows of the partition and no others.

    :raises ArgumentError: when the destination may order its values in another way than the source
    """
    for _, value in _bounds(part):
        _check(destination, _index(destination, column), value)


def _index(destination: Destination, column: str) -> int:
    # As the table spells it.
    return destination.columns.index(match_column(column, destination.columns) or column)


def _bounds(part: Partition) -> list[tuple[str, Any]]:
    bounds = []
    if part.lower is not None:
        bounds.append((">", part.lowest))
    if part.upper is not None and not part.is_last:
        bounds.append(("<=", part.greatest))
    return bounds


def _check(destination: Destination, index: int, value: Any) -> None:
    """Make sure that different values of the source stay different in the destination, and in their order."""
    kind = _kind(value)
    type_ = destination.types[index]
    if kind is None or not destination.dialect.keeps_order(type_, kind, value):
        shown = destination.dialect.type_name(type_)
        raise ArgumentError(
            f"partition: write_mode='replace' deletes the rows of a partition by comparing "
            f"{destination.columns[index]} in {destination.table}, which is {shown}, with {value!r}. That is safe only "
            "for whole and exact numbers, dates and times that the destination keeps as such, not rounded and not as "
            "text. Use 'upsert', split by another column, or empty the table before the plan and use 'append'."
        )


def _kind(value: Any) -> BoundKind | None:
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return BoundKind.NUMBER if Decimal(value).is_finite() else None
    if isinstance(value, datetime):
        return BoundKind.ZONED if value.tzinfo else BoundKind.MOMENT
    return BoundKind.DAY if isinstance(value, date) else None


def _placeholder(destination: Destination, index: int, value: Any, binds: Binds) -> str:
    form, bound = destination.bound(index, value)
    return form.format(binds.add(bound))
