"""A query whose statements go by the types of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_checkpoint_provider.engine.databases.postgres.columns import PostgresColumn
from airflow_checkpoint_provider.engine.databases.postgres.equality import (
    are_equal,
    compared,
    is_deterministic,
    typed,
)
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.statements.binds import Binds
from airflow_checkpoint_provider.engine.model.key import Key


class TypedSource(Source):
    """The part of a source that writes values and compares keys by their types."""

    described: dict[str, PostgresColumn]
    """The columns of the query."""

    def pads(self, column: str) -> bool:
        return self.described[column].kind == "bpchar"

    def select(self, what: str, suffix: str = "", binds: Binds | None = None) -> tuple[str, Any]:
        if what == "*" and any(column.cast for column in self.described.values()):
            what = ", ".join(map(self.exact, self.columns))
        return super().select(what, suffix, binds)

    def exact(self, column: str) -> str:
        name, cast = self.quote(column), self.described[column].cast
        return f"CAST({name} AS {cast}) AS {name}" if cast else name

    def whole(self) -> tuple[str, Any]:
        if any(column.cast for column in self.described.values()):
            return self.select("*", " OFFSET 0")  # keeps the order of the query
        return super().whole()

    def typed(self, column: str, placeholder: str) -> str:
        return typed(self.described[column], placeholder)

    def compared(self, column: str) -> str:
        return compared(self.described[column], self.quote(column))

    def tied(self, columns: Sequence[str], one: Key, other: Key) -> bool:
        if all(self.described[column].compares_as_python for column in columns):
            return super().tied(columns, one, other)
        return one == other or are_equal(
            self, {column: self.described[column] for column in columns}, one, other
        )

    def tells_apart(self, column: str) -> bool:
        described = self.described[column]
        return described.compares_as_python or (described.is_text and is_deterministic(self, described))
