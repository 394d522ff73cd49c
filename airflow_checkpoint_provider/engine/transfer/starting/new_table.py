"""The destination's table, planned from the columns of the source where it does not exist yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.statements.identifiers import (
    TableName,
    match_columns,
    quote_name,
)
from airflow_checkpoint_provider.engine.databases.type_dialect import DeclaredColumn
from airflow_checkpoint_provider.engine.model.column_type import TypeKind
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns
from airflow_checkpoint_provider.engine.transfer.session import Session
from airflow_checkpoint_provider.engine.transfer.strategies.base import Strategy

_OF_TEXT = frozenset((TypeKind.TEXT, TypeKind.PADDED, TypeKind.WRITTEN, TypeKind.JSON))


@dataclass(frozen=True, slots=True)
class NewColumn:
    """
    A column to create.

    :param declared: its type, in the destination's words
    :param suffix: what stands behind the type
    :param given: the user has given the type
    """

    name: str
    declared: str
    suffix: str = ""
    given: bool = False


@dataclass(frozen=True, slots=True)
class NewTable:
    """
    A table to create.

    :param table: its name, as the user has written it
    :param statement: creates it, and does nothing where there is one already
    """

    table: TableName
    columns: tuple[NewColumn, ...]
    statement: str


def plan_table(spec: TransferSpec, session: Session, strategy: Strategy, columns: Columns) -> NewTable | None:
    """
    Plan the destination's table.

    :return: ``None`` where it is not to be created, or exists
    :raises ArgumentError: when no type is known to keep all values of a column; it names the column
    """
    destination = session.destination
    if not spec.create_table:
        return None
    with reading(destination.connection):
        if destination.table.resolve(sa.inspect(destination.connection)):
            return None
    return _Planner(spec, session, strategy, columns).plan()


class _Planner:
    def __init__(self, spec: TransferSpec, session: Session, strategy: Strategy, columns: Columns) -> None:
        self._spec = spec
        self._source, self._destination = session.source, session.destination
        self._there, self._here = session.source.dialect, session.destination.dialect
        self._read = columns.read
        if len(columns.written) != len(columns.read):  # a rows_processor may make columns of its own
            raise ArgumentError(
                f"create_table: the table is made from the {len(columns.read)} columns of the query, and "
                f"destination_columns has {len(columns.written)}. Create the table by hand, or by the preoperator."
            )
        self._names = [self._folded(name) for name in columns.written]
        self._strategy = strategy
        table = TableName.parse(spec.source_table, argument="source_table") if spec.source_table else None
        self._declared: Mapping[str, DeclaredColumn] = self._source.declared_columns(table)
        key = self._source.primary_key(table) if table else []
        self._source_key = key if all(name in self._read for name in key) else []

    def plan(self) -> NewTable:
        overrides = self._overrides()
        key, unique = self._keys()
        indexed = {*key, *unique}
        ordered = {*indexed, *self._written(self._strategy.columns)}
        types = [
            overrides.get(name) or self._type(read)
            for read, name in zip(self._read, self._names, strict=True)
        ]
        self._refuse_unknown(types)
        made = [
            NewColumn(
                name,
                str(declared),
                self._suffix(
                    read, str(declared), collated=name in ordered and name not in overrides, key=name in key
                ),
                name in overrides,
            )
            for read, name, declared in zip(self._read, self._names, types, strict=True)
        ]
        self._refuse_long_keys(made, indexed)
        return NewTable(self._destination.table, tuple(made), self._statement(made, key, unique))

    def _folded(self, name: str) -> str:
        """Return a name in lower case where the source means by upper case that case does not matter."""
        if self._spec.destination_columns is None and self._there.folds_to_upper:
            return str(self._source.connection.dialect.normalize_name(name))
        return name

    def _overrides(self) -> dict[str, str]:
        def missing(name: str) -> ArgumentError:
            return ArgumentError(
                f"column_types: {name!r} is not among the columns of the new table: {', '.join(self._names)}."
            )

        given = self._spec.column_types or {}
        return dict(zip(match_columns(list(given), self._names, missing), given.values(), strict=True))

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

    def _type(self, column: str) -> str | None:
        found = self._declared.get(column)
        if found is None:
            return None
        if type(self._there) is type(self._here):
            return self._here.own_type(found.text)
        described = self._there.describe_type(found.text)
        return self._here.declare_type(described) if described else None

    def _refuse_unknown(self, types: Sequence[str | None]) -> None:
        unknown = [
            (read, name)
            for read, name, declared in zip(self._read, self._names, types, strict=True)
            if declared is None
        ]
        if not unknown:
            return
        named = ", ".join(
            f"{read} ({self._declared[read].text})"
            if read in self._declared
            else f"{read} (of a type that is not known)"
            for read, _ in unknown
        )
        raise ArgumentError(
            f"create_table: no type of {self._here.title} is known to keep every value of {named}. Give one for each, "
            f"in the words of the destination: column_types={{{unknown[0][1]!r}: ...}}."
        )

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

    def _refuse_long_keys(self, columns: Sequence[NewColumn], indexed: set[str]) -> None:
        for column in columns:
            if column.name in indexed and column.declared in self._here.too_long_for_key:
                raise ArgumentError(
                    f"create_table: {column.name} is part of a key, and {self._here.title} has no index on "
                    f"{column.declared}. Give it a type with a length: column_types={{{column.name!r}: ...}}."
                )

    def _statement(self, columns: Sequence[NewColumn], key: Sequence[str], unique: Sequence[str]) -> str:
        connection = self._destination.connection

        def listed(names: Sequence[str]) -> str:
            return ", ".join(quote_name(name, connection.dialect) for name in names)

        lines = [f"{listed([column.name])} {column.declared}{column.suffix}".rstrip() for column in columns]
        lines += [f"PRIMARY KEY ({listed(key)})"] if key else []
        lines += [f"UNIQUE ({listed(unique)})"] if unique else []
        inside = ",\n    ".join(lines)
        options = self._here.creation_options(connection)
        return f"{self._here.create_missing} {self._destination.name} (\n    {inside}\n){options}"
