"""The destination's table, planned from the columns of the source where it does not exist yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.statements.identifiers import (
    TableName,
    match_columns,
    quote_name,
)
from airflow_checkpoint_provider.engine.model.column_type import TypeKind
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns
from airflow_checkpoint_provider.engine.transfer.session import Session
from airflow_checkpoint_provider.engine.transfer.starting.column_types import ColumnTypes, NewColumn
from airflow_checkpoint_provider.engine.transfer.strategies.base import Strategy

_OF_TEXT = frozenset((TypeKind.TEXT, TypeKind.PADDED, TypeKind.WRITTEN, TypeKind.JSON))


@dataclass(frozen=True, slots=True)
class NewTable:
    """
    A table to create.

    :param table: its name, as the user has written it
    :param statement: creates it, and does nothing where there is one already
    :param complete: the same with all of its keys, for a DBA
    :param late_key: columns of its primary key, where that is built after the last row
    """

    table: TableName
    columns: tuple[NewColumn, ...]
    statement: str
    complete: str
    late_key: tuple[str, ...] = ()


def plan_table(
    spec: TransferSpec, session: Session, strategy: Strategy, columns: Columns, *, key_waits: bool
) -> NewTable | None:
    """
    Plan the destination's table.

    :param key_waits: its primary key may be built after the last row
    :return: ``None`` where it is not to be created, or exists
    :raises ArgumentError: when no type is known to keep all values of a column; it names the column
    """
    destination = session.destination
    if not spec.create_table:
        return None
    with reading(destination.connection):
        if destination.table.resolve(sa.inspect(destination.connection)):
            return None
    return _Planner(spec, session, strategy, columns).plan(key_waits=key_waits)


class _Planner:
    def __init__(self, spec: TransferSpec, session: Session, strategy: Strategy, columns: Columns) -> None:
        self._spec = spec
        self._destination = session.destination
        self._read = columns.read
        if len(columns.written) != len(columns.read):  # a rows_processor may make columns of its own
            raise ArgumentError(
                f"create_table: the table is made from the {len(columns.read)} columns of the query, and "
                f"destination_columns has {len(columns.written)}. Create the table by hand, or by the preoperator."
            )
        self._types = ColumnTypes(spec, session, columns, "create_table")
        self._there, self._here = self._types.there, self._types.here
        self._names, self._declared = self._types.names, self._types.declared
        self._strategy = strategy
        table = self._types.table
        key = session.source.primary_key(table) if table else []
        self._source_key = key if all(name in self._read for name in key) else []

    def plan(self, *, key_waits: bool) -> NewTable:
        key, unique = self._keys()
        indexed = {*key, *unique}
        ordered = {*indexed, *self._written(self._strategy.columns)}
        columns = list(self._types.of(self._read).items())
        free = [
            place
            for place, (_, column) in enumerate(columns)
            if not column.given and column.name not in indexed
        ]
        fitted = self._here.fitted_types([column.declared for _, column in columns], free)
        made = [
            replace(
                column,
                declared=declared,
                suffix=self._suffix(
                    read,
                    declared,
                    collated=column.name in ordered and not column.given,
                    key=column.name in key,
                ),
            )
            for (read, column), declared in zip(columns, fitted, strict=True)
        ]
        for names in filter(None, (key, unique)):
            self._refuse_long_key([column for column in made if column.name in names])
        late = self._placeholder(key) if key and key_waits else None
        first = [f"PRIMARY KEY ({self._listed(key)})"] if key else []
        others = [f"UNIQUE ({self._listed(unique)})"] if unique else []
        complete = self._statement(made, [*first, *others])
        statement = self._statement(made, [late, *others]) if late else complete
        return NewTable(self._destination.table, tuple(made), statement, complete, tuple(key) if late else ())

    def _placeholder(self, key: Sequence[str]) -> str | None:
        with reading(self._destination.connection):
            return self._here.late_keys.placeholder(self._destination.connection, key)

    def _listed(self, names: Sequence[str]) -> str:
        return ", ".join(quote_name(name, self._destination.connection.dialect) for name in names)

    def _written(self, columns: Sequence[str]) -> list[str]:
        pairs = dict(zip(self._read, self._names, strict=True))
        return [pairs[column] for column in columns if column in pairs]

    def _keys(self) -> tuple[list[str], list[str]]:
        """Return the primary key, and the key of an upsert where that is another one."""
        spec = self._spec
        key = self._written(self._source_key)
        if spec.write_mode != "upsert":
            # Rows that may arrive twice would be refused by a key.
            return ([] if spec.allow_duplicates else key), []

        def missing(name: str) -> ArgumentError:
            return ArgumentError(
                f"conflict_columns: {name} is not among the columns that are loaded: {', '.join(self._names)}."
            )

        wanted = match_columns(spec.conflict_columns or key, self._names, missing)
        if not wanted:
            raise ArgumentError(
                f"conflict_columns: {self._destination.table} is to be created, and the source has no primary key, so "
                "write_mode='upsert' needs the columns that tell its rows apart."
            )
        return key, wanted if set(wanted) != set(key) else []

    def _suffix(self, column: str, declared: str, *, collated: bool, key: bool) -> str:
        found = self._declared.get(column)
        described = self._there.describe_type(found.text) if found else None
        of_text = described is not None and described.kind in _OF_TEXT
        made = self._here.describe_type(declared)
        sorts_as_text = made is not None and made.kind in (TypeKind.TEXT, TypeKind.PADDED)
        collation = (
            f" {self._here.key_collation}" if collated and sorts_as_text and self._here.key_collation else ""
        )
        may_be_empty = of_text and self._here.empty_is_null and not self._there.empty_is_null
        nullable = declared.endswith(" null")
        required = found is not None and found.required and not may_be_empty and not nullable
        return f"{collation}{' NOT NULL' if required or (key and not nullable) else ''}"

    def _refuse_long_key(self, columns: Sequence[NewColumn]) -> None:
        for column in columns:
            if column.declared in self._here.too_long_for_key:
                raise ArgumentError(
                    f"create_table: {column.name} is part of a key, and {self._here.title} has no index on "
                    f"{column.declared}. Give it a type with a length: column_types={{{column.name!r}: ...}}."
                )
        if reason := self._here.why_too_wide([column.declared for column in columns]):
            names = ", ".join(f"{column.name} ({column.declared})" for column in columns)
            raise ArgumentError(
                f"create_table: {names} are the columns of a key, and an index of {self._here.title} {reason}. Give "
                f"shorter types: column_types={{{columns[0].name!r}: ...}}."
            )

    def _statement(self, columns: Sequence[NewColumn], keys: Sequence[str]) -> str:
        lines = [
            f"{self._listed([column.name])} {column.declared}{column.suffix}".rstrip() for column in columns
        ]
        inside = ",\n    ".join([*lines, *keys])
        options = self._here.creation_options(self._destination.connection)
        return f"{self._here.create_missing} {self._destination.name} (\n    {inside}\n){options}"
