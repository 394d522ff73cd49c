"""Checks of a destination before anything is changed, by the facts that the server has about its table."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.table_facts import (
    COPY,
    DELETE,
    INSERT,
    READ,
    TEMPORARY,
    UPDATE,
    UPSERT,
    ColumnFacts,
    UniqueKey,
)
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, DestinationError
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.session import Session

_DONE = {
    "append": (INSERT, COPY),
    "upsert": (INSERT, UPDATE, UPSERT, TEMPORARY),
    "replace": (DELETE, INSERT, COPY),
    "replace_atomic": (DELETE, INSERT),
}


def check_server(session: Session) -> None:
    """
    Refuse a destination that takes no rows at all.

    :raises DestinationError: when its server or its session is read-only
    """
    check_writable(session.destination.connection, f"Destination {session.destination.conn_id!r}")
    if session.separate:
        check_writable(session.keeper, "The checkpoint database")


def check_writable(connection: sa.Connection, name: str) -> None:
    """
    Refuse a connection that takes no rows at all.

    :param name: of its database, for the error
    :raises DestinationError: when its server or its session is read-only
    """
    if reason := dialect_of(connection).why_read_only(connection):
        raise DestinationError(f"{name} cannot be written: {reason}.")


class Written(Protocol):
    """How a table is written: the write mode, and the partition where not all of its rows are."""

    @property
    def write_mode(self) -> str: ...

    @property
    def part(self) -> Partition | None: ...


Check = Callable[[Destination], None]


def check_table(spec: Written, destination: Destination) -> None:
    """
    Refuse what the server would refuse or change later, when rows are deleted or staged already.

    :param destination: its columns and facts are known
    :raises ArgumentError: names the table or the column, and the way out
    :raises DestinationError: when a right is missing
    """
    for check in table_checks(spec, destination):
        check(destination)


def table_checks(spec: Written, destination: Destination) -> list[Check]:
    """
    Return the checks of :func:`check_table`, none of which needs the outcome of another.

    :param destination: its columns and facts are known
    """
    if destination.facts.unusable:
        return [_refuse_kind]
    checks: list[Check] = [_check_generated, _check_identity, _check_column_rights, _check_required]
    checks += [partial(_check_deed, deed=deed) for deed in _DONE[spec.write_mode]]
    if spec.write_mode == "upsert":
        return [*checks, _check_upsert]
    if spec.write_mode == "append":
        return checks
    return [*checks, partial(_check_references, is_part=spec.part is not None)]


def _refuse_kind(destination: Destination) -> None:
    raise ArgumentError(f"destination_table: {destination.table} {destination.facts.unusable}.")


def _check_deed(destination: Destination, *, deed: str) -> None:
    facts, table, mode = destination.facts, destination.table, destination.write_mode
    if right := facts.lacks.get(deed):
        raise DestinationError(
            f"Destination {destination.conn_id!r}: the role has no right to {deed} for {table}, which "
            f"write_mode={mode!r} takes. GRANT {right} to it."
        )
    if reason := facts.refused.get(deed):
        raise ArgumentError(f"destination_table: write_mode={mode!r} cannot write {table}: {reason}.")


def check_publishing(destination: Destination) -> None:
    """
    Refuse a table whose rows cannot be swapped, or not alone.

    :param destination: its facts are known
    :raises ArgumentError: names the table, and the way out
    """
    facts, table = destination.facts, destination.table
    if reason := facts.unusable or facts.refused.get(DELETE) or facts.refused.get(INSERT):
        raise ArgumentError(f"destination_table: nothing can be published into {table}: {reason}.")
    _check_references(destination, is_part=False)


def hidden_references(destination: Destination) -> list[str]:
    """
    Return a warning if rows of tables that cannot be seen may change with the deleted ones.

    :param destination: its facts are known
    """
    if not (hidden := destination.facts.hidden_referrers):
        return []
    return [f"write_mode: {destination.write_mode!r} deletes rows of {destination.table}, and {hidden}."]


def untold_changes(spec: TransferSpec, destination: Destination) -> list[str]:
    """
    Return a warning if triggers may change rows as they are written, and no digest compares them afterwards.

    :param destination: its facts are known
    """
    deeds = (INSERT, UPDATE) if spec.write_mode == "upsert" else (INSERT,)
    names = list(dict.fromkeys(name for deed in deeds for name in destination.facts.triggers.get(deed, ())))
    if not names or spec.verify == "digest":
        return []
    return [
        f"destination_table: {destination.table} has triggers that run as rows are written ({_listed(names)}), and may "
        "change or delete them without an error. verify='digest' compares the rows with those of the source."
    ]


def _known(destination: Destination) -> dict[str, ColumnFacts]:
    facts = destination.facts
    return {name: facts.columns[name] for name in destination.columns if name in facts.columns}


def _updated(destination: Destination) -> list[str]:
    """Return the columns that an upsert changes."""
    # Where there is nothing else to change, the key is set to itself, so that the row is counted.
    keys = destination.conflict_columns
    return [name for name in _known(destination) if name not in keys] or keys[:1]


def _check_generated(destination: Destination) -> None:
    known = _known(destination).items()
    if generated := [name for name, column in known if column.generated or column.always_inserts]:
        raise ArgumentError(
            f"destination_columns: {destination.table} gives {_listed(generated)} its values by itself and takes none. "
            "Leave it out, by a mapping in destination_columns, or leave it out of the query."
        )


def _check_identity(destination: Destination) -> None:
    if destination.write_mode != "upsert":
        return
    known = _known(destination)
    if always := [name for name in _updated(destination) if name in known and known[name].always]:
        raise ArgumentError(
            f"destination_columns: {_listed(always)} of {destination.table} is GENERATED ALWAYS, so an upsert cannot "
            "change it. Leave it out, by a mapping in destination_columns, or give it in conflict_columns, beside "
            "columns to update."
        )


def _check_column_rights(destination: Destination) -> None:
    known, table = _known(destination), destination.table
    updated = _updated(destination) if destination.write_mode == "upsert" else []
    for deed, names in ((INSERT, list(known)), (READ, list(known)), (UPDATE, updated)):
        if lacking := [name for name in names if name in known and deed in known[name].lacks]:
            raise DestinationError(
                f"Destination {destination.conn_id!r}: the role has no right to {deed} {_listed(lacking)} of {table}. "
                f"GRANT {deed} ON {table} to it."
            )


def _check_required(destination: Destination) -> None:
    facts, table = destination.facts, destination.table
    known = _known(destination)
    missing = [name for name, column in facts.columns.items() if column.required and name not in known]
    if missing and not facts.fills_columns:
        raise ArgumentError(
            f"destination_columns: {_listed(missing)} of {table} takes no NULL, has no default, and is not among the "
            f"columns that are loaded: {', '.join(destination.columns)}. Load it, or give it a default."
        )


def _check_upsert(destination: Destination) -> None:
    facts, table = destination.facts, destination.table
    key = ", ".join(destination.conflict_columns)
    if facts.misses:
        raise ArgumentError(
            f"write_mode: 'upsert' into {table} does not find the rows of {_listed(facts.misses)}, which inherit from "
            "it: a unique index holds for one table. Load the table that has the rows."
        )
    if facts.unique_keys is None or any(key.why_not is None for key in _indexes(destination)):
        return
    why = "; ".join(f"{key.name} is not one, because {key.why_not}" for key in _indexes(destination))
    raise ArgumentError(
        f"conflict_columns: {table} has no unique index on {key}, and an upsert goes by such an index only"
        f"{f' ({why})' if why else ''}. Create one, or give the columns of one."
    )


def _indexes(destination: Destination) -> list[UniqueKey]:
    wanted = frozenset(destination.conflict_columns)
    return [key for key in destination.facts.unique_keys or () if key.columns == wanted]


def _check_references(destination: Destination, *, is_part: bool) -> None:
    facts, table, mode = destination.facts, destination.table, destination.write_mode
    which = "the rows of a partition" if is_part else "all rows"
    changed = _listed(facts.referrers)
    if not changed and facts.self_references and is_part:
        changed = "rows of other partitions"
    if changed:
        raise ArgumentError(
            f"write_mode: {mode!r} deletes {which} of {table} before it inserts others, which would change {changed}, "
            "by a foreign key ON DELETE CASCADE, SET NULL or SET DEFAULT. Use 'upsert', or make it a foreign key "
            "without such an action."
        )
    if facts.misses:
        raise ArgumentError(
            f"write_mode: {mode!r} would delete the rows of {_listed(facts.misses)}, which inherit from {table}, and "
            f"insert all rows into {table} itself. Load the table that has the rows, or use 'append'."
        )


def _listed(names: object) -> str:
    listed = list(names)  # type: ignore[call-overload]
    more = f" and {len(listed) - 5:,} more" if len(listed) > 5 else ""
    return f"{', '.join(map(str, listed[:5]))}{more}"
