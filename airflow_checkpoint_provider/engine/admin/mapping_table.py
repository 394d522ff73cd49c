"""The tables of somebody else's checkpoints: a mapping with a row for each load, and a log of their positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.statements.identifiers import (
    TableName,
    match_columns,
    quote_name,
)
from airflow_checkpoint_provider.engine.model.errors import ArgumentError


@dataclass(frozen=True, slots=True)
class NamedTable:
    """
    A table, some columns of which are read under the names of what they mean.

    :param written: its name, as it was given
    :param quoted: its name in a statement
    :param columns: all of its columns
    :param about_columns: the argument that names columns, for errors
    """

    connection: sa.Connection
    written: str
    quoted: str
    columns: tuple[str, ...]
    about_columns: str

    @classmethod
    def find(cls, connection: sa.Connection, name: str, about: str, about_columns: str) -> Self:
        """
        Find a table.

        :param name: ``table`` or ``schema.table``
        :param about: the argument that names it, for errors
        :raises ArgumentError: when there is none
        """
        table = TableName.parse(name, argument=about).resolve(sa.inspect(connection))
        if table is None:
            raise ArgumentError(f"{about}: there is no table {name}. Check the schema and the spelling.")
        quoted = table.quote(connection.dialect)
        existing = tuple(connection.exec_driver_sql(f"SELECT * FROM {quoted} WHERE 1 = 0").keys())
        return cls(connection, name, quoted, existing, about_columns)

    def matching(self, columns: Mapping[str, str]) -> dict[str, str]:
        """
        Return columns as the table spells them.

        :param columns: the column of each meaning
        :raises ArgumentError: when the table has no such column
        """
        found = match_columns(list(columns.values()), list(self.columns), self._missing)
        return dict(zip(columns, found, strict=True))

    def rows(self, columns: Mapping[str, str], *, order: str | None = None) -> list[dict[str, Any]]:
        """
        Read the rows, each as a mapping of meanings to values.

        :param columns: the column of each meaning
        :param order: the meaning by which rows are sorted; those without a value there are left out
        """
        names = {
            what: quote_name(name, self.connection.dialect) for what, name in self.matching(columns).items()
        }
        statement = f"SELECT {', '.join(names.values())} FROM {self.quoted}"
        if order is not None:
            statement += f" WHERE {names[order]} IS NOT NULL ORDER BY {names[order]}"
        return [dict(zip(names, row, strict=True)) for row in self.connection.exec_driver_sql(statement)]

    def _missing(self, name: str) -> ArgumentError:
        listed = ", ".join(self.columns)
        return ArgumentError(f"{self.about_columns}: {self.written} has no column {name}; it has {listed}.")


def logged_positions(log: NamedTable, columns: Mapping[str, str]) -> dict[str, list[Any]]:
    """
    Return the positions that a log has of each load: the last one where it tells which that is, otherwise all.

    Rows without a load are left out. A load has several positions where it is not known which of them is the last one,
    ``None`` for a row without a position among them.

    :param columns: the columns of ``"load"`` and ``"position"``, and of ``"newest"``, by which rows are sorted
    """
    found: dict[str, list[Any]] = {}
    newest: dict[str, Any] = {}
    for row in log.rows(columns, order="newest" if "newest" in columns else None):
        load, position = name_of_load(row["load"]), plain(row["position"])
        if load is None:
            continue
        if load not in found or newest[load] != row.get("newest"):
            found[load] = []
        newest[load] = row.get("newest")
        if (position := None if position == "" else position) not in found[load]:
            found[load].append(position)
    return found


def name_of_load(value: Any) -> str | None:
    """
    Return a value by which mapping and log name a load in one form, whatever the types of the two columns.

    :return: ``None`` where they name none, by NULL or by blanks
    """
    found = plain(value)
    return None if found is None else str(found).strip() or None


def plain(value: Any) -> Any:
    """Return a value as it is written in a file: whole numbers as such, text without blanks around it."""
    if isinstance(value, (Decimal, float)) and value == value and value % 1 == 0:
        return int(value)
    return value.strip() if isinstance(value, str) else value
