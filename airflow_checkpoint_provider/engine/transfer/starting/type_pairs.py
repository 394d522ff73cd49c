"""Pairs of types that are refused because the destination would read the text of one as other values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_checkpoint_provider.engine.databases.rows.blocks import Row
from airflow_checkpoint_provider.engine.databases.values.written_types import WrittenType
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns
from airflow_checkpoint_provider.engine.transfer.session import Session


def check_type_pairs(spec: TransferSpec, session: Session, columns: Columns) -> None:
    """
    Refuse a type that the source writes as text and the destination's column is not known to read.

    The destination must be prepared: its columns decide. Values that ``rows_processor`` may convert are left to
    :class:`PassedValues`.

    :raises ArgumentError: names the column, both types and the cast
    """
    if pairs := unread_pairs(spec, session, columns):
        raise _refusal(session, pairs)


def unread_pairs(
    spec: TransferSpec, session: Session, columns: Columns
) -> list[tuple[str, WrittenType, int]]:
    """
    Return the columns that :func:`check_type_pairs` refuses, each with its type at the source and its place.

    The destination must be prepared: its columns decide.
    """
    if spec.rows_processor:
        return []
    source, destination = session.source, session.destination
    written = source.written_types(destination.packed_forms(), columns.read)
    return [
        (columns.read[index], type_, index)
        for index, type_ in written.items()
        if not destination.reads(index, type_.kind)
    ]


@dataclass(frozen=True)
class PassedValues:
    """
    The values that a ``rows_processor`` returns as it was given them.

    Equal texts are not enough, since another column may have them; a longer text that a driver has made for one column
    is the value of no other one.

    :param types: by their places in a row that is read, types of the source whose values come as text
    :param unread: by the place in a row that is written, those that the destination's column is not known to read
    """

    session: Session
    columns: Columns
    types: Mapping[int, WrittenType]
    unread: Mapping[int, frozenset[int]]
    _given: dict[int, tuple[int, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session, columns: Columns) -> PassedValues:
        """The destination must be prepared: its columns decide."""
        source, destination = session.source, session.destination
        types = source.written_types((), columns.read)
        forms, names = destination.packed_forms(), [columns.read[index] for index in types]
        unread = {}
        for place in range(len(destination.columns)) if types else ():
            alike = [
                replace(form, types=(form.types[place],) * len(names)) if form.types else form
                for form in forms
            ]
            found = source.written_types(alike, names)
            at = [index for number, index in enumerate(types) if number in found]
            unread[place] = frozenset(
                index for index in at if not destination.reads(place, types[index].kind)
            )
        return cls(session, columns, types, {place: those for place, those in unread.items() if those})

    def give(self, rows: Iterable[Row]) -> None:
        """Keep the values of the rows that the function is about to be given."""
        self._given.clear()
        if self.unread:
            self._given.update(
                (id(value), (index, value))
                for row in rows
                for index in self.types
                # One character may be the same object everywhere, and is the same digit to every type.
                if isinstance(value := row[index], str) and len(value) > 1
            )

    def check(self, rows: Iterable[Sequence[Any]]) -> None:
        """
        Check the returned rows, and let go of the values that were given.

        :raises ArgumentError: names the column, both types and the cast
        """
        if not self._given:
            return
        found = {
            (self._given[id(value)][0], place)
            for row in rows
            for place, unread in self.unread.items()
            if place < len(row)
            and id(value := row[place]) in self._given
            and self._given[id(value)][0] in unread
        }
        self._given.clear()
        if found:
            read = self.columns.read
            raise _refusal(
                self.session, [(read[index], self.types[index], place) for index, place in sorted(found)]
            )


def _refusal(session: Session, pairs: Sequence[tuple[str, WrittenType, int]]) -> ArgumentError:
    source, destination = session.source, session.destination
    described = "; ".join(
        f"{name} is {type_.declared}, and {destination.columns[place]} of "
        f"{destination.table} is {destination.declared(place)}"
        for name, type_, place in pairs
    )
    name, _, place = pairs[0]
    return ArgumentError(
        f"sql: {described}: it is not known that the column reads the same values in the text that "
        f"{source.dialect.title} writes for them. Cast it in the query to the type that is meant, such as "
        f"CAST({name} AS {destination.declared(place)}) AS {name}, or write it into a column of text."
    )
