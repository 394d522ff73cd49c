"""What MySQL and MariaDB know about a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.mysql import errors
from airflow_checkpoint_provider.engine.databases.mysql.drivers import is_mariadb, text_of
from airflow_checkpoint_provider.engine.databases.mysql.views import Named, View, ask_view
from airflow_checkpoint_provider.engine.databases.questions.type_dialect import DeclaredColumn
from airflow_checkpoint_provider.engine.databases.table_facts import (
    INSERT,
    UPDATE,
    ColumnFacts,
    Hazard,
    TableColumns,
    TableFacts,
    TableIdentity,
    UniqueKey,
)

# A rollback takes back all changes to these, and a transaction over both and the metadata tables commits as a whole.
_ENGINES = frozenset(("innodb", "rocksdb"))
_FORGETFUL = frozenset(("memory", "blackhole"))
_KINDS = frozenset(("BASE TABLE", "SYSTEM VERSIONED", "VIEW"))
_TABLE = sa.text(
    "SELECT table_type, engine, create_time FROM information_schema.tables"
    " WHERE table_schema = :schema AND table_name = :name"
)
_COLUMNS = sa.text(
    "SELECT column_name, is_nullable = 'NO' AND column_default IS NULL AND data_type <> 'enum', extra"
    " FROM information_schema.columns WHERE table_schema = :schema AND table_name = :name ORDER BY ordinal_position"
)
_DECLARED = sa.text(
    "SELECT column_name, column_type, is_nullable, character_set_name FROM information_schema.columns"
    " WHERE table_schema = :schema AND table_name = :name ORDER BY ordinal_position"
)
_KEYS = sa.text(
    "SELECT index_name, column_name, sub_part FROM information_schema.statistics"
    " WHERE table_schema = :schema AND table_name = :name AND non_unique = 0 ORDER BY index_name, seq_in_index"
)
_TRIGGERS = sa.text(
    "SELECT trigger_name, action_timing, event_manipulation FROM information_schema.triggers"
    " WHERE event_object_schema = :schema AND event_object_table = :name ORDER BY action_order"
)
_SEEN_REFERRERS = sa.text(
    "SELECT DISTINCT k.table_schema, k.table_name FROM information_schema.key_column_usage k"
    " JOIN information_schema.referential_constraints r ON r.constraint_schema = k.constraint_schema"
    " AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name"
    " WHERE k.referenced_table_schema = :schema AND k.referenced_table_name = :name"
    " AND r.delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT') ORDER BY 1, 2"
)
# As InnoDB keeps them: names encoded as file names, and the flags 1 for ON DELETE CASCADE, 2 for SET NULL.
_ALL_REFERRERS = (
    "SELECT DISTINCT CONVERT(CONVERT(SUBSTRING_INDEX(for_name, '/', 1), BINARY) USING filename) AS in_schema,"
    " CONVERT(CONVERT(SUBSTRING_INDEX(for_name, '/', -1), BINARY) USING filename) AS name"
    " FROM information_schema.{catalog} WHERE type & 3 AND CONVERT(ref_name, BINARY) ="
    " CONVERT(CONCAT(CONVERT(CONVERT(:schema USING filename), BINARY), '/',"
    " CONVERT(CONVERT(:name USING filename), BINARY)), BINARY) ORDER BY 1, 2"
)
_SEES_ALL = sa.text(
    "SELECT 1 FROM information_schema.user_privileges WHERE privilege_type = 'SELECT'"
    " AND REPLACE(grantee, '''', '') = CURRENT_USER() LIMIT 1"
)
_READ_ONLY = ("super_read_only", "transaction_read_only", "tx_read_only", "innodb_read_only")
_DEMANDS_KEY = ("sql_require_primary_key", "innodb_force_primary_key")
_HIDDEN = (
    "foreign keys of tables that the user may not see are not known: if one refers to them with ON DELETE CASCADE or "
    "SET NULL, rows of its table change with them (GRANT PROCESS ON *.* would show it)"
)

_UNKNOWN_VIEW = "it is a view whose tables are not known, and so are foreign keys that refer to them"


def table_facts(
    connection: sa.Connection, table: str, schema: str | None, quoted: str, *, deletes: bool
) -> TableFacts:
    """
    Read the facts of a table from the server.

    :param deletes: rows of it will be deleted, so that the foreign keys that refer to them matter
    """
    named = in_full(connection, table, schema)
    with reading(connection):
        # Without parameters no driver reads a "%" of a name as the beginning of a placeholder.
        created = connection.exec_driver_sql(
            f"SHOW CREATE TABLE {quoted}", execution_options={"no_parameters": True}
        ).one()
        if str(created[1]).upper().startswith("CREATE TEMPORARY"):
            return TableFacts(
                unusable="is a temporary table, which ends with the connection. Create it without TEMPORARY"
            )
        found = _ask(connection, _TABLE, named).first()
        if found is None:
            return TableFacts()
        kind, engine = text_of(found[0]), found[1]
        if kind not in _KINDS:
            return TableFacts(unusable=f"is a {kind.lower()}, not a table or a view")
        view = kind == "VIEW"
        asked = ask_view(connection, named) if view else View({named: engine})
        stored = asked.stored
        hidden = None if stored else _UNKNOWN_VIEW
        referrers: set[Named] = set()
        for each in stored if deletes else ():
            more, unseen = _referrers(connection, each)
            referrers.update(more)
            hidden = hidden or unseen
        columns = _ask(connection, _COLUMNS, named).all()
        triggers = [tuple(map(text_of, row)) for row in _ask(connection, _TRIGGERS, named)]
        return TableFacts(
            # Other numbers of a table take the right PROCESS; TRUNCATE creates it anew.
            identity=TableIdentity(storage=str(found[2] or "")),
            hazard=_hazard(stored) if stored else Hazard(f"{table} is a view, and its tables are not known"),
            refused=asked.refused,
            referrers=tuple(_shown(each, named[0]) for each in sorted(referrers) if each not in stored),
            self_references=any(each in stored for each in referrers),
            hidden_referrers=hidden if deletes else None,
            columns={} if view else {text_of(row[0]): _column(row) for row in columns},
            unique_keys=None if view else _keys(_ask(connection, _KEYS, named)),
            triggers={
                deed: tuple(name for name, _, event in triggers if event == deed) for deed in (INSERT, UPDATE)
            },
            fills_columns=any(row[1:] == ("BEFORE", INSERT) for row in triggers),
        )


def table_columns(connection: sa.Connection, named: Named) -> TableColumns:
    """Ask which columns are INVISIBLE, and which are generated."""
    with reading(connection):
        rows = _ask(connection, _COLUMNS, named).all()
    return TableColumns.of(
        (text_of(row[0]), "INVISIBLE" in text_of(row[2]).upper(), _column(row).generated) for row in rows
    )


def in_full(connection: sa.Connection, table: str, schema: str | None) -> Named:
    """Return the schema and the name of a table; without a schema it is in that of the connection."""
    return schema or str(connection.dialect.default_schema_name), table


def declared_columns(connection: sa.Connection, named: Named) -> dict[str, DeclaredColumn]:
    """Return the columns of a table or view with their types."""
    with reading(connection):
        rows = _ask(connection, _DECLARED, named).all()
    return {
        text_of(name): DeclaredColumn(text_of(declared), text_of(nulls) == "NO", text_of(charset or ""))
        for name, declared, nulls, charset in rows
    }


def hazard_of(connection: sa.Connection, tables: Iterable[Named]) -> Hazard | None:
    """Return why one of some tables is not kept in step with the others, if that is so."""
    with reading(connection):
        found = {named: _ask(connection, _TABLE, named).first() for named in tables}
    return _hazard({named: row[1] for named, row in found.items() if row})


def why_read_only(connection: sa.Connection) -> str | None:
    """Return why nothing can be written through a connection, as the end of a sentence."""
    settings = _settings(connection, "read_only", *_READ_ONLY)
    if settings.pop("read_only", "OFF") != "OFF":
        with reading(connection):
            grants = connection.exec_driver_sql("SHOW GRANTS").scalars().all()
        if not any(
            re.search(r"SUPER|READ[_ ]ONLY[_ ]ADMIN|ALL PRIVILEGES ON \*\.\*", grant) for grant in grants
        ):
            return "its server is read-only (read_only). Let the connection name the primary"
    on = [name for name, value in settings.items() if value == "ON"]
    return (
        f"its server or session is read-only ({on[0]}). Let the connection name the primary" if on else None
    )


def demands_primary_key(connection: sa.Connection) -> bool:
    """Return whether the server refuses to create a table without a primary key."""
    return any(value == "ON" for value in _settings(connection, *_DEMANDS_KEY).values())


def _settings(connection: sa.Connection, *names: str) -> dict[str, str]:
    listed = ", ".join(f"'{name}'" for name in names)
    with reading(connection):
        found = connection.exec_driver_sql(f"SHOW VARIABLES WHERE variable_name IN ({listed})")
        return {text_of(name): str(value).upper() for name, value in found}


def _ask(connection: sa.Connection, statement: sa.TextClause, named: Named) -> Any:
    return connection.execute(statement, {"schema": named[0], "name": named[1]})


def _referrers(connection: sa.Connection, named: Named) -> tuple[list[Named], str | None]:
    """Return the tables that change with rows of a table, and why there may be more."""
    catalog = "innodb_sys_foreign" if is_mariadb(connection) else "innodb_foreign"
    try:
        found = _ask(connection, sa.text(_ALL_REFERRERS.format(catalog=catalog)), named)
        return [(text_of(row[0]), text_of(row[1])) for row in found], None
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated or errors.error_number(error.orig or error) in errors.PASSING:
            raise
    rows = _ask(connection, _SEEN_REFERRERS, named)
    seen = [(text_of(row[0]), text_of(row[1])) for row in rows]
    return seen, None if connection.execute(_SEES_ALL).first() else _HIDDEN


def _shown(named: Named, schema: str) -> str:
    return named[1] if named[0] == schema else ".".join(named)


def _column(row: Sequence[Any]) -> ColumnFacts:
    extra = text_of(row[2]).upper()
    generated = "GENERATED" in extra.replace("DEFAULT_GENERATED", "") or "PERSISTENT" in extra
    return ColumnFacts(
        generated=generated, required=bool(row[1]) and not generated and "AUTO_INCREMENT" not in extra
    )


def _keys(rows: Iterable[Sequence[Any]]) -> tuple[UniqueKey, ...]:
    columns: dict[str, list[str]] = {}
    why_not: dict[str, str] = {}
    for name, column, part in rows:
        columns.setdefault(text_of(name), []).append(text_of(column))
        if column is None:
            why_not[text_of(name)] = "it has an expression"
        elif part is not None:
            why_not[text_of(name)] = f"it holds the first {part} characters of {column} only"
    return tuple(UniqueKey(name, frozenset(names), why_not.get(name)) for name, names in columns.items())


def _hazard(stored: Mapping[Named, str | None]) -> Hazard | None:
    for named, engine in stored.items():
        if str(engine).lower() not in _ENGINES:
            return Hazard(
                f"{named[1]} is a table of {engine}, whose rows no rollback takes back; ALTER TABLE {named[1]} "
                "ENGINE = InnoDB would change that",
                loses_rows=str(engine).lower() in _FORGETFUL,
            )
    return None
