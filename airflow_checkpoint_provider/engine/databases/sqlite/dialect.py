"""The dialect of SQLite: answers to the engine's questions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, ExecutableDDLElement

from airflow_checkpoint_provider.engine.databases.dbapi import raw_connection, reading
from airflow_checkpoint_provider.engine.databases.dialect import Dialect, dialect_of
from airflow_checkpoint_provider.engine.databases.migration import Statement, TableChange
from airflow_checkpoint_provider.engine.databases.questions.type_dialect import DeclaredColumn
from airflow_checkpoint_provider.engine.databases.sqlite import column_types
from airflow_checkpoint_provider.engine.databases.sqlite.affinity import affinity_of
from airflow_checkpoint_provider.engine.databases.sqlite.plan_questions import SqlitePlanQuestions
from airflow_checkpoint_provider.engine.databases.sqlite.session import LEAVES_STATE, prepare_session
from airflow_checkpoint_provider.engine.databases.sqlite.table_facts import table_columns, table_facts
from airflow_checkpoint_provider.engine.databases.statements.identifiers import match_column
from airflow_checkpoint_provider.engine.databases.table_facts import TableColumns, TableFacts
from airflow_checkpoint_provider.engine.databases.values.stored_type import BoundKind, StoredType
from airflow_checkpoint_provider.engine.model.column_type import ColumnType


class SqliteDialect(Dialect):
    """SQLite, through sqlite3."""

    title = "SQLite"

    drivers = {"sqlite3": "sqlite://"}  # noqa: RUF012
    remote = False
    session_statement = LEAVES_STATE
    has_schemas = False

    time_type = sa.DateTime()
    row_id = sa.Integer()  # only INTEGER numbers rows by itself
    numbers_rows = True
    limits_rows = True
    cuts_text = True
    steps_through_index = True
    takes_any_index = True
    takes_over = True
    migration_frame = ("BEGIN IMMEDIATE;\n\n", "COMMIT;\n")

    create_missing = "CREATE TABLE IF NOT EXISTS"

    transactional = True
    savepoints = True
    waits = (
        False  # the driver releases the interpreter's lock for each row; a waiting thread delays every row
    )

    plan = SqlitePlanQuestions()

    @property
    def source_class(self) -> Any:
        from airflow_checkpoint_provider.engine.databases.sqlite.source import SqliteSource

        return SqliteSource

    @property
    def destination_class(self) -> Any:
        from airflow_checkpoint_provider.engine.databases.sqlite.destination import SqliteDestination

        return SqliteDestination

    def prepare(
        self, raw: Any, lock_timeout: float, *, for_writing: bool, statement_limit: float = 0
    ) -> float:
        prepare_session(raw, lock_timeout, for_writing=for_writing)
        return 0

    def configure(self, engine: sa.Engine, *, for_writing: bool) -> None:
        if for_writing:
            # IMMEDIATE, because a transaction that reads first and then writes cannot wait for its turn.
            sa.event.listen(engine, "begin", _begin_immediate)

    def is_lock_timeout(self, error: BaseException) -> bool:
        return "database is locked" in str(error).lower()

    def as_created(self, inspector: sa.Inspector, table: str, schema: str | None) -> str:
        # SQLite ignores the case of names, but SQLAlchemy's reading of its catalog does not.
        there = [*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)]
        return match_column(table, there) or table

    def meant_table(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> str | None:
        return table if schema is None or schema.lower() == "main" else f"{schema}.{table}"

    def describe_type(self, text: str) -> ColumnType | None:
        return column_types.describe(text)

    def declare_type(self, type_: ColumnType) -> str | None:
        return column_types.declare(type_)

    def keeps_staged(self, text: str, staged: str) -> bool:
        # A stage has the affinities of the table, and words of its own for them; ANY has two.
        return text.upper() == "ANY" or affinity_of(text) is affinity_of(staged)

    def declared_columns(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> Mapping[str, DeclaredColumn]:
        with reading(connection):
            return column_types.declared_columns(raw_connection(connection), table, schema)

    def migration(
        self, change: TableChange, inspector: sa.Inspector | None = None
    ) -> list[ExecutableDDLElement]:
        table = change.name
        columns = [*change.missing, *([change.last] if change.last is not None else [])]
        added = [Statement(f"ALTER TABLE {table} ADD COLUMN {change.spell(column)}") for column in columns]
        if change.has_old_key or change.retyped or change.unnumbered is not None:
            return [*added, *change.fill, *self._made_anew(change)]
        indexes = [Statement(f"DROP INDEX IF EXISTS {change.beside(name)}") for name in change.dropped]
        return [*added, *change.fill, *indexes, *map(CreateIndex, change.created)]

    def _made_anew(self, change: TableChange) -> list[ExecutableDDLElement]:
        """Copy the rows aside and into a new table, in one transaction: SQLite cannot change a primary key."""
        table, aside = change.name, change.beside(f"{change.table.name}_aside")
        retyped = {column.name for column in change.retyped}
        names = [column.name for column in change.table.columns]
        values = {name: _value(change.quote(name), name in retyped) for name in names}
        create, *indexes = self.creation(change.table)
        columns = ", ".join(map(change.quote, values))
        return [
            Statement(f"CREATE TABLE {aside} AS SELECT * FROM {table}"),
            Statement(f"DROP TABLE {table}"),
            create,
            Statement(f"INSERT INTO {table} ({columns}) SELECT {', '.join(values.values())} FROM {aside}"),
            Statement(f"DROP TABLE {aside}"),
            *indexes,
        ]

    def numbers_by_itself(self, inspector: sa.Inspector, table: sa.Table) -> bool:
        found = {column["name"]: column["type"] for column in inspector.get_columns(table.name, table.schema)}
        return str(found["id"]).upper() == "INTEGER"

    def time_value(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=None)

    def stored(self, type_: Any) -> StoredType:
        return StoredType(bits=64 if super().stored(type_).bits else 0, floats_as_text=True)

    def keeps_order(self, type_: Any, kind: BoundKind, value: Any) -> bool:
        # A value that a column would round is refused before it is written.
        if kind is BoundKind.NUMBER:
            return not isinstance(type_, sa.Float) and isinstance(type_, (sa.Integer, sa.Numeric))
        # A time with a zone is text, each with an offset of its own.
        return kind is not BoundKind.ZONED and isinstance(type_, (sa.Date, sa.DateTime))

    def database_name(self, connection: sa.Connection) -> str | None:
        files = connection.exec_driver_sql("PRAGMA database_list").all()
        return next((str(file) for _, name, file in files if name == "main"), None)

    def table_facts(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str, *, deletes: bool
    ) -> TableFacts:
        with reading(connection):
            return table_facts(raw_connection(connection), table, schema)

    def table_columns(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> TableColumns:
        with reading(connection):
            return table_columns(raw_connection(connection), table, schema)

    def why_read_only(self, connection: sa.Connection) -> str | None:
        raw = raw_connection(connection)
        if raw.execute("PRAGMA query_only").fetchone()[0]:
            return "its connection is read-only (PRAGMA query_only)"
        path = raw.execute("PRAGMA database_list").fetchone()[2]
        if path and not os.access(path, os.W_OK):
            return f"its file {path} is read-only for this user"
        return None

    def is_same_file(self, reader: sa.Connection, writer: sa.Connection) -> bool:
        if not isinstance(dialect_of(writer), SqliteDialect):
            return False
        paths = [
            raw_connection(connection).execute("PRAGMA database_list").fetchone()[2]
            for connection in (reader, writer)
        ]
        return bool(paths[0]) and paths[0] == paths[1]


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN" if connection.info.get("reading") else "BEGIN IMMEDIATE")


def _value(column: str, is_text: bool) -> str:
    """Write the expression of a column; a time as text, with a T and the offset of UTC, gets the driver's form."""
    return f"REPLACE(SUBSTR({column}, 1, 26), 'T', ' ')" if is_text else column
