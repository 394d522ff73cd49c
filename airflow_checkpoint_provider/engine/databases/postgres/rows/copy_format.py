"""The form in which Postgres packs rows: the COPY that does it, and the reader of a packed row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.rows.blocks import Row
from airflow_checkpoint_provider.engine.databases.statements.identifiers import quote_name

# The buffer in which libpq reads from the socket grows to the longest message that it has seen, and stays so.
LARGE_VALUE = f"SELECT repeat(' ', {64 * 1024})"


@dataclass(frozen=True)
class CopyForm:
    """
    Columns in their order, as COPY writes them.

    :param casts: types to which the server casts columns first; no Python value that is used changes by it
    :param keys: columns whose values are stored and compared, and so must have a Python value
    :param written: how the server writes columns for another database; no value but those of the keys is used then
    """

    binary: bool
    columns: tuple[str, ...]
    casts: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    written: Mapping[str, str] = field(default_factory=dict)

    def command(
        self, raw: Any, statement: tuple[str, Any], skip: int, given: list[str], dialect: sa.Dialect
    ) -> bytes:
        """
        Write the COPY of a query.

        :param raw: the psycopg connection that it will run on
        :param given: the columns that the query returns
        """
        from psycopg import ClientCursor

        text, values = statement
        if values is not None:  # COPY takes no parameters: the driver writes them out
            text = ClientCursor(raw).mogrify(text, values)
        if skip > 0 or self.casts or self.written or list(self.columns) != given:
            names = ", ".join(self._expression(column, dialect) for column in self.columns)
            text = f"SELECT {names} FROM (\n{text}\n) src OFFSET {max(skip, 0)}"
        return f"COPY (\n{text}\n) TO STDOUT{' (FORMAT binary)' if self.binary else ''}".encode()

    def reader(self, raw: Any, oids: Mapping[str, int]) -> Callable[[list[bytes | None]], Row]:
        """
        Return the function that turns the fields of a row into Python values.

        :param oids: of the types of the query's columns
        :raises psycopg.DataError: by the returned function, for a key that Python has no value for
        """
        from psycopg.adapt import Transformer
        from psycopg.pq import Format

        types = raw.adapters.types
        sent = dict(oids) | {column: types[kind].oid for column, kind in self.casts.items()}
        adapt, form = Transformer(raw), Format(self.binary)
        loaders = [adapt.get_loader(sent[column], form).load for column in self.columns]
        readers = [
            loader if column in self.keys else _no_value if self.written else partial(_load, loader)
            for column, loader in zip(self.columns, loaders, strict=True)
        ]

        def load(fields: list[bytes | None]) -> Row:
            pairs = zip(readers, fields, strict=True)
            return [None if field is None else read(field) for read, field in pairs]

        return load

    def _expression(self, column: str, dialect: sa.Dialect) -> str:
        if self.written:
            return self.written[column].replace("%%", "%")
        name = quote_name(column, dialect)
        return f"CAST({name} AS {self.casts[column]})" if column in self.casts else name


def _no_value(field: bytes) -> None:
    return None


def _load(loader: Callable[[bytes], Any], field: bytes) -> Any:
    from psycopg import DataError

    try:
        return loader(field)
    except DataError:  # Python has no infinite day
        return field
