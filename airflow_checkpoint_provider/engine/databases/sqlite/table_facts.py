"""What SQLite knows about a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from airflow_checkpoint_provider.engine.databases.sqlite.attached import (
    commits_alone,
    journal_of,
    made_by,
    master_of,
    schema_changes,
    schema_of,
)
from airflow_checkpoint_provider.engine.databases.table_facts import (
    DELETE,
    INSERT,
    READ,
    SHOWS_OTHERS,
    UPDATE,
    UPSERT,
    ColumnFacts,
    Hazard,
    TableColumns,
    TableFacts,
    TableIdentity,
    UniqueKey,
)

_TRIGGERS = (
    "SELECT name, sql FROM {catalog} WHERE tbl_name = ? COLLATE NOCASE AND type = 'trigger'"
    " UNION ALL SELECT name, sql FROM sqlite_temp_master WHERE tbl_name = ? COLLATE NOCASE AND type = 'trigger'"
)
_REFERRERS = (
    "SELECT DISTINCT m.name FROM {catalog} m JOIN pragma_foreign_key_list(m.name, ?) f"
    " WHERE m.type = 'table' AND f.\"table\" = ? COLLATE NOCASE"
    " AND f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT') ORDER BY 1"
)
_DEFERRED = re.compile(r"\bINITIALLY\s+DEFERRED\b", re.IGNORECASE)
# Modules of virtual tables that keep their rows in tables of the same file.
_STORED_MODULES = frozenset(("fts3", "fts4", "fts5", "rtree", "rtree_i32", "geopoly"))
# Those of them that keep other numbers than they are given.
_ROUNDING_MODULES = frozenset(("rtree", "rtree_i32", "geopoly"))
# A table of FTS whose rows are elsewhere, or nowhere: it has their index alone.
_INDEX_ALONE = re.compile(r"[(,]\s*content\s*=", re.IGNORECASE)
_MODULE = re.compile(r"\s*CREATE\s+VIRTUAL\s+TABLE\s.*?\bUSING\s+\"?(\w+)", re.IGNORECASE | re.DOTALL)
_WHEN = re.compile(
    r"\bTRIGGER\b.*?\b(?:(BEFORE|AFTER|INSTEAD\s+OF)\s+)?(DELETE|INSERT|UPDATE)\b.*?\bON\b",
    re.IGNORECASE | re.DOTALL,
)
# 1 is a parameter or a result of a virtual table: no column with values of its own.
_HIDDEN_VIRTUAL, _HIDDEN_STORED = 2, 3


def table_facts(raw: Any, table: str, schema: str | None) -> TableFacts:
    """Read the facts of a table from the file's catalog."""
    schema = schema_of(raw, table, schema)
    if schema is None:
        return TableFacts()
    if schema.lower() == "temp":
        return TableFacts(
            unusable="is a temporary table, which ends with the connection. Create it without TEMPORARY"
        )
    catalog = master_of(schema)
    found = made_by(raw, table, schema)
    if found is None:
        return TableFacts()
    kind, sql = found
    module = _module(sql)
    if module.lower() in _ROUNDING_MODULES:
        return TableFacts(
            unusable=f"is a virtual table of {module}, which rounds numbers. Load a plain table, and fill it from there"
        )
    if module and _INDEX_ALONE.search(sql):
        return TableFacts(
            unusable=f"is a virtual table of {module} with its content elsewhere (content=), so that it keeps an index "
            "of rows, and not the rows. Load the table that has the content"
        )
    triggers = [
        (str(name), *_when(text or ""))
        for name, text in raw.execute(_TRIGGERS.format(catalog=catalog), (table, table))
    ]
    instead = {event for _, when, event, _ in triggers if when.startswith("INSTEAD")}
    enforced = bool(raw.execute("PRAGMA foreign_keys").fetchone()[0])
    referring = (
        [row[0] for row in raw.execute(_REFERRERS.format(catalog=catalog), (schema, table))]
        if enforced
        else []
    )
    columns = raw.execute(
        'SELECT name, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?, ?)', (table, schema)
    )
    view = kind == "view"
    keys = _keys(raw, table, schema)
    listed = columns.fetchall()
    skipping = [
        name
        for name, when, event, text in triggers
        if event == DELETE and (when != "AFTER") and _skips(when, text)
    ]
    return TableFacts(
        # A new table may be stored in the place of the old one; any change of the file's schema is counted.
        identity=TableIdentity(storage=str(schema_changes(raw, schema))),
        hazard=_hazard(raw, table, schema, module),
        refused={READ: SHOWS_OTHERS, **_refused_of_view(instead)} if view else {},
        referrers=tuple(name for name in referring if name.lower() != table.lower()),
        self_references=any(name.lower() == table.lower() for name in referring),
        columns={str(row[0]): _column(row, view=view) for row in listed},
        unique_keys=None if view else (*_primary_key(listed), *keys),
        triggers={
            deed: tuple(name for name, _, event, _ in triggers if event == deed) for deed in (INSERT, UPDATE)
        },
        keeps_deleted=f"the trigger {skipping[0]}" if skipping else None,
        checks_at_commit=enforced and _is_deferred(raw, schema, sql, table),
    )


