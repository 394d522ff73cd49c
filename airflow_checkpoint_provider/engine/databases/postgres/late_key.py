"""Primary keys in Postgres that are built after the rows, and the constraint that stands for one until then."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.questions.late_key import LateKeys
from airflow_checkpoint_provider.engine.databases.statements.identifiers import quote_name

_NAME = "airflow_checkpoint_key"
# A published table may need its key for the first DELETE. Servers that only speak the protocol name themselves in
# version(), and some of them store a table by its key; Postgres before 12 has no such view.
_MAY_WAIT = sa.text(
    "SELECT version() ~ '^PostgreSQL [0-9.]+ '"
    " AND to_regclass('pg_catalog.pg_stat_progress_create_index') IS NOT NULL"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_publication)"
)
# A table that was given a key by hand lacks none, whichever it is.
_KEPT = sa.text(
    "SELECT pg_get_expr(conbin, conrelid) FROM pg_catalog.pg_constraint kept"
    " WHERE conrelid = to_regclass(:quoted) AND contype = 'c' AND conname = :name AND NOT EXISTS"
    " (SELECT FROM pg_catalog.pg_constraint there WHERE there.conrelid = kept.conrelid AND there.contype = 'p')"
)
_RIGHTS = sa.text(
    "SELECT pg_has_role(relowner, 'USAGE'), has_schema_privilege(relnamespace, 'CREATE'), pg_get_userbyid(relowner),"
    " relnamespace::regnamespace::text FROM pg_catalog.pg_class WHERE oid = to_regclass(:quoted)"
)
# A server that lacks a setting has no row for it.
_NO_TIME_LIMIT = sa.text(
    "SELECT set_config(name, '0', true) FROM pg_catalog.pg_settings"
    " WHERE name IN ('statement_timeout', 'transaction_timeout')"
)
_UNIQUE_VIOLATION = "23505"
_LITERAL = re.compile(r"\('(.*)'(?:::text)? IS NOT NULL\)", re.DOTALL)
_PROGRESS = sa.text(
    "SELECT phase, CASE WHEN tuples_total > 0 THEN tuples_done::float8 / tuples_total"
    " WHEN blocks_total > 0 THEN blocks_done::float8 / blocks_total END"
    " FROM pg_catalog.pg_stat_progress_create_index WHERE relid = to_regclass(:quoted)"
)


class PostgresLateKeys(LateKeys):
    """
    A constraint that every row meets has the columns of the key.

    It belongs to the table and not to a checkpoint: it is there for the loads that follow, whatever becomes of the
    first one, and goes with the table.
    """

    known = True

    def placeholder(self, connection: sa.Connection, columns: Sequence[str]) -> str | None:
        if not self.may_wait(connection):
            return None
        kept = json.dumps(list(columns), ensure_ascii=False).replace("'", "''")
        return f"CONSTRAINT {_NAME} CHECK ('{kept}' IS NOT NULL)"

    def may_wait(self, connection: sa.Connection) -> bool:
        return bool(connection.execute(_MAY_WAIT).scalar())

    def columns(self, connection: sa.Connection, table: str) -> Sequence[str]:
        found = connection.execute(_KEPT, {"quoted": table, "name": _NAME}).scalar()
        literal = _LITERAL.fullmatch(found or "")
        return tuple(json.loads(literal[1].replace("''", "'"))) if literal else ()

    def why_not(self, connection: sa.Connection, table: str) -> str:
        found = connection.execute(_RIGHTS, {"quoted": table}).first()
        if found is None:
            return ""
        owns, creates, owner, schema = found
        if not owns:
            return f"only its owner {owner} can add it"
        return "" if creates else f"this user lacks the right to create in schema {schema}"

    def statement(self, connection: sa.Connection, table: str, columns: Sequence[str]) -> str:
        names = ", ".join(quote_name(name, connection.dialect) for name in columns)
        return f"ALTER TABLE {table} DROP CONSTRAINT {_NAME}, ADD PRIMARY KEY ({names})"

    def take_time(self, connection: sa.Connection) -> None:
        connection.execute(_NO_TIME_LIMIT).all()

    def is_duplicate(self, error: BaseException) -> bool:
        return getattr(error, "sqlstate", None) == _UNIQUE_VIOLATION

    def progress(self, connection: sa.Connection, table: str) -> str:
        found = connection.execute(_PROGRESS, {"quoted": table}).first()
        if found is None:
            return ""
        phase, share = found
        phase = phase.removeprefix("building index: ")
        return phase if share is None else f"{phase}, {share:.0%}"
