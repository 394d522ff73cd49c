"""The changes to the destination's table that ``on_new_column="add"`` makes, planned before the claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName, match_column
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.column_type import TypeKind
from airflow_checkpoint_provider.engine.model.errors import DestinationMismatchError
from airflow_checkpoint_provider.engine.model.events.steps import ColumnChange
from airflow_checkpoint_provider.engine.model.known_columns import KnownColumns
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns
from airflow_checkpoint_provider.engine.transfer.session import Session
from airflow_checkpoint_provider.engine.transfer.starting.column_types import ColumnTypes, NewColumn

_NUMBERS = frozenset((TypeKind.WHOLE, TypeKind.DECIMAL, TypeKind.NUMBER))
_WIDENED = frozenset((TypeKind.WHOLE, TypeKind.DECIMAL, TypeKind.TEXT, TypeKind.BYTES))


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """
    What is to become of the destination's table before the next row.

    :param wanted: the types that columns are to have, by their names in the destination
    :param added: columns that the table has not
    :param read: those of the query for them
    :param widened: columns of the table whose types are to keep more
    :param found: columns that are new at the source, and that the table has already
    """

    wanted: Mapping[str, NewColumn] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    widened: tuple[str, ...] = ()
    found: tuple[str, ...] = ()

    def left(self, there: Mapping[str, str]) -> list[str]:
        """Return the columns that are still to be added, by what the table has now."""
        return [name for name in self.added if match_column(name, list(there)) is None]


def names_there(destination: Destination) -> Mapping[str, str]:
    """Return the columns of the destination's table, with their types where these are known; empty without a table."""
    with reading(destination.connection):
        return columns_there(destination, destination.table)


def columns_there(destination: Destination, table: TableName) -> Mapping[str, str]:
    """Return the columns of a table next to the destination's as :func:`names_there` does, in a transaction."""
    connection = destination.connection
    found = table.resolve(sa.inspect(connection))
    if found is None:
        return {}
    declared = destination.dialect.columns_of(connection, table)
    if declared:
        return {name: column.text for name, column in declared.items()}
    columns = sa.inspect(connection).get_columns(found.table, schema=found.schema)
    return {str(column["name"]): "" for column in columns}


def source_types(spec: TransferSpec, session: Session) -> Mapping[str, str]:
    """Return the types of the source's columns, for the load's next attempts; empty where they do not matter."""
    return declared_types(spec, session) if spec.on_new_column == "add" else {}


def declared_types(spec: TransferSpec, session: Session) -> Mapping[str, str]:
    """Return the types of the source's columns, as far as its catalog has them."""
    table = TableName.parse(spec.source_table, argument="source_table") if spec.source_table else None
    return {name: column.text for name, column in session.source.declared_columns(table).items()}


def plan_change(
    spec: TransferSpec, session: Session, columns: Columns, stored: Checkpoint | None
) -> SchemaChange | None:
    """
    Plan which columns are added to the destination's table, and which become wider.

    :param stored: the checkpoint that earlier attempts have left
    :return: ``None`` where the table needs no change, or is not there
    :raises ArgumentError: when no type is known to keep all values of a column
    :raises DestinationMismatchError: when the table has a column of that name whose type does not keep all values, or
        has none of the columns at all
    """
    if spec.on_new_column != "add" or not (there := names_there(session.destination)):
        return None
    known = KnownColumns.of(stored.fingerprint) if stored else None
    types = ColumnTypes(spec, session, columns, "on_new_column")
    pairs = {
        read: match_column(name, list(there)) for read, name in zip(columns.read, types.names, strict=True)
    }
    _refuse_other_table(session, pairs, there)
    missing = types.of([read for read, name in pairs.items() if name is None])
    new = set(known.new(columns.read)) if known else set()
    found = {read: name for read, name in pairs.items() if name is not None and read in new}
    for read, name in found.items():
        _refuse_other_type(types, session, read, (name, there[name]))
    wider = {
        name: NewColumn(name, declared)
        for read, name in pairs.items()
        if name is not None
        and known
        and read in known.types
        and (declared := _wider(types, read, known.types[read], there[name]))
    }
    if not (missing or wider or found):
        return None
    return SchemaChange(
        {**{column.name: column for column in missing.values()}, **wider},
        tuple(column.name for column in missing.values()),
        tuple(missing),
        tuple(wider),
        tuple(found.values()),
    )


def _wider(types: ColumnTypes, read: str, before: str, there: str) -> str | None:
    """Return the type that a column needs since that of its source has become wider."""
    found, declared = types.declared.get(read), types.known_type(read)
    if not before or found is None or types.wanted(read) != declared:
        return None
    was, now = types.there.describe_type(before), types.there.describe_type(found.text)
    if was is None or now is None or was == now:
        return None
    is_, wanted = types.here.describe_type(there), types.here.describe_type(declared or "")
    if is_ is None or wanted is None or is_.holds(wanted):
        return None
    return declared if wanted.kind in _WIDENED and wanted.holds(is_) else None


def _refuse_other_table(session: Session, pairs: Mapping[str, str | None], there: Mapping[str, str]) -> None:
    """Refuse a table with none of the columns: it is another one than the user has meant."""
    if not any(pairs.values()):
        raise DestinationMismatchError(
            f"on_new_column: {session.destination.table} has none of the columns of the source, {', '.join(pairs)}, "
            f"and 'add' would add all of them. It has: {', '.join(there)}. Nothing is changed. Check destination_table."
        )


def _refuse_other_type(types: ColumnTypes, session: Session, read: str, column: tuple[str, str]) -> None:
    name, there = column
    declared = types.wanted(read)
    is_, wanted = types.here.describe_type(there), types.here.describe_type(declared or "")
    if is_ is None or wanted is None or is_.kind is wanted.kind or {is_.kind, wanted.kind} <= _NUMBERS:
        return  # each value is checked where it is written
    raise DestinationMismatchError(
        f"on_new_column: {read} is new at the source, and {session.destination.table} has a column {name} already, "
        f"which is {there}, and not {declared}. Nothing is changed. Change or rename that column, "
        f"pair {read} with another one by destination_columns, or accept its type: "
        f"column_types={{{name!r}: {there!r}}}."
    )


def changes_of(change: SchemaChange, there: Mapping[str, str]) -> tuple[ColumnChange, ...]:
    """
    Return the changes to a table in words of it.

    :param there: its columns before
    """
    added = [ColumnChange(name, "", change.wanted[name].declared) for name in change.left(there)]
    widened = [
        ColumnChange(name, there.get(name, ""), change.wanted[name].declared)
        for name in change.widened
        if there.get(name) != change.wanted[name].declared
    ]
    # Another session may have added some since the change was planned.
    filled = [found for name in (*change.added, *change.found) if (found := match_column(name, list(there)))]
    return (*added, *widened, *(ColumnChange(name, there[name], there[name]) for name in filled))