def table_columns(raw: Any, table: str, schema: str | None) -> TableColumns:
    """Ask which columns are generated; ``*`` shows them, and all others that hold values."""
    within, values = ("?, ?", (table, schema)) if schema else ("?", (table,))
    rows = raw.execute(f"SELECT name, hidden FROM pragma_table_xinfo({within})", values)
    generated = (_HIDDEN_VIRTUAL, _HIDDEN_STORED)
    return TableColumns(generated=frozenset(str(name) for name, hidden in rows if hidden in generated))


def _when(sql: str) -> tuple[str, str, str]:
    match = _WHEN.search(sql)
    if not match:
        return "", "", sql
    return " ".join((match[1] or "BEFORE").upper().split()), match[2].upper(), sql


def _skips(when: str, sql: str) -> bool:
    return when.startswith("INSTEAD") or "IGNORE" in sql.upper()


def _is_deferred(raw: Any, schema: str, sql: str, table: str) -> bool:
    if _DEFERRED.search(sql) or raw.execute("PRAGMA defer_foreign_keys").fetchone()[0]:
        return True
    referring = (
        f"SELECT m.sql FROM {master_of(schema)} m JOIN pragma_foreign_key_list(m.name, ?) f WHERE m.type = 'table'"
        ' AND f."table" = ? COLLATE NOCASE'
    )
    return any(_DEFERRED.search(row[0] or "") for row in raw.execute(referring, (schema, table)))


def _column(row: Sequence[Any], *, view: bool) -> ColumnFacts:
    _, not_null, default, key, hidden = row
    generated = hidden in (_HIDDEN_VIRTUAL, _HIDDEN_STORED)
    # A key of one INTEGER column numbers rows by itself, and other keys may be NULL unless they are declared NOT NULL.
    return ColumnFacts(
        generated=generated,
        required=bool(not_null) and default is None and not generated and not view and not key,
    )


def _primary_key(columns: Sequence[Sequence[Any]]) -> list[UniqueKey]:
    names = frozenset(str(row[0]) for row in columns if row[3])
    return [UniqueKey("its primary key", names)] if names else []


def _keys(raw: Any, table: str, schema: str) -> list[UniqueKey]:
    found = []
    listed = raw.execute(
        'SELECT name, partial FROM pragma_index_list(?, ?) WHERE "unique"', (table, schema)
    ).fetchall()
    for name, partial in listed:
        columns = raw.execute(
            "SELECT cid, name FROM pragma_index_xinfo(?, ?) WHERE key", (name, schema)
        ).fetchall()
        why_not = "it is partial" if partial else None
        if any(cid < 0 for cid, _ in columns):
            why_not = "it has an expression"
        found.append(UniqueKey(str(name), frozenset(str(column) for _, column in columns), why_not))
    return found


def _module(sql: str) -> str:
    """Return the module of a virtual table; empty for other tables."""
    match = _MODULE.match(sql)
    return match[1] if match else ""


def _hazard(raw: Any, table: str, schema: str, module: str) -> Hazard | None:
    if module and module.lower() not in _STORED_MODULES:
        return Hazard(f"{table} is a virtual table of {module}, whose rows may not be part of a transaction")
    if commits_alone(raw, schema):
        return Hazard(
            f"{table} is in the attached file {schema}, which is not committed together with the main one in its "
            "journal_mode. Connect to that file itself, or set journal_mode = DELETE in both"
        )
    if journal_of(raw, schema) == "off":
        return Hazard("journal_mode is OFF in this database, so that no rollback takes back what is written")
    return None


def _refused_of_view(instead: set[str]) -> dict[str, str]:
    refused = {
        deed: f"it is a view without an INSTEAD OF {deed} trigger. Name the table behind it"
        for deed in (INSERT, UPDATE, DELETE)
        if deed not in instead
    }
    return {UPSERT: "it is a view, for which there is no upsert. Name the table behind it", **refused}
