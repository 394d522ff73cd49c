"""The types of new columns of the destination: proven to keep every value of the source's, or given by the user."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from airflow_checkpoint_provider.engine.databases.questions.type_dialect import DeclaredColumn
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName, match_columns
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns
from airflow_checkpoint_provider.engine.transfer.session import Session


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


class ColumnTypes:
    """
    Chooses types of the destination for columns that are read.

    :param argument: the argument that has the columns created, for messages
    """

    def __init__(self, spec: TransferSpec, session: Session, columns: Columns, argument: str) -> None:
        self._spec, self._source, self._argument = spec, session.source, argument
        self._connection = session.destination.connection
        self.there, self.here = session.source.dialect, session.destination.dialect
        table = TableName.parse(spec.source_table, argument="source_table") if spec.source_table else None
        self.table = table
        self.declared: Mapping[str, DeclaredColumn] = self._source.declared_columns(table)
        self.names = [self._folded(name) for name in columns.written]
        """The names of the columns in the destination, for each that is read."""
        # A rows_processor may make columns of its own, and there are no types for these.
        self._pairs = dict(zip(columns.read, self.names, strict=False))

    def _folded(self, name: str) -> str:
        """Return a name in lower case where the source means by upper case that case does not matter."""
        if self._spec.destination_columns is None and self.there.folds_to_upper:
            return str(self._source.connection.dialect.normalize_name(name))
        return name

    @cached_property
    def overrides(self) -> dict[str, str]:
        """
        The types that the user has given, by columns of the destination.

        :raises ArgumentError: when one is for a column that is not loaded
        """

        def missing(name: str) -> ArgumentError:
            return ArgumentError(
                f"column_types: {name!r} is not among the columns of the new table: {', '.join(self.names)}."
            )

        given = self._spec.column_types or {}
        return dict(zip(match_columns(list(given), self.names, missing), given.values(), strict=True))

    def of(self, read: Iterable[str]) -> dict[str, NewColumn]:
        """
        Choose the types of some columns.

        :param read: columns of the query
        :return: by columns of the query
        :raises ArgumentError: when no type is known to keep all values of one; it names the column
        """
        overrides, pairs = self.overrides, self._pairs
        types = {name: self.wanted(name) for name in read}
        self._refuse_unknown([(name, pairs[name]) for name, declared in types.items() if declared is None])
        return {
            name: NewColumn(pairs[name], str(declared), given=pairs[name] in overrides)
            for name, declared in types.items()
        }

    def wanted(self, column: str) -> str | None:
        """Return the type that the user has given for a column of the query, or that keeps every value of it."""
        return self.overrides.get(self._pairs[column]) or self.known_type(column)

    def known_type(self, column: str) -> str | None:
        """Return the type that keeps every value of a column of the query; ``None`` where none is known."""
        found = self.declared.get(column)
        if found is None:
            return None
        if type(self.there) is type(self.here):
            return self.here.own_type(found, self._connection)
        described = self.there.describe_type(found.text)
        return self.here.declare_type(described) if described else None

    def _refuse_unknown(self, unknown: list[tuple[str, str]]) -> None:
        if not unknown:
            return
        named = ", ".join(
            f"{read} ({self.declared[read].text})"
            if read in self.declared and self.declared[read].text
            else f"{read} (of a type that is not known)"
            for read, _ in unknown
        )
        raise ArgumentError(
            f"{self._argument}: no type of {self.here.title} is known to keep every value of {named}. Give one for "
            f"each, in the words of the destination: column_types={{{unknown[0][1]!r}: ...}}."
        )
