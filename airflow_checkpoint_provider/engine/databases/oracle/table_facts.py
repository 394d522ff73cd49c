"""What Oracle's dictionary knows about a table."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from airflow_checkpoint_provider.engine.databases.oracle.dictionary import SYNONYM, rows_of
from airflow_checkpoint_provider.engine.databases.oracle.row_security import refused_deeds
from airflow_checkpoint_provider.engine.databases.table_facts import (
    DELETE,
    INSERT,
    READ,
    SHOWS_OTHERS,
    UPDATE,
    ColumnFacts,
    TableColumns,
    TableFacts,
    TableIdentity,
)

SCHEMA = "SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM dual"
KIND = (
    "SELECT t.temporary, t.read_only, v.view_name, m.mview_name, e.table_name FROM dual"
    " LEFT JOIN all_tables t ON t.owner = :1 AND t.table_name = :2"
    " LEFT JOIN all_views v ON v.owner = :3 AND v.view_name = :4"
    " LEFT JOIN all_mviews m ON m.owner = :5 AND m.mview_name = :6"
    " LEFT JOIN all_external_tables e ON e.owner = :7 AND e.table_name = :8"
)
# TRUNCATE gives the segments of a table, or of its partitions, other numbers.
IDENTITY = (
    "SELECT MIN(CASE WHEN o.subobject_name IS NULL THEN o.object_id END), COUNT(*), SUM(o.data_object_id)"
    " FROM all_objects o WHERE o.owner = :1 AND o.object_name = :2 AND o.object_type LIKE 'TABLE%'"
)
# DATA_DEFAULT is a LONG, which no expression can use.
COLUMNS = (
    "SELECT c.column_name, c.virtual_column, c.nullable, c.default_length, i.generation_type FROM all_tab_cols c"
    " LEFT JOIN all_tab_identity_cols i ON i.owner = c.owner AND i.table_name = c.table_name"
    " AND i.column_name = c.column_name WHERE c.owner = :1 AND c.table_name = :2"
    " AND (c.hidden_column = 'NO' OR c.user_generated = 'YES')"
)
# Columns hidden by an index or a type are not the user's, and INVISIBLE came with 12.1.
LISTED = (
    "SELECT column_name, hidden_column, virtual_column FROM all_tab_cols WHERE owner = :1 AND table_name = :2"
    " AND (hidden_column = 'NO' OR user_generated = 'YES') ORDER BY internal_column_id"
)
_INVISIBLE_SINCE = 12
TRIGGERS = (
    "SELECT g.trigger_name, g.trigger_type, g.triggering_event FROM all_triggers g"
    " WHERE g.table_owner = :1 AND g.table_name = :2 AND g.status = 'ENABLED'"
)
# A deferred foreign key of another table is checked at the commit, too.
DEFERRED = (
    "SELECT COUNT(*) FROM all_constraints c LEFT JOIN all_constraints k"
    " ON k.owner = c.r_owner AND k.constraint_name = c.r_constraint_name"
    " WHERE c.deferred = 'DEFERRED' AND c.status = 'ENABLED'"
    " AND (c.owner = :1 AND c.table_name = :2 OR k.owner = :3 AND k.table_name = :4)"
)
REFERRERS = (
    "SELECT DISTINCT c.owner, c.table_name FROM {views}_constraints k JOIN {views}_constraints c"
    " ON c.r_owner = k.owner AND c.r_constraint_name = k.constraint_name"
    " WHERE k.owner = :1 AND k.table_name = :2 AND c.constraint_type = 'R' AND c.status = 'ENABLED'"
    " AND c.delete_rule IN ('CASCADE', 'SET NULL') ORDER BY 1, 2"
)
SEES_ALL = "SELECT COUNT(*) FROM session_privs WHERE privilege = 'SELECT ANY DICTIONARY'"
_HIDDEN = (
    "foreign keys of tables that the user may not see are not known: if one refers to them with ON DELETE CASCADE or "
    "SET NULL, rows of its table change with them (GRANT SELECT ANY DICTIONARY would show it)"
)


def table_facts(raw: Any, owner: str | None, table: str, *, deletes: bool) -> TableFacts:
    """
    Read the facts of a table, or of a synonym's target, from the dictionary.

    :param owner: the schema, or ``None`` for the session's
    :param table: the name as the dictionary has it
    :param deletes: rows of it will be deleted, so that the foreign keys that refer to them matter
    """
    with closing(raw.cursor()) as cursor:

        def ask(statement: str, *values: str) -> list[Sequence[Any]]:
            cursor.execute(statement, list(values))
            found: list[Sequence[Any]] = cursor.fetchall()
            return found

        named = (owner or str(ask(SCHEMA)[0][0]), table)
        for _ in range(2):
            temporary, read_only, view, materialized, external = ask(KIND, *named * 4)[0]
            if temporary or view or materialized:
                break
            synonym = ask(SYNONYM, *named)
            if not synonym:
                return TableFacts()
            named = (str(synonym[0][0]), str(synonym[0][1]))
        if reason := _unusable(temporary, read_only, materialized, external):
            return TableFacts(unusable=reason)
        columns = ask(COLUMNS, *named)
        found = [tuple(map(str, row)) for row in ask(TRIGGERS, *named)]
        triggers = [(kind.upper(), event.upper()) for _, kind, event in found]
        referring: list[Sequence[Any]] = []
        hidden = None
        if deletes and view:
            hidden = "it is a view, and which foreign keys refer to the rows behind it is not known"
        elif deletes:
            sees_all = bool(ask(SEES_ALL)[0][0])
            referring = ask(REFERRERS.format(views="dba" if sees_all else "all"), *named)
            hidden = None if sees_all else _HIDDEN
        referrers = [(str(row[0]), str(row[1])) for row in referring]
        number, *storage = ask(IDENTITY, *named)[0]
        return TableFacts(
            identity=TableIdentity(str(number or ""), " ".join(map(str, storage))),
            refused={
                **({READ: SHOWS_OTHERS} if view else {}),
                **refused_deeds(raw, *named),
                **(_refused_of_view(triggers) if view and _has_instead(triggers) else {}),
            },
            referrers=tuple(
                name if its == named[0] else f"{its}.{name}"
                for its, name in referrers
                if (its, name) != named
            ),
            self_references=named in referrers,
            hidden_referrers=hidden,
            columns={} if view else {str(row[0]): _column(row) for row in columns},
            triggers={
                deed: tuple(name for name, _, event in found if deed in event.upper())
                for deed in (INSERT, UPDATE)
            },
            fills_columns=any("BEFORE" in kind and INSERT in event for kind, event in triggers),
            keeps_deleted="an INSTEAD OF trigger" if _has_instead(triggers) else None,
            checks_at_commit=bool(ask(DEFERRED, *named * 2)[0][0]),
        )


def table_columns(raw: Any, owner: str | None, table: str) -> TableColumns:
    """
    Ask which columns of a table, or of a synonym's target, are INVISIBLE, and which are virtual.

    :param owner: the schema, or ``None`` for the session's
    """
    if int(str(raw.version).partition(".")[0]) < _INVISIBLE_SINCE:
        return TableColumns()
    return TableColumns.of(
        (str(name), hidden == "YES", virtual == "YES")
        for name, hidden, virtual in rows_of(raw, LISTED, owner, table)
    )


def _unusable(temporary: Any, read_only: Any, materialized: Any, external: Any) -> str | None:
    if materialized:
        return (
            "is a materialized view, which takes no rows. Name a table, and refresh the view after the load"
        )
    if temporary == "Y":
        return "is a temporary table, whose rows end with the transaction or the session. Create it without TEMPORARY"
    if external:
        return "is an external table, which takes no rows. Name another table"
    if read_only == "YES":
        return "is read-only. ALTER TABLE it READ WRITE"
    return None


def _column(row: Sequence[Any]) -> ColumnFacts:
    _, virtual, nullable, default_length, identity = row
    generated = virtual == "YES"
    return ColumnFacts(
        generated=generated,
        always_inserts=identity == "ALWAYS",
        required=nullable == "N" and not default_length and not generated and identity is None,
    )


def _has_instead(triggers: Sequence[tuple[str, str]]) -> bool:
    return any(kind.startswith("INSTEAD") for kind, _ in triggers)


def _refused_of_view(triggers: Sequence[tuple[str, str]]) -> dict[str, str]:
    done = " ".join(event for kind, event in triggers if kind.startswith("INSTEAD"))
    return {
        deed: f"it is a view without an INSTEAD OF {deed} trigger, and has another. Name the table behind it"
        for deed in (INSERT, UPDATE, DELETE)
        if deed not in done
    }
