"""Statements that read the rows of one query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import paramstyle
from airflow_checkpoint_provider.engine.databases.rows.routes import RowRoute
from airflow_checkpoint_provider.engine.databases.statements.binds import Binds
from airflow_checkpoint_provider.engine.databases.statements.identifiers import match_columns
from airflow_checkpoint_provider.engine.databases.statements.query import Query
from airflow_checkpoint_provider.engine.model.errors import SourceMismatchError
from airflow_checkpoint_provider.engine.model.key import Key
from airflow_checkpoint_provider.engine.model.partition import Partition


class SourceStatements:
    """
    Writes statements around one query; nothing is run.

    :param connection: for the names and placeholders of its driver
    :param query: what to read
    """

    first_row = ""  # the clause that limits a query to one row, if there is one
    row_values = False  # whether (a, b) > (1, 2) is valid, and an index answers it
    columns: list[str]
    """The columns that the query returns."""
    moment: str = ""
    """The moment as of which the query is read; empty for the present."""

    def __init__(self, connection: sa.Connection, query: Query) -> None:
        self.connection = connection
        self.query = query
        self.paramstyle = paramstyle(connection)

    def quote(self, name: str) -> str:
        """Quote a column name as the query returns it, for a statement of :meth:`select`."""
        return self.connection.dialect.identifier_preparer.quote_identifier(name)

    def find_columns(self, wanted: Sequence[str], argument: str) -> list[str]:
        """
        Find columns of the query.

        :param argument: the argument to name in the error
        :raises SourceError: when the query does not return one of them
        """

        def missing(name: str) -> SourceMismatchError:
            return SourceMismatchError(
                f"{argument}: the query does not return a column {name!r}. "
                f"It returns: {', '.join(self.columns)}."
            )

        return match_columns(wanted, self.columns, missing)

    def pads(self, column: str) -> bool:
        """Return whether trailing blanks of a column's values are only padding."""
        return False

    def typed(self, column: str, placeholder: str) -> str:
        """Write a placeholder so that the database takes its value for one of the column's type."""
        return placeholder

    def compared(self, column: str) -> str:
        """Write a column so that the database compares it with values of :meth:`typed`."""
        return self.quote(column)

    def exact(self, column: str) -> str:
        """Write a column for a list of columns, so that its value arrives with all its digits."""
        return self.quote(column)

    def compare(self, columns: Sequence[str], operator: str, key: Key, binds: Binds) -> str:
        """Write the condition that compares columns with a key, by ``>`` or ``<=``."""
        names = [self.compared(column) for column in columns]
        if len(names) == 1 or self.row_values:
            marks = [self.typed(column, binds.add(value)) for column, value in zip(columns, key, strict=True)]
            if len(names) == 1:
                return f"{names[0]} {operator} {marks[0]}"
            return f"({', '.join(names)}) {operator} ({', '.join(marks)})"
        first = self.typed(columns[0], binds.add(key[0]))
        ways = []
        for last in range(len(names)):
            strictly = operator if last == len(names) - 1 else operator[0]
            signs = ["="] * last + [strictly]
            parts = [
                f"{name} {sign} {self.typed(column, binds.add(value))}"
                for name, sign, column, value in zip(names, signs, columns, key, strict=False)
            ]
            ways.append(" AND ".join(parts))
        # The condition on the first column alone is a range of an index, which OR would not use.
        either = " OR ".join(f"({way})" for way in ways)
        return f"({names[0]} {operator[0]}= {first} AND ({either}))"

    def select(self, what: str, suffix: str = "", binds: Binds | None = None) -> tuple[str, Any]:
        """Write ``SELECT what FROM (the query) suffix`` with its values."""
        binds = binds or Binds(self.paramstyle, self.query.parameters)
        return f"SELECT {what} FROM {binds.escape(self.query.source)}{suffix}", binds.values

    def written(self, route: RowRoute) -> str:
        """Write the SELECT list for rows that take a route."""
        return "*"

    def first(
        self, what: str, condition: str = "", order: str = "", binds: Binds | None = None
    ) -> tuple[str, Any]:
        """
        Write a statement for the first row of the query; it returns no other where the database can stop there.

        :param condition: that the row meets
        :param order: in which the row is the first; by default any
        """
        where = f" WHERE {condition}" if condition else ""
        tail = f" ORDER BY {order}" if order else ""
        return self.select(what, f"{where}{tail} {self.first_row}".rstrip(), binds)

    def within(self, part: Partition | None, binds: Binds) -> str:
        """Write the condition that a row belongs to a partition, to follow other conditions."""
        if part is None:
            return ""
        bounds = [(">", part.lowest), ("<=", part.greatest)]
        range_ = " AND ".join(
            self.compare([part.column], operator, (value,), binds)
            for operator, value in bounds
            if value is not None
        )
        if not part.nulls:
            return f" AND {range_}"
        null = self.null_condition([part.column])
        return f" AND ({range_} OR {null})" if range_ else f" AND {null}"

    def null_condition(self, columns: Sequence[str]) -> str:
        """Write the condition that a key column is NULL."""
        return "(" + " OR ".join(f"{self.quote(column)} IS NULL" for column in columns) + ")"

    def key_condition(self, columns: Sequence[str]) -> str:
        """Write the condition that no key column is NULL."""
        return " AND ".join(f"{self.quote(column)} IS NOT NULL" for column in columns)

    def whole(self) -> tuple[str, Any]:
        """Return the user's statement as it is."""
        return self.query.text, self.query.parameters
