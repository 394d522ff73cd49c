"""What Postgres knows about a table: one query of the catalog."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.postgres.catalog_question import FACTS, IN_SCHEMA
from airflow_checkpoint_provider.engine.databases.table_facts import (
    COPY,
    DELETE,
    INSERT,
    READ,
    SHOWS_OTHERS,
    TEMPORARY,
    UPDATE,
    UPSERT,
    ColumnFacts,
    Hazard,
    TableColumns,
    TableFacts,
    TableIdentity,
    UniqueKey,
    hides_rows,
)

_READ_ONLY = sa.text("SELECT current_setting('transaction_read_only') = 'on', pg_is_in_recovery()")
_GENERATED = sa.text(
    "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(:quoted) AND attnum > 0 AND NOT attisdropped"
    " AND attgenerated <> ''"
)
_HAZARDS = sa.text(
    "SELECT c.oid::regclass::text, c.relkind, c.relpersistence FROM unnest(CAST(:names AS text[])) n"
    " JOIN pg_class c ON c.oid = to_regclass(n) WHERE c.relkind = 'f' OR c.relpersistence <> 'p'"
)
# The flags of pg_trigger.tgtype, and of pg_relation_is_updatable.
_ROW, _BEFORE, _ON_INSERT, _ON_DELETE, _ON_UPDATE, _INSTEAD = 1, 2, 4, 8, 16, 64
_MAY_UPDATE, _MAY_INSERT, _MAY_DELETE = 4, 8, 16
_DEFERRABLE = "it is deferrable"
_RULES = {"2": UPDATE, "3": INSERT, "4": DELETE}
_PRIMARY_KEY = (
    "SELECT attname FROM pg_index CROSS JOIN unnest(indkey) WITH ORDINALITY AS part (number, place) "
    "JOIN pg_attribute ON attrelid = indrelid AND attnum = number "
    "WHERE indisprimary AND indrelid = to_regclass(%s) ORDER BY place"
)


def table_facts(connection: sa.Connection, quoted: str) -> TableFacts:
    """
    Read the facts of a table from the catalog.

    :param quoted: the whole name, as it stands in a statement
    """
    version = connection.dialect.server_version_info or (0,)
    statement = FACTS.replace("{in_schema}", IN_SCHEMA if version >= (15,) else "")
    with reading(connection):
        found = connection.execute(sa.text(statement), {"quoted": quoted}).scalar()
    # As text: the connection of a load has loaders of its own for JSON.
    return _facts(json.loads(found)) if found else TableFacts()


def table_columns(connection: sa.Connection, quoted: str) -> TableColumns:
    """Ask which columns are generated; ``*`` leaves out none."""
    with reading(connection):
        found = connection.execute(_GENERATED, {"quoted": quoted}).scalars()
        return TableColumns(generated=frozenset(map(str, found)))


def hazard_of(connection: sa.Connection, names: Sequence[str]) -> Hazard | None:
    """
    Return why one of some tables is not kept in step with the others, if that is so.

    :param names: as they stand in a statement; tables that do not exist are left out
    """
    with reading(connection):
        found = connection.execute(_HAZARDS, {"names": list(names)}).all()
    return _hazard(found)


def why_read_only(connection: sa.Connection) -> str | None:
    """Return why nothing can be written through a connection, as the end of a sentence."""
    with reading(connection):
        read_only, standby = connection.execute(_READ_ONLY).one()
    if standby:
        return "it is a standby, which takes no rows. Let the connection name the primary"
    if read_only:
        return "its transactions are read-only. Set default_transaction_read_only to off, for the role or the database"
    return None


def _facts(found: Mapping[str, Any]) -> TableFacts:
    triggers = [(name, int(type_)) for name, type_, own in found["triggers"] or () if own]
    everywhere = [(name, int(type_)) for name, type_, _ in found["triggers"] or ()]
    skipping = [
        name
        for name, type_ in everywhere
        if type_ & _ON_DELETE and type_ & (_BEFORE | _INSTEAD) and type_ & _ROW
    ]
    skipping += [name for name, event, _ in found["rules"] or () if event == "4"]
    columns = found["columns"] or ()
    return TableFacts(
        identity=TableIdentity(found["oid"], found["storage"] or ""),
        hazard=_hazard(found["members"] or ()),
        unusable=_unusable(found),
        refused=_refused(found, triggers),
        lacks={deed: right for deed, right, may in _rights(found) if not may},
        referrers=tuple(found["referrers"] or ()),
        self_references=found["self_references"],
        columns={
            name: ColumnFacts(
                generated=bool(generated.strip()),
                always=identity == "a",
                required=required,
                lacks=frozenset(
                    deed for deed, may in zip((INSERT, UPDATE, READ), rights, strict=True) if not may
                ),
            )
            for name, generated, identity, required, *rights in columns
        },
        unique_keys=None if found["kind"] == "v" else _keys(found["keys"] or ()),
        misses=tuple(found["children"] or ()),
        triggers={
            deed: tuple(name for name, type_ in everywhere if type_ & bit)
            for deed, bit in ((INSERT, _ON_INSERT), (UPDATE, _ON_UPDATE))
        },
        fills_columns=any(type_ & _BEFORE and type_ & _ON_INSERT for _, type_ in everywhere),
        keeps_deleted=f"the trigger or rule {skipping[0]}" if skipping else None,
        checks_at_commit=found["deferred"],
    )


def _unusable(found: Mapping[str, Any]) -> str | None:
    if found["kind"] == "m":
        return (
            "is a materialized view, which takes no rows. Name a table, and REFRESH the view after the load"
        )
    if found["persistence"] == "t":
        return "is a temporary table, which ends with the connection. Create it without TEMPORARY"
    if found["kind"] not in ("r", "p", "f", "v"):
        return "is neither a table nor a view"
    return None


def _rights(found: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    return [
        (DELETE, f"DELETE ON {found['name']}", found["delete"]),
        (TEMPORARY, f"TEMPORARY ON DATABASE {found['database']}", found["temporary"]),
    ]


def _refused(found: Mapping[str, Any], triggers: Sequence[tuple[str, int]]) -> dict[str, str]:
    refused = _refused_of_kind(found, [type_ for _, type_ in triggers if type_ & _INSTEAD])
    for name, event, instead in found["rules"] or ():
        deed = _RULES[str(event)]
        if deed in (INSERT, UPDATE):
            refused.setdefault(UPSERT, f"its rule {name} ON {deed} goes with no ON CONFLICT. Drop the rule")
        if deed == INSERT and not instead:
            refused.setdefault(COPY, f"COPY does not run its rule {name} ON INSERT. Make it a trigger")
        if instead and found["kind"] != "v":
            refused.setdefault(deed, f"its rule {name} does something else instead of {deed}. Drop the rule")
    if published := found["published"]:
        publication, table, *sent = published
        for deed in (deed for deed, is_sent in zip((UPDATE, DELETE), sent, strict=True) if is_sent):
            refused.setdefault(
                deed,
                f"publication {publication} sends each {deed} of {table}, which has no replica identity. Give it a "
                f"primary key, or ALTER TABLE {table} REPLICA IDENTITY FULL",
            )
    return refused


def _refused_of_kind(found: Mapping[str, Any], instead: Sequence[int]) -> dict[str, str]:
    if found["kind"] not in ("v", "f"):
        return {}
    refused: dict[str, str] = {}
    view = found["kind"] == "v"
    what = "is a view" if view else "is a foreign table"
    for deed, bit in ((INSERT, _MAY_INSERT), (UPDATE, _MAY_UPDATE), (DELETE, _MAY_DELETE)):
        if not int(found["updatable"]) & bit:
            more = f" and has no INSTEAD OF {deed} trigger" if view else ""
            refused[deed] = f"it {what} that takes no {deed}{more}. Name the table behind it"
    if found["hiding"] or instead:
        refused[READ] = SHOWS_OTHERS
    if found["hiding"] and not instead:
        refused.setdefault(DELETE, hides_rows(found["hiding"]))
    if view and not any(type_ & _ON_INSERT for type_ in instead):
        refused[COPY] = (
            "it is a view without an INSTEAD OF INSERT trigger, which COPY cannot write to. Name the table behind it"
        )
    if view and instead:
        refused[UPSERT] = (
            "it is a view with INSTEAD OF triggers, for which there is no ON CONFLICT. Name the table behind it"
        )
    return refused


def _keys(rows: Sequence[Sequence[Any]]) -> tuple[UniqueKey, ...]:
    keys = list(map(_key, rows))
    waiting = {key.columns for key in keys if key.why_not == _DEFERRABLE}
    # Postgres refuses an upsert if one of the indexes that it could use is deferrable.
    return tuple(
        replace(key, why_not=key.why_not or "another one on it is deferrable")
        if key.columns in waiting
        else key
        for key in keys
    )


def _key(row: Sequence[Any]) -> UniqueKey:
    name, columns, plain, whole, immediate, valid, nulls_equal = row
    why_not = None
    if not plain:
        why_not = "it has an expression"
    elif not whole:
        why_not = "it is partial"
    elif not immediate:
        why_not = _DEFERRABLE
    elif not valid:
        why_not = "it is not valid"
    return UniqueKey(name, frozenset(columns or ()), why_not, bool(nulls_equal))


def _hazard(members: Sequence[Any]) -> Hazard | None:
    found: list[Hazard] = []
    for name, kind, persistence in members:
        if kind == "f":
            found.append(
                Hazard(f"{name} is a foreign table, whose server commits before this one does and by itself")
            )
        elif persistence == "u":
            found.append(
                Hazard(
                    f"{name} is UNLOGGED: a crash of the server empties it, and the checkpoint stays; ALTER TABLE "
                    f"{name} SET LOGGED would change that",
                    loses_rows=True,
                )
            )
        elif persistence == "t":
            found.append(
                Hazard(f"{name} is a temporary table, which ends with the connection", loses_rows=True)
            )
    return max(found, key=lambda hazard: hazard.loses_rows, default=None)


def primary_key(cursor: Any, quoted: str) -> list[str]:
    """
    Read the columns of a table's primary key, in its order.

    :param quoted: the whole name, as it stands in a statement
    """
    cursor.execute(_PRIMARY_KEY, [quoted])
    return [name for (name,) in cursor.fetchall()]
